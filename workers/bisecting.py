"""Finds the rows of a batch that a step cannot take, so that the others go on.

A step takes a batch at once and raises for all of it. Then the batch is halved until the rows that
raise stand alone: k guilty rows of n cost about 2k log2(n) more calls. Whether they are guilty, or
what was asked of is broken, is not for them to say: the caller brings a probe, something that is
known to pass. While it fails, no row is blamed.

What raises for want of memory is no row's fault: the same rows are tried in smaller parts.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.engines.exhaustion import is_exhaustion
from schemas.text import shortened, visible
from workers.capacity import Capacity

_T = TypeVar("_T")

# What a header or a line of a log wants to hold of somebody else's message.
MOST_DETAIL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisected(Generic[_T]):
    """What came of n rows.

    Attributes:
        parts: Runs of rows that passed, in order, and what the step made of them.
        culprits: For each row that cannot pass, what it raised, in words.
        shrunk_to: The most rows that fitted at once after memory ran out; None if it did not.
        exhaustion: What said that it did, in words.
    """

    parts: list[tuple[slice, _T]]
    culprits: dict[int, str]
    shrunk_to: int | None = None
    exhaustion: str | None = None


def bisect(
    n: int,
    work: Callable[[slice], _T],
    probe: Callable[[], object],
    capacity: Capacity | None = None,
) -> Bisected[_T]:
    """Take n rows through a step, as many as can pass.

    Args:
        n: Rows.
        work: The step, for a run of rows: as a rule called once, with all of them.
        probe: Raises if the step is broken, whatever the rows. Called after the first failure and,
            if rows are to blame, once more at the end.
        capacity: How many rows fit at once, remembered from batch to batch; None if that is not
            to be remembered.

    Raises:
        Exception: the first that the step raised, when the probe fails too.
    """
    state = _Bisection(n, work, probe, capacity or Capacity())
    while state.waiting:
        state.step()
    return state.end()


class _Bisection(Generic[_T]):
    """Rows that passed, rows that cannot, and runs of rows that wait, the first of them last."""

    def __init__(
        self,
        n: int,
        work: Callable[[slice], _T],
        probe: Callable[[], object],
        capacity: Capacity,
    ) -> None:
        self.waiting = [slice(0, n)]
        self._work = work
        self._probe = probe
        self._capacity = capacity
        self._most = capacity.rows
        self._parts: list[tuple[slice, _T]] = []
        self._culprits: dict[int, str] = {}
        self._first: Exception | None = None
        self._exhaustion: str | None = None
        self._too_many = 0

    def step(self) -> None:
        """Try the next rows, no more than fit."""
        rows = self.waiting.pop()
        if rows.stop - rows.start > self._most:
            rows = self._cut(rows, self._most)
        try:
            self._parts.append((rows, self._work(rows)))
        except Exception as error:  # noqa: BLE001 - whatever a model raises, its rows alone pay
            # Frames hold on to what was computed so far, on a device too: room for the next try.
            traceback.clear_frames(error.__traceback__)
            failure = error
        else:
            return
        # Beyond the handler, which holds on to the error.
        self._failed(rows, failure)

    def end(self) -> Bisected[_T]:
        """What came of it, and what it teaches of the capacity."""
        if self._first is not None and self._culprits:
            self._see_to(self._first)
        if not self._too_many:
            self._capacity.succeeded()
            return Bisected(parts=self._parts, culprits=self._culprits)
        self._capacity.exhausted(self._too_many, fits=self._most)
        return Bisected(
            parts=self._parts,
            culprits=self._culprits,
            shrunk_to=self._most,
            exhaustion=self._exhaustion,
        )

    def _failed(self, rows: slice, failure: Exception) -> None:
        count = rows.stop - rows.start
        if not count:
            raise failure
        if self._first is None:
            self._first = failure
            self._see_to(failure)
        exhausted = is_exhaustion(failure)
        if count == 1:
            self._culprits[rows.start] = described(failure)
            if exhausted:
                # Alone it does not fit: it is the row that is large, not the batch.
                self._most, self._too_many = self._capacity.rows, 0
            return
        if exhausted:
            self._most = count // 2
            self._too_many = max(self._too_many, count)
            self._exhaustion = described(failure)
        self.waiting.append(self._cut(rows, count // 2))

    def _cut(self, rows: slice, count: int) -> slice:
        """The first rows; the others wait."""
        at = rows.start + count
        self.waiting.append(slice(at, rows.stop))
        return slice(rows.start, at)

    def _see_to(self, first: Exception) -> None:
        try:
            self._probe()
        except Exception as error:
            raise first from error


def described(error: BaseException) -> str:
    r"""Type and message of an error in one line that is fit for a header and a terminal.

    >>> described(ValueError("a bad\x1b value"))
    'ValueError: a bad\\x1b value'
    """
    message = visible(str(error))
    name = type(error).__name__
    return shortened(f"{name}: {message}" if message else name, MOST_DETAIL)
