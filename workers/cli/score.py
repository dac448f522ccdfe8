"""`weir score`: judge texts without Kafka, from arguments, a file, a pipe or a conversation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from workers.cli.app import new_app
from workers.cli.lines import Format, Lines, opened
from workers.cli.options import takes_settings
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from workers.judge import Judge
    from workers.scoring import LineScorer

# Enough lines for a batch to be worth its while.
_BATCH = 1024


def _verb(detector: str, noun: str) -> Callable[..., None]:
    @takes_settings("model", "engine", "evidence_from", "evidence_top", "log_level", "log_format")
    def score(
        given: Given,
        texts: Annotated[
            list[str] | None,
            typer.Argument(metavar="[TEXT]...", help="What to judge.", show_default=False),
        ] = None,
        *,
        source: Annotated[
            str | None,
            typer.Option(
                "--input",
                metavar="FILE|-",
                help="File of lines, gzip if it ends in .gz, or - for standard input.",
            ),
        ] = None,
        target: Annotated[
            str,
            typer.Option(
                "--output",
                metavar="FILE|-",
                help="File for one JSON object a line, or - for standard output. Default: -.",
                show_default=False,
            ),
        ] = "-",
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
    ) -> None:
        if texts and source is not None:
            raise ConfigurationError(
                f"Option --input has value {source!r} beside {len(texts)} texts; give one or the "
                "other"
            )
        if not texts and source is None and target != "-":
            source = "-"
        settings = load(given, detector=detector, role="score").settings
        from workers import journal  # noqa: PLC0415
        from workers.judge import Judge  # noqa: PLC0415
        from workers.worker import load_engine  # noqa: PLC0415

        journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
        artefact, engine = load_engine(settings)
        judge = Judge(artefact, engine, settings.evidence)
        if texts:
            _print_scores(judge, detector, texts)
        elif source is None and sys.stdin.isatty():
            _converse(judge, detector)
        else:
            _score_lines(judge, detector, source or "-", target, form)

    score.__doc__ = f"""Judge {noun} without Kafka.

    With texts, or on a terminal without any, the answers are for people. With --input, or at the
    end of a pipe, they are JSON: one object a line in the order of the lines, with the fields of
    a verdict; a line that cannot be judged gives an object with "error" in its place, and exit
    code 1 at the end.
    """
    return score


def _print_scores(judge: Judge, detector: str, texts: list[str]) -> None:
    """Texts of the command line; those that are not UTF-8 are judged byte for byte."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer()
    scorer = _scorer(judge, detector, are_json=False)
    for text in texts:
        for line in _answer(scorer, text):
            console.print(line)
    if scorer.refused:
        raise typer.Exit(1)


def _converse(judge: Judge, detector: str) -> None:
    """The talk's interactive scorer: a text, its score, and so on until the end of input."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer()
    scorer = _scorer(judge, detector, are_json=False)
    while True:
        try:
            text = console.input("Text to be analyzed: ").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if text:
            for line in _answer(scorer, text):
                console.print(line)


def _answer(scorer: LineScorer, text: str) -> Iterator[object]:
    import orjson  # noqa: PLC0415

    from schemas.text import visible  # noqa: PLC0415
    from workers.cli.verdict_line import verdict_line  # noqa: PLC0415

    for scored in scorer.score([text.encode("utf-8", "surrogateescape")]):
        answer = orjson.loads(scored)
        if "error" in answer:
            yield f"Error: {visible(answer['error']['detail'])}"
        else:
            yield verdict_line(answer)


def _score_lines(judge: Judge, detector: str, source: str, target: str, form: Format) -> None:
    with opened(source) as lines, _output(target) as output:
        scorer = _scorer(judge, detector, are_json=lines.are_json(form))
        with _progress(lines, hidden=target == "-" and sys.stdout.isatty()) as report:
            for batch in lines:
                for start in range(0, len(batch), _BATCH):
                    scored = scorer.score(batch[start : start + _BATCH])
                    output.write(b"\n".join(scored) + b"\n")
                output.flush()
                report(scorer.lines)
    if scorer.refused:
        typer.echo(f"{scorer.refused} of {scorer.lines} lines could not be judged", err=True)
        raise typer.Exit(1)


def _scorer(judge: Judge, detector: str, *, are_json: bool) -> LineScorer:
    from workers.scoring import LineScorer  # noqa: PLC0415

    return LineScorer(judge, detector, are_json=are_json)


@contextmanager
def _output(target: str) -> Iterator[IO[bytes]]:
    if target == "-":
        yield sys.stdout.buffer
        return
    try:
        file = Path(target).open("wb")  # noqa: SIM115 - closed below; only opening is guarded
    except OSError as error:
        raise ConfigurationError(
            f"Option --output has value {target!r}: {error.strerror}; give a file that can be "
            "written, or - for standard output"
        ) from error
    with file:
        yield file


@contextmanager
def _progress(lines: Lines, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal and the answers do not go to one."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer(err=True)
    if hidden or not console.is_terminal:
        yield lambda _lines: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    with Progress(
        TextColumn("{task.fields[lines]:,} lines"),
        BarColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("", total=lines.size, lines=0, rate=0.0)

        def report(done: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            progress.update(
                task,
                completed=lines.position(),
                lines=done,
                rate=done / elapsed if elapsed else 0.0,
            )

        yield report


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Judge texts without Kafka.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, noun in DETECTORS.items():
        group.command(detector)(_verb(detector, noun))
    app.add_typer(group, name="score")
