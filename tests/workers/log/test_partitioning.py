from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2

from workers.log.contract import Outgoing
from workers.log.partitioning import Partitioner


def outgoing(keys: list[bytes | None]) -> Outgoing:
    return Outgoing(topic="topic", keys=keys, values=[b""] * len(keys))


@given(
    keys=st.lists(st.none() | st.binary(max_size=12), max_size=300),
    count=st.integers(1, 50),
    data=st.data(),
)
def test_keys_decide_and_the_rest_goes_where_there_is_a_leader(
    keys: list[bytes | None], count: int, data: st.DataObject
) -> None:
    led = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    partitions = Partitioner().assign(outgoing(keys), count, led)
    assert len(partitions) == len(keys)
    for key, partition in zip(keys, partitions, strict=True):
        if key is None:
            assert partition in led
        else:
            assert partition == (murmur2(key) & 0x7FFFFFFF) % count


def test_rows_without_a_key_are_spread_evenly_in_runs() -> None:
    partitions = Partitioner().assign(outgoing([None] * 1_000), 4, [0, 1, 2, 3])
    assert [partitions.count(number) for number in range(4)] == [250] * 4
    turns = sum(one != other for one, other in itertools.pairwise(partitions))
    assert turns == 3


def test_small_batches_take_turns() -> None:
    partitioner = Partitioner()
    first = [partitioner.assign(outgoing([None]), 3, [0, 1, 2])[0] for _ in range(6)]
    assert first == [0, 1, 2, 0, 1, 2]
