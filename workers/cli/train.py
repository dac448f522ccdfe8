"""`weir train`: from a file of labelled texts to an artefact and its report."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

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
)
from workers.cli.work import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.training.policy import EpochReport
    from models.training.run import Observer, Trained

# Lines of progress where there is no bar; an epoch of a million rows takes some minutes.
_REPORT_SECONDS: Final = 30.0
_INTERRUPTED: Final = 130
_FIT: Final = "Fitting"


def _verb(detector: str, noun: str) -> Callable[..., None]:
    def train(
        data: Data,
        *,
        output: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help="Folder for the artefact and its report. Default: runs/DETECTOR/VERSION.",
                show_default=False,
            ),
        ] = None,
        work_folder: Annotated[
            Path | None,
            typer.Option(
                metavar="FOLDER",
                help="Folder for checkpoints, from which training goes on. Default: OUTPUT.work.",
                show_default=False,
            ),
        ] = None,
        name: Annotated[
            str, typer.Option(metavar="NAME", help="Name of the model in verdicts.")
        ] = detector,
        version: Annotated[int, typer.Option(min=1, help="Version of the model.")] = 1,
        epochs: Annotated[
            int, typer.Option(min=1, help="Passes over the data at most.", rich_help_panel=_FIT)
        ] = 8,
        patience: Annotated[
            int,
            typer.Option(
                min=1,
                help="Epochs without a better detection on validation after which to stop.",
                rich_help_panel=_FIT,
            ),
        ] = 3,
        batch_size: Annotated[
            int, typer.Option(min=1, help="Rows a step.", rich_help_panel=_FIT)
        ] = 1024,
        learning_rate: Annotated[
            float, typer.Option(min=1e-9, help="Highest learning rate.", rich_help_panel=_FIT)
        ] = 1.5e-3,
        seed: Annotated[
            int,
            typer.Option(
                min=0,
                max=2**32 - 1,
                help="Of weights, dropout and order.",
                rich_help_panel=_FIT,
            ),
        ] = 0,
        width: Annotated[
            int,
            typer.Option(
                min=1,
                max=65_536,
                help="Characters of a text that the network sees.",
                rich_help_panel=_FIT,
            ),
        ] = 160,
        text_column: TextColumn = "text",
        label_column: LabelColumn = "label",
        split_column: SplitColumn = "split",
        source_column: SourceColumn = "source",
        group_column: GroupColumn = "group",
    ) -> None:
        named = columns(
            text=text_column,
            label=label_column,
            split=split_column,
            source=source_column,
            group=group_column,
        )
        # TensorFlow warns of retracing, which is meant: once for each width of batches.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        from models.backend import load_keras  # noqa: PLC0415

        load_keras()
        from models.detectors import DETECTORS as KNOWN  # noqa: PLC0415
        from models.training import run  # noqa: PLC0415
        from models.training.batches import BatchPlan  # noqa: PLC0415
        from models.training.policy import FitPolicy  # noqa: PLC0415
        from models.training.settings import TrainingSettings  # noqa: PLC0415

        settings = TrainingSettings(
            seed=seed,
            width=width,
            policy=FitPolicy(epochs=epochs, patience=patience, learning_rate=learning_rate),
            plan=BatchPlan(size=batch_size, seed=seed),
            columns=named,
        )
        target = output or Path("runs", detector, str(version))
        try:
            with _observer() as observer:
                trained = run.train(
                    data,
                    detector=KNOWN[detector],
                    output=target,
                    work=work_folder or target.with_name(f"{target.name}.work"),
                    settings=settings,
                    observer=observer,
                    name=name,
                    version=version,
                )
        except KeyboardInterrupt:
            typer.echo("Interrupted; the same command goes on after the last epoch.", err=True)
            raise typer.Exit(_INTERRUPTED) from None
        _summarise(trained)

    train.__doc__ = f"""Train on labelled {noun} and write an artefact with its report.

    Thresholds are chosen on validation rows and figures reported once on test rows. Interrupted,
    the same command goes on after the last whole epoch; the work folder can go once the artefact
    is there. Score with it by --model FOLDER.
    """
    return train


def _summarise(trained: Trained) -> None:
    from models.training import report  # noqa: PLC0415
    from workers.cli.terminal import print_table, printer  # noqa: PLC0415

    split, figures = ("test", trained.test) if trained.test else ("validation", trained.validation)
    print_table(
        report.HEADS,
        [report.cells(part) for part in report.comparable(figures)],
        title=f"On {split}",
    )
    console = printer()
    console.print(f"Report: {trained.folder / report.MARKDOWN}")
    console.print(f"Artefact: {trained.folder}, digest {trained.digest}")


@contextmanager
def _observer() -> Iterator[Observer]:
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer(err=True)
    if not console.is_terminal:
        yield _Lines()
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("steps", total=None, loss=float("nan"))

        class Bar(_Lines):
            def step(self, done: int, steps: int, loss: float) -> None:
                progress.update(task, completed=done, total=steps, loss=loss)

            def say(self, line: str) -> None:
                console.print(line)

        yield Bar()


class _Lines:
    """Says in lines how the training goes on."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def stage(self, what: str) -> None:
        self.say(what)

    def step(self, done: int, steps: int, loss: float) -> None:
        if time.monotonic() - self._said_at >= _REPORT_SECONDS:
            self._said_at = time.monotonic()
            self.say(f"Step {done:,} of {steps:,}, loss {loss:.4f}")

    def epoch(self, ended: EpochReport) -> None:
        detected = ", ".join(f"{share:.2%} at {rate:g}" for rate, share in ended.detection.items())
        self.say(
            f"Epoch {ended.epoch}: loss {ended.loss:.4f}, AUC {ended.area:.4f}, detected {detected}"
        )

    def say(self, line: str) -> None:
        typer.echo(line, err=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Train a detector's network on labelled data.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, noun in DETECTORS.items():
        group.command(detector)(_verb(detector, noun))
    app.add_typer(group, name="train")
