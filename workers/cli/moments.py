"""Points in time on the command line: RFC 3339, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.timestamps import is_rfc3339, rfc3339
from workers.errors import ConfigurationError

_AGO: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_TO_THE_MINUTE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(text: str, option: str, *, now: datetime | None = None) -> int:
    """Milliseconds since the epoch of what an option was given.

    Args:
        text: ``2026-11-24T08:30:00Z``, with or without the seconds, or ``2h`` for two hours ago.
        option: Its name, for the message.
        now: The present; the clock's by default.

    Raises:
        ConfigurationError: it is neither, or before 1970.
    """
    moment: datetime | None = None
    if (ago := _AGO.fullmatch(text)) is not None:
        try:
            moment = (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            moment = None
    elif is_rfc3339(text) or _TO_THE_MINUTE.fullmatch(text) is not None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:  # the 31st of a month without one
            moment = None
    if moment is None or moment < _EPOCH:
        raise ConfigurationError(
            f"Option {option} has value {text!r}: no time; give e.g. 2026-11-24T08:30:00Z, or how "
            "long ago it is: 90s, 30m, 2h, 7d, 4w"
        )
    return (moment - _EPOCH) // _MILLISECOND


def shown(timestamp: int | None) -> str:
    """A record's timestamp as RFC 3339; ``none`` where there is none."""
    if timestamp is None or timestamp < 0:
        return "none"
    try:
        return rfc3339(_EPOCH + timedelta(milliseconds=timestamp))
    except OverflowError:
        return f"{timestamp} ms"
