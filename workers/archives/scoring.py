"""Reads, scores and writes at the same time, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from workers.archives.answering import Answered
from workers.archives.errors import InputError
from workers.archives.pieces import Mark, Piece
from workers.archives.processes import Processes
from workers.archives.writing import Writer
from workers.stages import Chain, Step

_TURN_S: Final = 0.5
# Longer than any piece takes.
_NO_LIMIT_S: Final = 1e9

Report = Callable[[Mark | None], None]
"""Told after each piece up to where the inputs are answered."""


def score_here(
    pieces: Iterable[Piece], scorer: Callable[[Piece], Answered], writer: Writer, report: Report
) -> None:
    """Score pieces in this process.

    Raises:
        WorkerError: an input broke off.
        Exception: the model's.
    """
    _run(pieces, lambda piece: piece, scorer, writer, report, depth=1)


def score_in_processes(
    pieces: Iterable[Piece], processes: Processes, writer: Writer, report: Report
) -> None:
    """Score pieces in others, each of which has one to work at and one that waits.

    Raises:
        WorkerError: an input broke off, or a process has died.
        Exception: the model's.
    """
    _run(pieces, processes.submit, processes.result, writer, report, depth=2 * processes.count)


def _run(
    pieces: Iterable[Piece],
    submit: Callable[[Piece], Any],
    result: Callable[[Any], Answered],
    writer: Writer,
    report: Report,
    *,
    depth: int,
) -> None:
    def scored(item: tuple[Any, Mark | None]) -> tuple[Answered, Mark | None]:
        submitted, mark = item
        return result(submitted), mark

    writing, ended = threading.Lock(), threading.Event()

    def write(item: tuple[Answered, Mark | None]) -> None:
        with writing:
            if ended.is_set():
                return
            writer.write(*item)
        report(item[1])

    chain = Chain([Step(name="score", work=scored), Step(name="write", work=write)], depth=depth)
    try:
        for piece in pieces:
            item = submit(piece), piece.mark
            while not chain.offer(item, _TURN_S):
                pass
        chain.close(_NO_LIMIT_S)
    except InputError:
        # What was read before is answered.
        chain.close(_NO_LIMIT_S)
        raise
    finally:
        chain.abort()
        # Whoever closes the output finds nobody at work on it.
        with writing:
            ended.set()
