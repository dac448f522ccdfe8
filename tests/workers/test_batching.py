"""Batches close by size or by delay, whichever comes first, and lose nothing on the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.batching import Batch, Batcher
from workers.log.contract import Headers, Records
from workers.settings.policies import BatchPolicy


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def batch(first: int, n: int, headers: Headers = ()) -> Batch:
    return Batch(
        records=Records(
            topic="telemetry.urls",
            partitions=np.full(n, 3, np.int32),
            offsets=np.arange(first, first + n, dtype=np.int64),
            timestamps=np.full(n, 1_700_000_000_000, np.int64),
            keys=[b"%d" % (first + row) for row in range(n)],
            values=[b"v%d" % (first + row) for row in range(n)],
            headers=[headers] * n,
        ),
        epochs=np.full(n, 7, np.int64),
    )


def test_batch_closed_by_size() -> None:
    batcher = Batcher(BatchPolicy(max_batch=4, max_delay_ms=1000), Clock())
    batcher.add(batch(0, 3))
    assert not batcher.due()
    assert batcher.room == 1
    batcher.add(batch(3, 1))
    assert batcher.due()


def test_batch_closed_by_time() -> None:
    clock = Clock()
    batcher = Batcher(BatchPolicy(max_batch=100, max_delay_ms=250), clock)
    assert batcher.time_left() is None
    batcher.add(batch(0, 1))
    clock.now += 0.2
    batcher.add(batch(1, 1))
    assert not batcher.due()
    left = batcher.time_left()
    assert left is not None
    assert left > 0
    clock.now += 0.05
    assert batcher.due()
    assert batcher.time_left() == 0


def test_an_empty_batch_is_never_due() -> None:
    clock = Clock()
    batcher = Batcher(BatchPolicy(max_batch=1, max_delay_ms=0), clock)
    clock.now += 10
    assert not batcher.due()
    assert batcher.take() is None


def test_the_delay_of_the_next_batch_begins_with_its_first_record() -> None:
    clock = Clock()
    batcher = Batcher(BatchPolicy(max_batch=100, max_delay_ms=1000), clock)
    batcher.add(batch(0, 1))
    clock.now += 1
    batcher.take()
    batcher.add(batch(1, 1))
    assert not batcher.due()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_a_batch_holds_what_was_added_in_order(sizes: list[int]) -> None:
    batcher = Batcher(BatchPolicy(max_batch=1000, max_delay_ms=0), Clock())
    first = 0
    for size in sizes:
        batcher.add(batch(first, size))
        first += size
    taken = batcher.take()
    assert taken is not None
    assert len(taken) == first
    assert taken.records.offsets.tolist() == list(range(first))
    assert taken.records.values == [b"v%d" % row for row in range(first)]
    assert taken.records.keys == [b"%d" % row for row in range(first)]
    assert set(taken.epochs.tolist()) == {7}
    assert batcher.room == 1000


def sized(*sizes: int) -> Batch:
    """Records of so many bytes each."""
    made = batch(0, len(sizes))
    records = replace(
        made.records, keys=[None] * len(sizes), values=[b"x" * size for size in sizes]
    )
    return replace(made, records=records)


def test_a_batch_closes_by_bytes_as_well() -> None:
    batcher = Batcher(BatchPolicy(max_batch=100, max_batch_bytes=1000, max_delay_ms=1000), Clock())
    batcher.add(sized(200, 400))
    assert batcher.room == 1
    batcher.add(sized(300))
    assert batcher.due()


@given(
    st.lists(st.lists(st.integers(0, 300), min_size=1, max_size=5), min_size=1, max_size=8),
    st.integers(1, 500),
)
def test_no_batch_is_over_its_bytes_but_a_single_record(polls: list[list[int]], most: int) -> None:
    batcher = Batcher(BatchPolicy(max_batch=1000, max_batch_bytes=most, max_delay_ms=0), Clock())
    given_out: list[int] = []
    for sizes in polls:
        batcher.add(sized(*sizes))
    while (taken := batcher.take()) is not None:
        sizes = [len(value or b"") for value in taken.records.values]
        assert sum(sizes) <= most or len(sizes) == 1
        assert len(taken.epochs) == len(taken.records.offsets) == len(sizes)
        given_out += sizes
    assert given_out == [size for sizes in polls for size in sizes]
    assert batcher.time_left() is None


def test_keys_and_headers_count() -> None:
    made = batch(0, 1, [("name", b"value"), ("empty", None)])
    assert made.records.sizes().tolist() == [len(b"0") + len(b"v0") + 4 + 5 + 5]


def origin_headers(topic: bytes, partition: bytes, offset: bytes) -> Headers:
    return [
        ("weir-origin-topic", topic),
        ("weir-origin-partition", partition),
        ("weir-origin-offset", offset),
        ("weir-origin-timestamp", b"1600000000000"),
    ]


def test_a_record_sent_back_keeps_its_first_origin() -> None:
    origins = batch(50, 1, origin_headers(b"telemetry.urls", b"3", b"17")).origins()
    assert origins.offsets.tolist() == [17]
    assert origins.timestamps.tolist() == [1_600_000_000_000]


def test_forged_origins_are_not_believed() -> None:
    for forged in (
        origin_headers(b"other.topic", b"3", b"17"),
        origin_headers(b"telemetry.urls", b"4", b"17"),
        origin_headers(b"telemetry.urls", b"3", b"50"),
        origin_headers(b"telemetry.urls", b"3", b"9999"),
        origin_headers(b"telemetry.urls", b"3", b"-1"),
    ):
        origins = batch(50, 1, forged).origins()
        assert origins.offsets.tolist() == [50]
        assert origins.topics == ["telemetry.urls"]
