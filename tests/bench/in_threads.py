"""Threads that take batches in turn, and how many subjects they got through."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was seen.

    Attributes:
        per_second: Subjects in a second of the clock.
        cpu_microseconds: CPU time of a subject, all threads of the process together.
    """

    per_second: float
    cpu_microseconds: float


def in_threads(
    work: Callable[[Any], Any], batches: Sequence[Sequence[Any]], threads: int, seconds: float
) -> Rate:
    """Have batches worked at for a while, again from the first when all were.

    Args:
        work: Takes a batch; is called by several threads at once.
        batches: One at least.
        threads: That call it.
        seconds: After which nobody takes another batch.
    """
    waiting = itertools.cycle(batches)

    def take_turns(until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            batch = next(waiting)
            work(batch)
            done += len(batch)
        return done

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, itertools.islice(waiting, threads)))  # everyone has run once
        began, cpu = time.perf_counter(), time.process_time()
        done = sum(pool.map(take_turns, [began + seconds] * threads))
        taken, used = time.perf_counter() - began, time.process_time() - cpu
    return Rate(per_second=done / taken, cpu_microseconds=1e6 * used / done)
