"""How long something takes, in words."""

from __future__ import annotations

from typing import Final

# What a duration is told in, from this many seconds on.
_MINUTES_FROM: Final = 120.0
_HOURS_FROM: Final = 7200.0


def duration(seconds: float) -> str:
    """Seconds as people say them: ``40 s``, ``12 minutes``, ``3.5 hours``."""
    if seconds >= _HOURS_FROM:
        return f"{seconds / 3600:.1f} hours"
    if seconds >= _MINUTES_FROM:
        return f"{seconds / 60:.0f} minutes"
    return f"{max(1, round(seconds))} s"
