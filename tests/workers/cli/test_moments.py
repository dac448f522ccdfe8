from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workers.cli.moments import milliseconds, shown
from workers.errors import ConfigurationError

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T08:30:00.5Z", "2026-11-24T08:30:00.500Z"),
        ("2026-11-24T08:30:00.123456789+02:00", "2026-11-24T06:30:00.123Z"),
        ("90s", "2026-11-24T08:28:30.000Z"),
        ("30m", "2026-11-24T08:00:00.000Z"),
        ("2h", "2026-11-24T06:30:00.000Z"),
        ("1d", "2026-11-23T08:30:00.000Z"),
        ("1w", "2026-11-17T08:30:00.000Z"),
    ],
)
def test_a_time_or_how_long_ago(text: str, moment: str) -> None:
    assert shown(milliseconds(text, "--from", now=NOW)) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2h ago", "-2h", "1.5h", "2026-11-24", "2026-11-24T08:30:00", "99w9"),
        *("999999999w", "9999w", "1969-12-31T23:59:59Z"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Option --to has value .*give e\.g\. 2026"):
        milliseconds(text, "--to", now=NOW)


def test_timestamps_of_any_record_are_shown() -> None:
    assert shown(-1) == shown(None) == "none"
    assert shown(2**63 - 1) == "9223372036854775807 ms"
