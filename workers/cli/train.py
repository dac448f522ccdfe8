"""`weir train`: from a file of labelled texts to an artefact and its report."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

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
from workers.cli.training_progress import observer
from workers.cli.trial_options import (
    MeasureFrom,
    TrainBefore,
    TrialEpochs,
    TrialSeeds,
    TrialShare,
    WithTrials,
    refuse_dates,
)
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.training.recipe import Recipe
    from models.training.run import Trained

_INTERRUPTED: Final = 130
_FIT: Final = "Fitting"
_RECIPE: Final = "Default: the recipe's."
T = TypeVar("T")

_Epochs = Annotated[
    int | None,
    typer.Option(min=1, help=f"Passes over the data at most. {_RECIPE}", rich_help_panel=_FIT),
]
_Patience = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"Epochs without a better detection on validation after which to stop. {_RECIPE}",
        rich_help_panel=_FIT,
    ),
]
_BatchSize = Annotated[
    int | None, typer.Option(min=1, help=f"Rows a step. {_RECIPE}", rich_help_panel=_FIT)
]
_LearningRate = Annotated[
    float | None,
    typer.Option(min=1e-9, help=f"Highest learning rate. {_RECIPE}", rich_help_panel=_FIT),
]
_Width = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65_536,
        help=f"Characters of a text that the network sees. {_RECIPE}",
        rich_help_panel=_FIT,
    ),
]
_Seed = Annotated[
    int,
    typer.Option(min=0, max=2**32 - 1, help="Of weights, dropout and order.", rich_help_panel=_FIT),
]
_Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic",
        help=(
            "The same digest from the same command on the same machine, somewhat slower; the "
            "manifest tells no date but SOURCE_DATE_EPOCH."
        ),
        rich_help_panel=_FIT,
    ),
]
_Teacher = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FOLDER",
        help="Artefact whose scores are learned beside the labels; several are averaged.",
        show_default=False,
        rich_help_panel=_FIT,
    ),
]
_TeacherLogits = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=(
            "Parquet with `text` and `logit`: what a teacher from elsewhere makes of every row of "
            "train, and of further texts, which are learned from it alone."
        ),
        show_default=False,
        rich_help_panel=_FIT,
    ),
]
_Distillation = Annotated[
    float,
    typer.Option(
        min=0.0, max=1.0, help="Weight of the teachers against the labels.", rich_help_panel=_FIT
    ),
]
_Invented = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="Texts to invent for the teachers to judge, as a multiple of the rows.",
        rich_help_panel=_FIT,
    ),
]


def _verb(detector: str, noun: str) -> Callable[..., None]:
    def train(
        context: typer.Context,
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
        epochs: _Epochs = None,
        patience: _Patience = None,
        batch_size: _BatchSize = None,
        learning_rate: _LearningRate = None,
        width: _Width = None,
        seed: _Seed = 0,
        deterministic: _Deterministic = False,
        teacher: _Teacher = None,
        teacher_logits: _TeacherLogits = None,
        distillation: _Distillation = 0.5,
        invented: _Invented = 0.0,
        trials: WithTrials = False,
        trial_share: TrialShare = 0.2,
        trial_epochs: TrialEpochs = 2,
        trial_seeds: TrialSeeds = 3,
        train_before: TrainBefore = "",
        measure_from: MeasureFrom = "",
        text_column: TextColumn = None,
        label_column: LabelColumn = "label",
        split_column: SplitColumn = "split",
        source_column: SourceColumn = "source",
        group_column: GroupColumn = None,
    ) -> None:
        refuse_without_extra()
        refuse_dates(train_before, measure_from, trials=trials)
        if teacher and teacher_logits:
            raise ConfigurationError(
                f"Option --teacher-logits has value {teacher_logits} beside --teacher; give one "
                "of the two"
            )
        # TensorFlow warns of retracing, which is meant: once for each width of batches.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        from models.backend import load_keras  # noqa: PLC0415

        load_keras()
        from models.artefact import load as load_artefact  # noqa: PLC0415
        from models.detectors import DETECTORS as KNOWN  # noqa: PLC0415
        from models.detectors import named  # noqa: PLC0415
        from models.training import run  # noqa: PLC0415
        from models.training.judged import read  # noqa: PLC0415
        from models.training.settings import TrainingSettings  # noqa: PLC0415
        from models.training.trial_plan import Trials  # noqa: PLC0415

        recipe = named(KNOWN[detector].recipe)
        if width is not None:
            recipe = _widened(recipe, detector, width)
        teachers = [load_artefact(folder) for folder in teacher or ()]
        judged = read(teacher_logits) if teacher_logits else None
        settings = TrainingSettings.of(
            recipe,
            seed=seed,
            policy=_with(
                recipe.policy, epochs=epochs, patience=patience, learning_rate=learning_rate
            ),
            plan=_with(recipe.plan, size=batch_size, seed=seed),
            columns=columns(
                recipe.columns,
                text=text_column,
                label=label_column,
                split=split_column,
                source=source_column,
                group=group_column,
            ),
            teachers=tuple(artefact.digest for artefact in teachers),
            distillation=distillation,
            invented=invented,
            judged=judged.digest if judged else "",
            deterministic=deterministic,
        )
        target = output or Path("runs", detector, str(version))
        try:
            with observer() as told:
                trained = run.train(
                    data,
                    detector=KNOWN[detector],
                    output=target,
                    work=work_folder or target.with_name(f"{target.name}.work"),
                    settings=settings,
                    observer=told,
                    name=name,
                    version=version,
                    teachers=teachers,
                    judged=judged,
                    trials=Trials(
                        share=trial_share,
                        epochs=trial_epochs,
                        seeds=trial_seeds,
                        later_than=train_before,
                        until=measure_from,
                    )
                    if trials
                    else None,
                    command=context.obj,
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


def _with(own: T, **given: object) -> T:
    """A policy with what was given in place of its own."""
    return replace(own, **{key: value for key, value in given.items() if value is not None})  # type: ignore[type-var]


def _widened(recipe: Recipe, detector: str, width: int) -> Recipe:
    if not hasattr(recipe.featuriser, "width"):
        raise ConfigurationError(
            f"Option --width has value {width}, but detector '{detector}' reads its subjects "
            "whole; leave it out"
        )
    return replace(recipe, featuriser=replace(recipe.featuriser, width=width))  # type: ignore[type-var]


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


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Train a detector's network on labelled data.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, noun in DETECTORS.items():
        group.command(detector)(_verb(detector, noun))
    app.add_typer(group, name="train")
