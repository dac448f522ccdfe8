"""A topic that is made for a record takes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.log.kafka_sizes import check_size, largest_record, needed_message_bytes


@given(st.binary(max_size=3000), st.binary(max_size=30), st.booleans())
def test_a_topic_made_for_a_record_takes_it(value: bytes, key: bytes, compressed: bool) -> None:
    needed = needed_message_bytes(len(key) + len(value))
    limit = largest_record(needed, compressed=compressed, max_request_size=needed)
    check_size(key, value, [], limit, "topic")
