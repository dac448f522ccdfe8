"""Scores files of any size, pipes and folders: one JSON object a line, in order."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workers.archives.inputs import Input, find
from workers.cli.answers import end
from workers.cli.lines import opened
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from workers.archives.pieces import Mark, Piece
    from workers.archives.reading import Format, Reading
    from workers.archives.scoring import Report
    from workers.archives.writing import Writer
    from workers.cli.lines import Lines
    from workers.judge import Judge
    from workers.settings.policies import Settings

INPUT_HELP: Final = (
    "unpacked if they are gzip or zstd; or - for standard input. Repeatable; one output for all"
)
OutputOption = Annotated[
    str,
    typer.Option(
        "--output",
        metavar="FILE|-",
        help=(
            "File for one JSON object a line, or - for standard output; packed if it ends in .gz "
            "or .zst, Parquet if in .parquet. Default: -."
        ),
        show_default=False,
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column of Parquet files with what is judged. Default: the detector's field.",
        show_default=False,
    ),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume",
        help=(
            "Go on with a run to the same --output that was cut off, where there is one. The same "
            "inputs, model and options must be given."
        ),
    ),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        metavar="N",
        help=(
            "Processes that score, each with the model in memory. Default: one for each core "
            "where files are large, else this one alone."
        ),
        show_default=False,
    ),
]

STANDARD_STREAM: Final = "-"

# Below, further processes take longer to start than they save.
_LARGE_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for.

    Attributes:
        inputs: What to score.
        target: Where answers go.
        form: What lines are.
        column: Of Parquet files.
        resume: Whether to go on with a run that was cut off.
        processes: How many; None for as many as are good.
    """

    inputs: Sequence[Input]
    target: str
    form: Format
    column: str | None
    resume: bool
    processes: int | None


def found(names: Sequence[str], *, pages: bool = False) -> list[Input]:
    """The inputs of these names.

    Raises:
        ConfigurationError: one of them cannot be read, or a pipe stands beside others.
    """
    inputs = find(names, pages=pages)
    if len(inputs) > 1 and any(one.kind == "stream" for one in inputs):
        stream = next(one.name for one in inputs if one.kind == "stream")
        raise ConfigurationError(
            f"Option --input has value {stream!r} beside others: a pipe is an input of its own"
        )
    return inputs


def score_inputs(settings: Settings, judge: Judge, asked: Asked) -> None:
    """Answer every line of the inputs; exit code 1 if some cannot be judged.

    Raises:
        ConfigurationError: an option does not fit the others, or a file cannot be written.
        WorkerError: an input broke off, or a run cannot be gone on with.
    """
    from models.cores import usable_cores  # noqa: PLC0415
    from workers.archives.answering import PieceScorer  # noqa: PLC0415
    from workers.archives.packing import output_of  # noqa: PLC0415
    from workers.archives.processes import Processes  # noqa: PLC0415
    from workers.archives.reading import Reading  # noqa: PLC0415
    from workers.archives.scoring import score_here, score_in_processes  # noqa: PLC0415
    from workers.scoring import Scorer  # noqa: PLC0415

    scorer = Scorer(judge)
    output = output_of(asked.target)
    reading = Reading(
        inputs=asked.inputs,
        field=settings.detector,
        form=asked.form,
        column=asked.column or settings.detector,
        longest=scorer.longest_line,
        largest=judge.limits.max_page_bytes,
    )
    if output == "parquet" or any(one.kind == "parquet" for one in asked.inputs):
        from workers.archives.parquet_rows import refuse_without_parquet  # noqa: PLC0415

        refuse_without_parquet()
    is_large = sum(one.size for one in asked.inputs) >= _LARGE_BYTES
    count = asked.processes or (usable_cores() if is_large else 1)
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(asked, _deciding(settings, judge, reading)))
        if not writer.finished:
            pieces = stack.enter_context(_pieces(asked, reading, writer))
            report = stack.enter_context(_progress(asked, writer))
            if count > 1:
                digest = judge.artefact.digest
                processes = stack.enter_context(Processes(count, settings, output, digest=digest))
                score_in_processes(pieces, processes, writer, report)
            else:
                score_here(pieces, PieceScorer(scorer, output), writer, report)
        writer.finish()
    are_pages = all(one.kind == "page" for one in asked.inputs)
    end(writer.refused, writer.scored, "pages" if are_pages else "lines")


@contextmanager
def _writer(asked: Asked, deciding: Mapping[str, object]) -> Iterator[Writer]:
    from workers.archives.packing import output_of  # noqa: PLC0415
    from workers.archives.writing import FileWriter, StreamWriter  # noqa: PLC0415

    target, output = Path(asked.target), output_of(asked.target)
    if asked.target == STANDARD_STREAM:
        to_stream = "standard output"
    elif target.exists() and not (target.is_file() or target.is_dir()):
        to_stream = f"{asked.target!r}, which is no file"
    else:
        to_stream = ""
    first = asked.inputs[0]
    from_stream = first.kind == "stream" or first.name == STANDARD_STREAM
    if asked.resume and (to_stream or from_stream):
        raise ConfigurationError(
            "Option --resume goes from files to a file; it cannot be given with "
            + (f"{to_stream} for --output" if to_stream else "a pipe for --input")
        )
    if asked.target == STANDARD_STREAM:
        yield StreamWriter(sys.stdout.buffer)
    elif to_stream:
        with target.open("wb") as file:
            yield StreamWriter(file)
    else:
        with FileWriter(target, output, deciding, asked.inputs, resume=asked.resume) as writer:
            if writer.start is not None:
                typer.echo(f"going on after {writer.scored:,} that were answered before", err=True)
            yield writer


@contextmanager
def _pieces(asked: Asked, reading: Reading, writer: Writer) -> Iterator[Iterable[Piece]]:
    if asked.inputs[0].kind != "stream":
        yield reading.pieces(writer.start)
        return
    # Lines are passed on as they come.
    with opened(asked.inputs[0].name, longest=reading.longest) as lines:
        yield _streamed(lines, events=lines.are_json(asked.form))


def _streamed(lines: Lines, *, events: bool) -> Iterator[Piece]:
    from workers.archives.pieces import Piece  # noqa: PLC0415

    first = 1
    for some in lines:
        yield Piece(lines=some, first=first, count=len(some), events=events)
        first += len(some)


def _deciding(settings: Settings, judge: Judge, reading: Reading) -> dict[str, object]:
    """What decides the answers, in the words of the options where there are such."""
    return {
        "detector": settings.detector,
        "model": judge.artefact.digest,
        "engine": judge.engine.engine,
        "evidence_from": settings.evidence.evidence_from,
        "evidence_top": settings.evidence.top,
        "max_page_bytes": reading.largest,
        "format": reading.form,
        "column": reading.column,
        "block_bytes": reading.block_bytes,
    }


@contextmanager
def _progress(asked: Asked, writer: Writer) -> Iterator[Report]:
    """A bar on standard error, where that is a terminal and the answers do not go to one."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer(err=True)
    hidden = asked.target == STANDARD_STREAM and sys.stdout.isatty()
    if hidden or not console.is_terminal:
        yield lambda _mark: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    total = sum(one.size for one in asked.inputs)
    before = writer.scored
    with Progress(
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %" if total else ""),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=total or None, lines=before, rate=0.0)

        def report(mark: Mark | None) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(
                task,
                completed=None if mark is None else mark.read,
                lines=writer.scored,
                rate=(writer.scored - before) / elapsed if elapsed else 0.0,
            )

        yield report
