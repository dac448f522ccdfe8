"""Shares out the rows of a batch among threads; all that engines do lets go of the lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.cores import usable_cores
from models.features import Features

Array = NDArray[np.float32]

MOST_THREADS: Final = 64
# More than a few help one replica little: its other threads are then what it waits for.
_MOST_OF_ITS_OWN_CHOICE: Final = 4


def threads_for(given: int) -> int:
    """How many threads an engine computes in.

    Args:
        given: As many; 0 for one a core that this process may run on, 4 at most.
    """
    if given:
        return given
    return min(_MOST_OF_ITS_OWN_CHOICE, usable_cores())


class Crew:
    """Threads that wait for parts of a batch.

    Args:
        threads: That compute at once, the caller's among them.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._others = (
            ThreadPoolExecutor(threads - 1, thread_name_prefix="engine") if threads > 1 else None
        )

    def gather(
        self,
        logits_of: Callable[..., Array],
        features: Features,
        at_once: int,
        *filled: NDArray[Any],
    ) -> Array:
        """Logits float32[n] of n subjects, part by part, by as many threads as there are parts for.

        Args:
            logits_of: Gives those of a part; is called by several threads at once.
            features: Of the n.
            at_once: Subjects of a part at most.
            filled: Columns of n rows, of which ``logits_of`` is given, and fills, the part's rows.

        Raises:
            Exception: what ``logits_of`` raised first, once all that was begun has ended.
        """
        logits = np.empty(len(features), np.float32)
        parts = [slice(first, first + at_once) for first in range(0, len(features), at_once)]
        waiting = iter(parts)  # whoever has time takes the next one

        def take_turns() -> None:
            for rows in waiting:
                logits[rows] = logits_of(features.rows(rows), *(column[rows] for column in filled))

        helping = [
            self._others.submit(take_turns)
            for _ in range(min(self.threads, len(parts)) - 1)
            if self._others is not None
        ]
        try:
            take_turns()
        finally:
            # Nobody goes on with the features when the caller has gone.
            errors = [helper.exception() for helper in helping]
        for error in errors:
            if error is not None:
                raise error
        return logits
