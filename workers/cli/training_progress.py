"""How a training goes on, for people: a bar, or lines."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.training.fitted import Observer
    from models.training.policy import EpochReport

# Lines of progress where there is no bar; an epoch of a million rows takes some minutes.
_REPORT_SECONDS: Final = 30.0


@contextmanager
def observer() -> Iterator[Observer]:
    """A bar where standard error is a terminal, else a line now and then."""
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
