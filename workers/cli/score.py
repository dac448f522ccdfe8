"""`weir score`: judge without Kafka, from arguments, a file, a pipe or a conversation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.answers import SETTINGS, converse, for_people, judge_for
from workers.cli.app import new_app
from workers.cli.lines import Format
from workers.cli.one_thread import numpy_in_one_thread
from workers.cli.options import takes_settings
from workers.cli.score_inputs import (
    INPUT_HELP,
    STANDARD_STREAM,
    Asked,
    ColumnOption,
    OutputOption,
    ProcessesOption,
    ResumeOption,
    found,
    score_inputs,
)
from workers.cli.score_pages import score_pages
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from rich.text import Text

    from workers.scoring import Scorer


def _verb(detector: str, noun: str) -> Callable[..., None]:
    @takes_settings(*SETTINGS, detector=detector)
    def verb(
        given: Given,
        texts: Annotated[
            list[str] | None,
            typer.Argument(metavar="[TEXT]...", help="What to judge.", show_default=False),
        ] = None,
        *,
        sources: Annotated[
            list[str] | None,
            typer.Option(
                "--input",
                metavar="FILE|FOLDER|-",
                help=f"File of lines or Parquet, or a folder of such, {INPUT_HELP}.",
                show_default=False,
            ),
        ] = None,
        target: OutputOption = "-",
        form: Annotated[
            Format,
            typer.Option(
                "--format",
                metavar="auto|jsonl|text",
                help=(
                    "Lines are events (jsonl) or bare texts (text); auto decides once, by the "
                    "file's suffix or the first line that is not empty. Default: auto."
                ),
                show_default=False,
            ),
        ] = "auto",
        column: ColumnOption = None,
        resume: ResumeOption = False,
        processes: ProcessesOption = None,
    ) -> None:
        if texts and sources:
            raise ConfigurationError(
                f"Option --input has value {sources[0]!r} beside {len(texts)} texts; give one or "
                "the other"
            )
        is_conversation = not sources and target == STANDARD_STREAM and sys.stdin.isatty()
        numpy_in_one_thread()
        inputs = [] if texts or is_conversation else found(sources or [STANDARD_STREAM])
        settings, judge = judge_for(given, detector)
        from workers.scoring import Scorer  # noqa: PLC0415

        if texts:
            _print_scores(Scorer(judge), texts)
        elif is_conversation:
            scorer = Scorer(judge)
            converse("Text to be analyzed: ", lambda text: _answers(scorer, text))
        else:
            asked = Asked(
                inputs=inputs,
                target=target,
                form=form,
                column=column,
                resume=resume,
                processes=processes,
            )
            score_inputs(settings, judge, asked)

    verb.__doc__ = f"""Judge {noun} without Kafka.

    With texts, or on a terminal without any, the answers are for people. With --input, or at the
    end of a pipe, they are JSON: one object a line in the order of the lines, with the fields of
    a verdict; a line that cannot be judged gives an object with "error" in its place, and exit
    code 1 at the end. An output file is in its place once it is whole; a run that was cut off
    before goes on with --resume.
    """
    return verb


def _print_scores(scorer: Scorer, texts: list[str]) -> None:
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer()
    for text in texts:
        for line in _answers(scorer, text):
            console.print(line)
    if scorer.refused:
        raise typer.Exit(1)


def _answers(scorer: Scorer, text: str) -> Iterator[Text | str]:
    """Texts of the command line; those that are not UTF-8 are judged byte for byte."""
    for answer in scorer.texts([text.encode("utf-8", "surrogateescape")]):
        yield for_people(answer)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Judge without Kafka.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, noun in DETECTORS.items():
        group.command(detector)(score_pages if detector == "html" else _verb(detector, noun))
    app.add_typer(group, name="score")
