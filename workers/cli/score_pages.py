"""`weir score html`: judge pages without Kafka, from files, folders, a pipe or a conversation."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from workers.archives.inputs import Input
from workers.archives.unpacking import packing_of
from workers.cli.answers import SETTINGS, converse, for_people, judge_for
from workers.cli.lines import named_as_json
from workers.cli.options import takes_settings
from workers.cli.pages import STANDARD_INPUT, PageError, page_files, read_page
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
from workers.errors import ConfigurationError
from workers.settings.resolve import Given

if TYPE_CHECKING:
    from rich.text import Text

    from workers.scoring import Scorer

PageFormat = Literal["auto", "jsonl", "page"]


@takes_settings(*SETTINGS, "max_page_bytes", detector="html")
def score_pages(
    given: Given,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|FOLDER]...",
            help=(
                "Files of pages, folders to search for *.html, *.htm and *.xhtml, or - for a page "
                "on standard input."
            ),
            show_default=False,
        ),
    ] = None,
    *,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE|FOLDER|-",
            help=f"File of events or Parquet, of a page, or a folder of such, {INPUT_HELP}.",
            show_default=False,
        ),
    ] = None,
    target: OutputOption = "-",
    form: Annotated[
        PageFormat,
        typer.Option(
            "--format",
            metavar="auto|jsonl|page",
            help=(
                "The input has an event a line (jsonl) or is one page (page); auto decides by the "
                "suffix, and takes standard input for events if it begins with a brace. "
                "Default: auto."
            ),
            show_default=False,
        ),
    ] = "auto",
    column: ColumnOption = None,
    resume: ResumeOption = False,
    processes: ProcessesOption = None,
) -> None:
    """Judge HTML pages without Kafka.

    With files, or on a terminal without any, the answers are for people. With --input, or at the
    end of a pipe, they are JSON: one object an event in the order of the events, or one for the
    page, with the fields of a verdict; what cannot be judged gives an object with "error" in its
    place, and exit code 1 at the end. An output file is in its place once it is whole; a run that
    was cut off before goes on with --resume.
    """
    if files and sources:
        raise ConfigurationError(
            f"Option --input has value {sources[0]!r} beside {len(files)} files; give one or the "
            "other"
        )
    is_conversation = not sources and target == STANDARD_STREAM and sys.stdin.isatty()
    inputs: list[Input] = []
    if not files and not is_conversation:
        inputs = [_kind(one, form) for one in found(sources or [STANDARD_STREAM], pages=True)]
    settings, judge = judge_for(given, "html")
    from workers.scoring import Scorer  # noqa: PLC0415

    most = judge.limits.max_page_bytes
    if files:
        _print_scores(Scorer(judge), files, most)
    elif is_conversation:
        scorer = Scorer(judge)
        converse("File to be analyzed: ", lambda name: _answers(scorer, [name], most))
    else:
        asked = Asked(
            inputs=inputs,
            target=target,
            form="jsonl",
            column=column,
            resume=resume,
            processes=processes,
        )
        score_inputs(settings, judge, asked)


def _print_scores(scorer: Scorer, names: list[str], most: int) -> None:
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer()
    failed = False
    for line in _answers(scorer, names, most):
        failed |= isinstance(line, str)
        console.print(line)
    if failed:
        raise typer.Exit(1)


def _answers(scorer: Scorer, names: list[str], most: int) -> Iterator[Text | str]:
    """A line a page; text where it could not be read or judged."""
    from schemas.text import visible  # noqa: PLC0415

    for given in names:
        try:
            for name in page_files([given]):
                page = read_page(name, most)
                yield for_people(scorer.page(page.content), page.name)
        except (ConfigurationError, PageError) as error:
            yield f"Error: {visible(str(error))}"


def _kind(one: Input, form: PageFormat) -> Input:
    """The input as what it is taken for."""
    if one.kind == "parquet":
        return one
    if one.name == STANDARD_INPUT:
        return replace(one, kind="stream" if _are_events(form) else "page")
    if form == "page" or (form == "auto" and not named_as_json(one.name)):
        return replace(one, kind="page")
    return replace(one, kind="lines") if one.kind == "page" else one


def _are_events(form: PageFormat) -> bool:
    """Whether events stand on standard input, and not a page."""
    if form != "auto":
        return form == "jsonl"
    # Looked at without being taken: a page must stay whole.
    start = cast("io.BufferedReader", sys.stdin.buffer).peek(1)
    return start.lstrip().startswith(b"{") or packing_of(start) != "plain"
