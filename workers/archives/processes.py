"""Scores pieces in processes of their own, each with a model of its own.

Decoding and encoding hold the interpreter's lock, so that threads would take turns at them. A
piece goes over as one run of bytes and comes back as one, which costs next to nothing a line.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Final, Self

from models.cores import usable_cores
from workers.archives.answering import Answered, PieceScorer
from workers.archives.errors import ScoringProcessError
from workers.archives.packing import Output
from workers.archives.pieces import Piece
from workers.heap import loading

if TYPE_CHECKING:
    from workers.settings.policies import Settings

# What libraries of matrices read when they are loaded (OpenBLAS; OpenMP; numba).
_THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


class Processes:
    """Some processes that score; a context manager.

    Args:
        count: How many.
        settings: Of model, engine and evidence; must have been tried here before, for problems
            are told best by one.
        output: How the output is written.
        digest: Of the model that was tried: should another have become live since, none scores.
    """

    def __init__(self, count: int, settings: Settings, output: Output, *, digest: str) -> None:
        self.count = count
        # A fork would copy threads that hold locks.
        self._pool = ProcessPoolExecutor(
            count,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(settings, output, digest),
        )
        with _threads_shared_among(count):
            for _ in range(count):
                self._pool.submit(os.getpid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, piece: Piece) -> Future[Answered]:
        """Have a piece scored.

        Raises:
            ScoringProcessError: a process has died.
        """
        try:
            return self._pool.submit(_score, piece)
        except BrokenProcessPool as error:
            raise _died() from error

    @staticmethod
    def result(future: Future[Answered]) -> Answered:
        """What came of a piece; waits for it.

        Raises:
            ScoringProcessError: a process has died.
            Exception: the model's.
        """
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise _died() from error


def _died() -> ScoringProcessError:
    return ScoringProcessError(
        "a process that scores has died, perhaps for want of memory; give fewer --processes, and "
        "--resume to go on where it was"
    )


@contextmanager
def _threads_shared_among(count: int) -> Iterator[None]:
    """The environment of processes that share the cores, where it says nothing of threads."""
    own = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(own, str(max(1, usable_cores() // count))))
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]


_scorers: list[PieceScorer] = []


def _begin(settings: Settings, output: Output, digest: str) -> None:
    """Make a process ready; it ends with its parent, however that ends."""
    # Ctrl-C goes to all; the parent tells when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="weir-parent", daemon=True).start()
    with loading():
        from workers import journal  # noqa: PLC0415
        from workers.scoring import Scorer  # noqa: PLC0415
        from workers.worker import judge_of, load_engine  # noqa: PLC0415

        journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
        artefact, engine = load_engine(settings)
    if artefact.digest != digest:
        raise ScoringProcessError("another model has been promoted just now; start again")
    _scorers.append(PieceScorer(Scorer(judge_of(settings, artefact, engine)), output))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(piece: Piece) -> Answered:
    (scorer,) = _scorers
    return scorer(piece)
