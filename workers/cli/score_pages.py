"""`weir score html`: judge pages without Kafka, from files, folders, a pipe or a conversation."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from workers.cli.answers import SETTINGS, converse, end, for_people, judge_for, output
from workers.cli.lines import named_as_json, opened
from workers.cli.options import takes_settings
from workers.cli.pages import STANDARD_INPUT, PageError, page_files, read_page
from workers.cli.score_lines import score_lines
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
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="File of events, gzip if it ends in .gz, or of a page; or - for standard input.",
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            "--output",
            metavar="FILE|-",
            help="File for one JSON object a page, or - for standard output. Default: -.",
            show_default=False,
        ),
    ] = "-",
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
) -> None:
    """Judge HTML pages without Kafka.

    With files, or on a terminal without any, the answers are for people. With --input, or at the
    end of a pipe, they are JSON: one object an event in the order of the events, or one for the
    page, with the fields of a verdict; what cannot be judged gives an object with "error" in its
    place, and exit code 1 at the end.
    """
    if files and source is not None:
        raise ConfigurationError(
            f"Option --input has value {source!r} beside {len(files)} files; give one or the other"
        )
    if not files and source is None and target != "-":
        source = STANDARD_INPUT
    judge = judge_for(given, "html")
    from workers.scoring import Scorer  # noqa: PLC0415

    scorer = Scorer(judge)
    most = judge.limits.max_page_bytes
    if files:
        _print_scores(scorer, files, most)
    elif source is None and sys.stdin.isatty():
        converse("File to be analyzed: ", lambda name: _answers(scorer, [name], most))
    elif _are_events(source or STANDARD_INPUT, form):
        with opened(source or STANDARD_INPUT) as lines:
            score_lines(lines, scorer, scorer.events, target)
    else:
        page = read_page(source or STANDARD_INPUT, most)
        with output(target) as file:
            file.write(scorer.page(page.content) + b"\n")
        end(scorer.refused, scorer.scored, "pages")


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


def _are_events(source: str, form: PageFormat) -> bool:
    if form != "auto":
        return form == "jsonl"
    if source == STANDARD_INPUT:
        # Looked at without being taken: a page must stay whole.
        start = cast("io.BufferedReader", sys.stdin.buffer).peek(1)
        return start.lstrip().startswith(b"{")
    return named_as_json(source)
