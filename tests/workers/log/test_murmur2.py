from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as reference

from workers.log.murmur2 import murmur2

# Of Kafka's own tests (org.apache.kafka.common.utils.UtilsTest.testMurmur2), as unsigned.
KNOWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", KNOWN, ids=bytes.decode)
def test_kafkas_own_vectors(key: bytes) -> None:
    assert murmur2([key]).tolist() == [KNOWN[key] % 2**32]


@given(st.lists(st.binary(max_size=40)))
def test_a_column_is_its_keys_one_by_one(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [reference(key) for key in keys]
