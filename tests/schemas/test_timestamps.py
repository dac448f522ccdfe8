from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.timestamps import RFC3339, is_rfc3339, rfc3339

DATE_TIME = Draft202012Validator.FORMAT_CHECKER


@given(st.from_regex(RFC3339, fullmatch=True) | st.text(max_size=30))
def test_agrees_with_the_validator_of_the_schema_library(text: str) -> None:
    assert is_rfc3339(text) == (
        DATE_TIME.conforms(text, "date-time") and RFC3339.fullmatch(text) is not None
    )


TIMES = {
    "UTC": ("2026-11-24T08:30:00Z", True),
    "offset": ("2026-11-24T08:30:00-23:59", True),
    "nanoseconds": ("2026-11-24T08:30:00.123456789Z", True),
    "leap day": ("2024-02-29T00:00:00Z", True),
    "no leap day": ("2023-02-29T00:00:00Z", False),
    "no such day": ("2026-04-31T00:00:00Z", False),
    "year zero": ("0000-01-01T00:00:00Z", False),
    "no zone": ("2026-11-24T08:30:00", False),
    "lower case": ("2026-11-24t08:30:00z", False),
    "space": ("2026-11-24 08:30:00Z", False),
    "leap second": ("2016-12-31T23:59:60Z", False),
    "picoseconds": ("2026-11-24T08:30:00.123456789012Z", False),
    "trailing newline": ("2026-11-24T08:30:00Z\n", False),
    "other digits": ("\uff12\uff10\uff12\uff16-11-24T08:30:00Z", False),
    "date": ("2026-11-24", False),
    "empty": ("", False),
}


@pytest.mark.parametrize(("text", "is_time"), TIMES.values(), ids=TIMES.keys())
def test_takes_what_every_reader_takes(text: str, is_time: bool) -> None:
    assert is_rfc3339(text) is is_time


@given(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001
def test_written_times_are_utc_to_the_millisecond(moment: datetime) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))
    text = rfc3339(aware)
    assert is_rfc3339(text)
    assert timedelta(0) <= aware - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_example() -> None:
    assert rfc3339(datetime(2026, 11, 24, 8, tzinfo=UTC)) == "2026-11-24T08:00:00.000Z"


def test_time_without_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        rfc3339(datetime(2026, 11, 24))  # noqa: DTZ001
