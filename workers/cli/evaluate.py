"""`weir evaluate`: how well an artefact tells labelled texts apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workers.cli.app import new_app
from workers.cli.labelled_data import (
    Data,
    GroupColumn,
    LabelColumn,
    SourceColumn,
    SplitColumn,
    TextColumn,
    columns,
    refuse_without_extra,
)
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.artefact import Artefact
    from models.engines.contract import Engine
    from models.training.comparison import Rival
    from models.training.data import Columns, Labelled
    from models.training.evaluation import Evaluation

# Characters of a page that are shown of it.
_EXCERPT = 200


def _verb(detector: str, noun: str) -> Callable[..., None]:
    def evaluate(
        data: Data,
        *,
        model: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help="Folder of the artefact. Default: the one of the package.",
                show_default=False,
            ),
        ] = None,
        split: Annotated[
            str, typer.Option(metavar="NAME", help="Rows to measure on: a split, or all.")
        ] = "test",
        engine: Annotated[
            str,
            typer.Option(
                metavar="auto|keras|tables|tables-int8", help="What evaluates the network."
            ),
        ] = "auto",
        worst: Annotated[
            int,
            typer.Option(min=0, help="Show as many of the mistakes farthest off of each label."),
        ] = 0,
        baselines: Annotated[
            bool,
            typer.Option(
                "--baselines", help="Fit other methods to the train rows and measure them too."
            ),
        ] = False,
        report: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help="Write the report, with pictures, and the model card.",
                show_default=False,
            ),
        ] = None,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print one JSON object, with texts as they are.")
        ] = False,
        text_column: TextColumn = None,
        label_column: LabelColumn = "label",
        split_column: SplitColumn = "split",
        source_column: SourceColumn = "source",
        group_column: GroupColumn = None,
    ) -> None:
        refuse_without_extra()
        if report is not None and split != "test":
            raise ConfigurationError(
                f"Option --report has value '{report}' with --split {split}; a report is of test "
                "rows, which chose nothing"
            )
        artefact, running = _engine(detector, model, engine)
        from models.backend import load_keras  # noqa: PLC0415
        from models.detectors import named  # noqa: PLC0415
        from models.training import evaluation  # noqa: PLC0415
        from models.training.data import fingerprint  # noqa: PLC0415

        load_keras()
        recipe = named(artefact.detector.recipe)
        own = columns(
            recipe.columns,
            text=text_column,
            label=label_column,
            split=split_column,
            source=source_column,
            group=group_column,
        )
        rows = _rows(data, split, own, artefact)
        logits = evaluation.score(running, artefact.featuriser(), rows.subjects)
        figures = evaluation.evaluate(
            logits,
            rows.labels,
            rows.sources,
            artefact.thresholds,
            columns=recipe.set_apart(rows),
            dates=rows.dates if any(rows.dates) else None,
        )
        rivals = _rivals(artefact, data, own, rows) if baselines else ()
        if report is not None:
            from models.training.reporting import report_on  # noqa: PLC0415

            report_on(artefact, data, own, rows, rivals or None, report)
        mistakes = evaluation.worst(logits, rows.labels, worst)
        told = _told(rows, logits, mistakes)
        used = running.describe().engine
        if as_json:
            about = {"sha256": fingerprint(data), "split": split}
            _print_json(artefact, used, about, figures, told, rivals)
        else:
            _print(artefact, used, split, figures, told, rivals)
            if report is not None:
                typer.echo(f"Report: {report / 'report.md'}")

    evaluate.__doc__ = f"""Measure an artefact on labelled {noun}.

    Detection at a false-positive rate takes the threshold that these very benign rows set, which
    compares models; the second table takes the artefact's own thresholds. Intervals are Wilson's
    at 95 %.
    """
    return evaluate


def _engine(detector: str, model: Path | None, engine: str) -> tuple[Artefact, Engine]:
    from models.artefact import load  # noqa: PLC0415
    from models.detectors import DETECTORS as KNOWN  # noqa: PLC0415

    artefact = load(model or KNOWN[detector].bundled)
    if artefact.detector.name != detector:
        raise ConfigurationError(
            f"Option --model has value '{model}', which is for detector "
            f"'{artefact.detector.name}', not '{detector}'"
        )
    return artefact, artefact.engine(engine)


def _rows(data: Path, split: str, named: Columns, artefact: Artefact) -> Labelled:
    from models.training.data import load  # noqa: PLC0415

    (rows,) = load(data, (split,), named, pages=artefact.detector.subject == "page")
    if not len(rows):
        raise ConfigurationError(
            f"Option --split has value '{split}', but {data} has no such rows; "
            "give train, validation, test or all"
        )
    return rows


def _rivals(artefact: Artefact, data: Path, named: Columns, rows: Labelled) -> tuple[Rival, ...]:
    from models.training.baselines.table import baselines_of  # noqa: PLC0415
    from models.training.comparison import Rows, fit_and_measure  # noqa: PLC0415

    parts = [_rows(data, split, named, artefact) for split in ("train", "validation")]
    train, validation, measured = (
        Rows(subjects=part.subjects, labels=part.labels, sources=part.sources)
        for part in (*parts, rows)
    )
    return tuple(
        fit_and_measure(baseline, train, validation, measured)
        for baseline in baselines_of(artefact.detector.name)
    )


def _told(
    rows: Labelled, logits: NDArray[np.float32], mistakes: Sequence[NDArray[np.int64]]
) -> dict[str, list[dict[str, Any]]]:
    return {
        label: [
            {
                "text": _shown(rows.subjects[row]),
                "logit": float(logits[row]),
                "source": rows.sources[row],
            }
            for row in numbers.tolist()
        ]
        for label, numbers in zip(("benign", "malicious"), mistakes, strict=True)
    }


def _shown(subject: str | bytes) -> str:
    """A text as it is, the beginning of a page."""
    if isinstance(subject, str):
        return subject
    return subject[:_EXCERPT].decode("utf-8", "replace")


def _print_json(
    artefact: Artefact,
    engine: str,
    about: dict[str, str],
    figures: Evaluation,
    mistakes: dict[str, list[dict[str, Any]]],
    rivals: Sequence[Rival],
) -> None:
    import json  # noqa: PLC0415 - unlike orjson it takes lone surrogates

    told = {
        "model": {
            "name": artefact.name,
            "version": artefact.version,
            "digest": artefact.digest,
        },
        "engine": engine,
        "data": about,
        "figures": figures.as_json(),
        "rivals": [rival.as_json() for rival in rivals],
        "worst": mistakes,
    }
    typer.echo(json.dumps(told, indent=1))


def _print(
    artefact: Artefact,
    engine: str,
    split: str,
    figures: Evaluation,
    mistakes: dict[str, list[dict[str, Any]]],
    rivals: Sequence[Rival],
) -> None:
    from models.training import report  # noqa: PLC0415
    from schemas.text import defang  # noqa: PLC0415
    from workers.cli.terminal import print_table  # noqa: PLC0415

    print_table(
        report.HEADS,
        [
            *(report.cells(part) for part in report.comparable(figures)),
            *([rival.name, *report.cells(rival.evaluation.everything)[1:]] for rival in rivals),
        ],
        title=f"{artefact.name} {artefact.version} on {split}, engine {engine}",
    )
    thresholds = artefact.thresholds
    print_table(
        report.THRESHOLD_HEADS,
        [report.threshold_cells(part) for part in report.slices(figures)],
        title=(
            f"At the published thresholds: suspicious from logit {thresholds.suspicious.logit:.4f}"
            f", malicious from {thresholds.malicious.logit:.4f}"
        ),
    )
    for label, extreme in (("benign", "highest"), ("malicious", "lowest")):
        if mistakes[label]:
            print_table(
                ("logit", "source", "text"),
                [
                    (f"{row['logit']:.4f}", row["source"], defang(row["text"]))
                    for row in mistakes[label]
                ],
                title=f"Labelled {label}, with the {extreme} logits",
            )


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Measure an artefact on labelled data.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, noun in DETECTORS.items():
        group.command(detector)(_verb(detector, noun))
    app.add_typer(group, name="evaluate")
