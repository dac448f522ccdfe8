"""Sections of a report on what was changed to see what it does: texts, feeds, seeds, parts."""

from __future__ import annotations

from collections.abc import Sequence

from models.training.pictures.style import defanged, shown
from models.training.report.cells import HEADS, NOT_RUN, area, cells, percent, table
from models.training.report.findings import Findings, LeftOut, Trial
from models.training.robustness import Fall, Shift

LONGEST_EXAMPLE = 70


def trials(findings: Findings) -> list[str]:
    """All of these sections; one that does not apply is left out."""
    found = findings
    budget = f" Budget: {found.budget}." if found.budget else ""
    return [
        *_section(
            "Harmless-looking additions",
            "How far the logits of malicious rows fall, and how many of those rows still reach "
            "the malicious threshold.",
            found.additions is None or additions(found.additions),
        ),
        *_section(
            "Changes without meaning",
            "How far logits move either way, and how many labels flip.",
            found.changes is None or changes(found.changes),
        ),
        *_section(
            "Time split",
            f"Trained on what was seen before, measured on what came after.{budget}",
            found.time_split is None
            or (
                table(HEADS, [cells(part) for part in found.time_split]) if found.time_split else []
            ),
        ),
        *_section(
            "Leave one feed out",
            "The feed's malicious rows against all benign ones, by a network that never saw the "
            "feed, and by one that did; where whole sources of both labels were left out, their "
            f"malicious rows against their benign ones.{budget}",
            found.left_out is None or left_out(found.left_out),
        ),
        *_section(
            "Seeds",
            f"The same training from other first weights, its rows in another order.{budget}",
            found.seeds is None or tried(found.seeds),
        ),
        *_section(
            "What each part is worth",
            f"Each line has one thing changed.{budget}",
            found.ablations is None or tried(found.ablations),
        ),
    ]


def additions(found: Sequence[Fall]) -> list[str]:
    """A table of falls."""
    heads = ("addition", "median fall", "95th percentile", "detected before", "detected after")
    rows = [
        [
            fall.addition,
            f"{fall.median:.2f}",
            f"{fall.high:.2f}",
            percent(fall.before),
            percent(fall.after),
        ]
        for fall in found
    ]
    return table(heads, rows) if rows else []


def changes(found: Sequence[Shift]) -> list[str]:
    """A table of shifts, with the text that each moved farthest."""
    heads = ("change", "rows", "largest", "mean", "labels flipped", "moved farthest")
    rows = [
        [
            shift.change,
            f"{shift.texts:,}",
            f"{shift.largest:.4f}",
            f"{shift.mean:.4f}",
            percent(shift.flipped),
            code(shift.example[0]) if round(shift.largest, 4) else "",
        ]
        for shift in found
    ]
    return table(heads, rows) if rows else []


def left_out(found: Sequence[LeftOut]) -> list[str]:
    """A table of feeds."""
    heads = (
        *("feed", "rows"),
        *(f"{head}, {how}" for head in HEADS[3:] for how in ("unseen", "seen")),
    )
    rows = []
    for each in found:
        row = [each.feed, f"{each.without.malicious:,}", area(each.without), area(each.beside)]
        for rate, share in each.without.detection.items():
            row += [percent(share), percent(each.beside.detection[rate])]
        rows.append(row)
    return table(heads, rows) if rows else []


def tried(found: Sequence[Trial]) -> list[str]:
    """A table of trials."""
    rows = [[each.name, *cells(each.figures)[1:]] for each in found]
    return table(("", *HEADS[1:]), rows) if rows else []


def code(text: str) -> str:
    """Text of the data as Markdown's code: on one line, defanged, and unable to end it."""
    return f"`` {shown(defanged(text), LONGEST_EXAMPLE).replace('`', chr(39))} ``"


def _section(heading: str, told: str, lines: list[str] | bool) -> list[str]:
    """The section; ``lines`` is True where it was not run, and empty where it does not apply."""
    if lines is True:
        return [f"## {heading}", "", f"{NOT_RUN}.", ""]
    return [f"## {heading}", "", told, "", *lines] if lines else []
