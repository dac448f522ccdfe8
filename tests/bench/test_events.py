from __future__ import annotations

import itertools

import orjson
import pytest

from schemas.telemetry import DECODERS
from tests.bench.events import events, pages, real, texts


@pytest.mark.parametrize("detector", ["url", "path"])
def test_texts_are_distinct_as_long_as_real_ones_and_begin_with_them(detector: str) -> None:
    count = real(detector)
    found = list(itertools.islice(texts(detector), 20 * count))
    assert len(set(found)) == len(found)
    of_real, of_others = (
        sum(map(len, some)) / len(some) for some in (found[:count], found[count:])
    )
    assert of_others == pytest.approx(of_real, rel=0.4)


def test_pages_are_distinct() -> None:
    found = list(itertools.islice(pages(), 500))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("detector", ["url", "path", "html"])
def test_events_are_taken_by_their_detector(detector: str) -> None:
    values = list(itertools.islice(events(detector), 300))
    taken = DECODERS[detector](values)
    assert len(taken) == len(values)
    assert taken.event_ids == [orjson.loads(value)["id"] for value in values]
