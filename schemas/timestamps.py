"""Points in time as text, by RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

RFC3339 = re.compile(
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)

# The latest day that every month has: no calendar is needed up to it.
_SAFE_DAY = "28"


def is_rfc3339(text: str) -> bool:
    """Whether ``text`` is an RFC 3339 point in time that every common reader takes.

    RFC 3339 5.6 lets senders write ``t`` and ``z``, a space for the ``T``, leap seconds, the year
    0000 and fractions of any length; many readers refuse those, and so does this.

    >>> is_rfc3339("2024-02-29T23:59:59.5+01:00"), is_rfc3339("2023-02-29T00:00:00Z")
    (True, False)
    """
    match = RFC3339.fullmatch(text)
    if match is None:
        return False
    day = match[1]
    if day[8:] <= _SAFE_DAY and not day.startswith("0000"):
        return True
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def rfc3339(moment: datetime) -> str:
    """``moment`` (with a time zone) in UTC, to the millisecond, rounded down.

    Raises:
        ValueError: ``moment`` has no time zone.

    >>> rfc3339(datetime(2026, 11, 24, 8, 30, 0, 123456, tzinfo=UTC))
    '2026-11-24T08:30:00.123Z'
    """
    if moment.tzinfo is None:
        raise ValueError(f"The time {moment!r} has no time zone; give one, e.g. UTC")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"
