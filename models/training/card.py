"""The model card of an artefact, from the same record as its report.

Its parts are those of Mitchell et al. 2019 (arXiv 1810.03993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.calibration import Calibration
from models.thresholds import Thresholds
from models.training.card_texts import card_texts
from models.training.evaluation import Evaluation
from models.training.licences import NOT_RECORDED, Origin
from models.training.report.cells import HEADS, NOT_RUN, area, percent, table
from models.training.report.findings import Findings
from models.training.report.sections import expected
from models.training.report.trials import additions, changes, left_out
from models.training.report.writing import MARKDOWN, embedded
from models.training.slices import Slice

CARD = "card.md"


def write_card(
    folder: Path,
    *,
    title: str,
    detector: str,
    history: Mapping[str, Any],
    thresholds: Thresholds,
    calibration: Calibration | None,
    validation: Evaluation,
    test: Evaluation | None,
    findings: Findings | None = None,
    command: str = "",
) -> None:
    """Write ``card.md`` into ``folder``, beside the report.

    Args:
        folder: Made if it is missing.
        title: Name and version of the model.
        detector: By name; its words are those of `card_texts.json`.
        history: As in the manifest.
        thresholds: As published.
        calibration: As published.
        validation: Figures of the rows that chose epoch and thresholds.
        test: Figures of the rows that chose nothing, if there are any.
        findings: What else was measured.
        command: That trains such a model anew.
    """
    found = findings or Findings()
    text = card_texts().get(detector)
    figures = test or validation
    lines = [f"# Model card: {title}", ""]
    if text:
        lines += [text.judges, "", "## Intended use", "", *_list(text.intended)]
        lines += ["Not for:", "", *_list(text.not_intended)]
    lines += ["## Figures", "", *_figures(figures, split="test" if test else "validation")]
    lines += [
        line for picture in found.pictures if picture.name == "roc" for line in embedded(picture)
    ]
    lines += [f"All figures, and how they were taken: [{MARKDOWN}]({MARKDOWN}).", ""]
    lines += _meaning(thresholds, calibration)
    lines += [*expected(test), "## Known weaknesses", ""]
    if text:
        recorded = found.origins and any(each.licence != NOT_RECORDED for each in found.origins)
        # What is said of the data was found in the rows of the recorded sources.
        lines += _list((*text.weaknesses, *(text.of_the_data if recorded else ())))
    for heading, part in (
        ("Harmless-looking additions", found.additions and additions(found.additions)),
        ("Changes without meaning", found.changes and changes(found.changes)),
        ("Feeds never seen in training", found.left_out and left_out(found.left_out)),
    ):
        # Empty is what does not apply.
        if part is None:
            lines += [f"{heading}: {NOT_RUN}.", ""]
        elif part:
            lines += [f"### {heading}", "", *part]
    lines += _data(history, found)
    lines += _again(history, command)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).write_text("\n".join(lines))


def _figures(figures: Evaluation, *, split: str) -> list[str]:
    parts: list[Slice] = [
        figures.everything,
        *figures.kinds,
        *figures.lower_cased,
        *figures.columns,
    ]
    rows = [
        [
            part.name,
            area(part),
            *(percent(share) for share in part.detection.values()),
            *([""] * (len(HEADS) - 4 - len(part.detection))),
            percent(part.at_suspicious.false_positives),
            percent(part.at_malicious.false_positives),
            percent(part.at_malicious.detected),
        ]
        for part in parts
    ]
    heads = (
        *("rows", *HEADS[3:], "false positives, suspicious", "false positives, malicious"),
        "detected, malicious",
    )
    told = (
        f"On {split} rows, with 95 % intervals from the counts; the last three columns are at "
        "the published thresholds."
    )
    return [
        told,
        "",
        *table(heads, rows),
    ]


def _meaning(thresholds: Thresholds, calibration: Calibration | None) -> list[str]:
    lines = ["## What labels and scores mean", ""]
    for name, threshold in (
        ("suspicious", thresholds.suspicious),
        ("malicious", thresholds.malicious),
    ):
        rate = f"{100 * threshold.false_positive_rate:g} %"
        lines.append(
            f"- `{name}` from a logit of {threshold.logit:.4f}, set so that at most {rate} of "
            "benign rows of any kind reach it."
        )
    if calibration is None:
        return [*lines, f"- Scores: calibration {NOT_RUN}.", ""]
    prior = calibration.prior
    rebased = f"log(p / (1 - p)) - log({prior:g} / {1 - prior:g})"
    formula = f"sigmoid({calibration.scale:.4f} * logit {calibration.offset:+.4f})"
    meant = (
        f"- The score is the chance that an event is malicious where {100 * prior:g} % of all "
        f"events are: `{formula}`. Where a share p of events is, add `{rebased}` to the offset. "
        "Labels do not depend on it."
    )
    lines += [meant, ""]
    return lines


def _data(history: Mapping[str, Any], found: Findings) -> list[str]:
    data = history["data"]
    lines = ["## Data", ""]
    rows = [
        [split, f"{counts['benign']:,}", f"{counts['malicious']:,}"]
        for split, counts in data["rows"].items()
    ]
    lines += table(("split", "benign", "malicious"), rows)
    lines += [f"SHA-256 of the file: `{data['sha256']}`.", ""]
    if found.excluded:
        named = ", ".join(f"`{part}`" for part in found.excluded)
        lines += [f"Refused for their non-commercial terms, and not in it: {named}.", ""]
    if found.origins is None:
        return [*lines, f"Sources and licences: {NOT_RUN}.", ""]
    lines += ["Taken from these, with licences as found there:", ""]
    return lines + table(
        ("source", "licence", "as of", "benign", "malicious"), list(map(_origin, found.origins))
    )


def _origin(origin: Origin) -> list[str]:
    return [
        origin.name,
        origin.licence,
        origin.as_of,
        f"{origin.benign:,}",
        f"{origin.malicious:,}",
    ]


def _again(history: Mapping[str, Any], command: str) -> list[str]:
    training = history["training"]
    lines = ["## How to retrain", ""]
    if command:
        lines += ["```", command, "```", ""]
    libraries = ", ".join(f"{name} {held}" for name, held in history["libraries"].items())
    made = f" {history['created_at']}" if "created_at" in history else ""
    made = (
        f"Seed {training['seed']}, {len(training['epochs'])} epochs, made{made} with {libraries}."
    )
    lines += [made, ""]
    teachers = training.get("teachers", ())
    if teachers:
        named = ", ".join(f"`{digest[:12]}`" for digest in teachers)
        taught = (
            f"Targets are {100 * training['distillation']:g} % what {len(teachers)} teachers make "
            f"of a row (artefacts {named}), the rest its label; of {training['invented']:g} "
            "invented texts a row, what the teachers make of them. Teachers are trained by the "
            "same command without teachers, each with a `--seed` of its own."
        )
        lines += [taught, ""]
    if judged := training.get("judged"):
        learned = (
            f"Targets are {100 * training['distillation']:g} % what a teacher from elsewhere makes "
            f"of a row, the rest its label; of further texts, what the teacher makes of them. Its "
            f"logits were read from a file with SHA-256 `{judged}`."
        )
        lines += [learned, ""]
    return lines


def _list(lines: Sequence[str]) -> list[str]:
    return [*(f"- {line}" for line in lines), ""]
