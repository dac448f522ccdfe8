"""Sections of a report, as lines of Markdown: figures by slice, thresholds, scores, rivals."""

from __future__ import annotations

from collections.abc import Sequence

from models.thresholds import Thresholds
from models.training.calibration import Reliability
from models.training.comparison import Rival
from models.training.evaluation import APART, COLLECTED, Evaluation
from models.training.report.cells import (
    HEADS,
    NOT_RUN,
    THRESHOLD_HEADS,
    area,
    cells,
    comparable,
    percent,
    slices,
    table,
    threshold_cells,
)
from models.training.report.expectation import PRIORS, expectation
from models.training.slices import Slice
from models.training.thresholds import Choice, Request

LEGEND = (
    "Detected at a false-positive rate: the share of malicious rows above the threshold that the "
    "benign rows of the same line set for that rate. The other table takes the published "
    "thresholds. Intervals are at 95 %: Wilson's of shares, DeLong's of areas. They take rows for "
    "independent; rows of one domain or kit are not quite, so true ones are somewhat wider."
)
KINDS = (
    f"Rows whose source begins with {' or '.join(f'`{kind}:`' for kind in APART)} stand apart; "
    f"all others are `{COLLECTED}`."
)


def figures(title: str, evaluation: Evaluation) -> list[str]:
    """Figures of one split."""
    lines = [f"## {title}", "", LEGEND, KINDS, ""]
    lines += table(HEADS, [cells(part) for part in comparable(evaluation)])
    lines += table(THRESHOLD_HEADS, [threshold_cells(part) for part in slices(evaluation)])
    for heading, told, parts in (
        ("Lower-cased", "The same rows with all letters in lower case.", evaluation.lower_cased),
        ("By further columns", "", evaluation.columns),
        (
            "Each feed by itself",
            "The malicious rows of one source against all benign rows.",
            evaluation.feeds,
        ),
        (
            "By year",
            "The malicious rows first seen in a year against all benign rows.",
            evaluation.years,
        ),
    ):
        lines += _further(f"### {title}: {heading.lower()}", told, parts)
    return lines


def choice(made: Choice | None, thresholds: Thresholds) -> list[str]:
    """How thresholds were chosen."""
    lines = ["## How the thresholds were chosen", ""]
    if made is None:
        return [*lines, f"By kind of benign rows: {NOT_RUN}.", ""]
    lines += [
        (
            "Every kind of benign validation rows asks for a threshold at which its one-sided 95 % "
            "upper bound holds the stated rate, where its rows are enough; the highest is "
            "published (`models/training/thresholds.py` has the rule). Rows of one group count "
            "for less: the effective number."
        ),
        "",
    ]
    for name, threshold, requests in (
        ("suspicious", thresholds.suspicious, made.suspicious),
        ("malicious", thresholds.malicious, made.malicious),
    ):
        rate = f"{100 * threshold.false_positive_rate:g} %"
        lines += table(
            (
                f"{name}, {rate}",
                "benign rows",
                "effective",
                "asks for logit",
                f"reach {threshold.logit:.4f}",
                "upper bound",
            ),
            [_request(request) for request in requests],
        )
    return lines


def expected(test: Evaluation | None) -> list[str]:
    """What alerts to expect."""
    lines = ["## What to expect", ""]
    rows = []
    for prior in PRIORS:
        for name in ("suspicious", "malicious"):
            outcome = test and (
                test.everything.at_suspicious
                if name == "suspicious"
                else test.everything.at_malicious
            )
            found = expectation(outcome, prior) if outcome else None
            if found:
                low, high = found.interval
                right = f"{100 * found.right:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
                rows.append((f"{100 * prior:g} %", name, f"{found.alerts:,.0f}", right))
    if not rows:
        return [*lines, f"{NOT_RUN}.", ""]
    lines += [
        "Of a million events, if test's rates held and so many of them were malicious:",
        "",
    ]
    return lines + table(("malicious events", "label, or above", "alerts", "of them right"), rows)


def rivals(measured: Evaluation, found: Sequence[Rival] | None) -> list[str]:
    """The network beside other methods."""
    lines = ["## Beside other methods", ""]
    if found is None:
        return [*lines, f"{NOT_RUN}.", ""]
    lines += [
        "Fitted to the same rows, measured on the same, thresholds chosen by the same rule.",
        "",
    ]
    every = [("this network", None, measured), *((r.name, r.seconds, r.evaluation) for r in found)]
    rows = []
    for name, seconds, evaluation in every:
        part = evaluation.everything
        rows.append(
            [
                name,
                area(part),
                *(percent(share) for share in part.detection.values()),
                percent(part.at_malicious.false_positives),
                percent(part.at_malicious.detected),
                "" if seconds is None else f"{seconds:,.0f}",
            ]
        )
    heads = ("method", *HEADS[3:], "false positives, malicious", "detected, malicious", "fit, s")
    return lines + table(heads, rows)


def scores(found: Reliability | None) -> list[str]:
    """What scores mean, and how far they are off."""
    lines = ["## Scores", ""]
    if found is None:
        return [*lines, f"Calibration: {NOT_RUN}.", ""]
    made = found.calibration
    lines += [
        (
            f"`score = sigmoid({made.scale:.4f} * logit {made.offset:+.4f})`, fitted to validation "
            f"for a prior of {100 * made.prior:g} % malicious events. For another prior p, add "
            f"`log(p / (1 - p)) - log({made.prior:g} / {1 - made.prior:g})` to the offset."
        ),
        "",
        (
            f"Expected calibration error {found.expected_error:.5f} at that prior, and "
            f"{found.even_error:.4f} were both labels equally frequent ({len(found.bins)} bins "
            "of equal mass)."
        ),
        "",
    ]
    rows = [
        [
            f"{each.score:.6f}",
            f"{each.share:.6f} ({each.interval[0]:.6f} to {each.interval[1]:.6f})",
            f"{each.benign:,}",
            f"{each.malicious:,}",
        ]
        for each in found.bins
    ]
    return lines + table(("mean score", "share malicious", "benign", "malicious"), rows)


def _further(heading: str, told: str, parts: Sequence[Slice]) -> list[str]:
    if not parts:
        return []
    rows = [[*cells(part), *threshold_cells(part)[1:]] for part in parts]
    about = [told, ""] if told else []
    return [heading, "", *about, *table((*HEADS, *THRESHOLD_HEADS[1:]), rows)]


def _request(request: Request) -> list[str]:
    asks = "nothing: too few" if request.logit is None else f"{request.logit:.4f}"
    return [
        request.kind,
        f"{request.rows:,}",
        f"{request.effective:,.0f}",
        f"**{asks}**" if request.decisive else asks,
        f"{request.reached:,} ({100 * request.reached / request.rows:.3f} %)",
        f"{100 * request.bound:.3f} %",
    ]
