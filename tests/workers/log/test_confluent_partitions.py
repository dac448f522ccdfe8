from __future__ import annotations

import confluent_kafka
from hypothesis import given
from hypothesis import strategies as st

from workers.log.contract import Outgoing
from workers.log.partitioning import Partitioner


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=30), st.integers(1, 50))
def test_keys_go_where_librdkafka_sends_them(keys: list[bytes], count: int) -> None:
    rows = Outgoing(topic="any", keys=keys, values=keys)
    ours = Partitioner().assign(rows, count, list(range(count)))
    assert ours == [confluent_kafka.murmur2(key, count) for key in keys]
