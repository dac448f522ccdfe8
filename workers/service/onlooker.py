"""Who looks at what was judged, without a say in it."""

from __future__ import annotations

from typing import Protocol

from workers.judge import Prepared, Scored


class Onlooker(Protocol):
    """Is shown every part of a batch once it is scored."""

    def saw(self, prepared: Prepared, scored: Scored) -> None:
        """Look at it; on the thread that scores, so that it must be short and never block."""
        ...

    def close(self, timeout: float) -> None:
        """No more comes. Let go of what is held, within ``timeout`` seconds."""
        ...
