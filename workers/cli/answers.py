"""What `weir score` answers: lines for people on a terminal, JSON for scripts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import typer

from workers.cli.options import MODEL
from workers.errors import ConfigurationError
from workers.heap import loading
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.text import Text

    from workers.judge import Judge
    from workers.settings.policies import Settings


SETTINGS: Final = (
    *MODEL,
    *("evidence_from", "evidence_top", "log_level", "log_format"),
)
"""What `weir score` takes of the settings."""


def judge_for(given: Given, detector: str) -> tuple[Settings, Judge]:
    """The model that was asked for, on the engine that was asked for, and all that was asked."""
    with loading():
        from workers import journal  # noqa: PLC0415
        from workers.worker import judge_of, load_engine  # noqa: PLC0415

        settings = load(given, detector=detector, role="score").settings
        journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
        return settings, judge_of(settings, *load_engine(settings))


def for_people(answer: bytes, name: str | None = None) -> Text | str:
    """One answer of `workers.scoring.Scorer` as a line; ``name`` stands for the subject."""
    import orjson  # noqa: PLC0415

    from schemas.text import visible  # noqa: PLC0415
    from schemas.verdict_reader import decode_verdict  # noqa: PLC0415
    from workers.cli.verdict_line import verdict_line  # noqa: PLC0415

    given = orjson.loads(answer)
    if "error" not in given:
        return verdict_line(decode_verdict(answer), name)
    detail = visible(given["error"]["detail"])
    return f"Error: {detail}" if name is None else f"Error: {visible(name)}: {detail}"


def converse(prompt: str, answered: Callable[[str], Iterable[Text | str]]) -> None:
    """The talk's interactive scorer: a text, its score, and so on until the end of input."""
    from workers.cli.terminal import printer  # noqa: PLC0415

    console = printer()
    while True:
        try:
            text = console.input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if text:
            for line in answered(text):
                console.print(line)


@contextmanager
def output(target: str) -> Iterator[IO[bytes]]:
    """Where JSON goes.

    Raises:
        ConfigurationError: the file cannot be written.
    """
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


def end(refused: int, scored: int, noun: str) -> None:
    """Tell how many could not be judged, and end with exit code 1 if there are any."""
    if refused:
        typer.echo(f"{refused} of {scored} {noun} could not be judged", err=True)
        raise typer.Exit(1)
