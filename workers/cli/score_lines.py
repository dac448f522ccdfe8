"""Scores lines of a file or pipe: one JSON object a line, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from workers.cli.answers import end, output

if TYPE_CHECKING:
    from workers.cli.lines import Lines
    from workers.scoring import Scorer

# Enough lines for a batch to be worth its while.
_BATCH: Final = 1024


def score_lines(
    lines: Lines, scorer: Scorer, score: Callable[[Sequence[bytes]], list[bytes]], target: str
) -> None:
    """Answer every line.

    Args:
        lines: To be scored.
        scorer: Counts what it scores.
        score: The method of the scorer that takes such lines.
        target: File for the answers, or ``-`` for standard output.
    """
    hidden = target == "-" and sys.stdout.isatty()
    with output(target) as file, _progress(lines, hidden=hidden) as report:
        for batch in lines:
            for start in range(0, len(batch), _BATCH):
                file.write(b"\n".join(score(batch[start : start + _BATCH])) + b"\n")
            file.flush()
            report(scorer.scored)
    end(scorer.refused, scorer.scored, "lines")


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
