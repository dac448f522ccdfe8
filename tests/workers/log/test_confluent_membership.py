from __future__ import annotations

import pytest
from confluent_kafka import Consumer
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import LogError
from workers.log.confluent_membership import pack, unpack
from workers.log.contract import Membership

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@given(NAMES, st.integers(-1, 2**31 - 1), NAMES, st.none() | NAMES)
def test_what_is_packed_is_unpacked(
    group: str, generation: int, member: str, instance: str | None
) -> None:
    told = Membership(group_id=group, generation=generation, member_id=member, instance_id=instance)
    assert unpack(pack(told)) == told


@pytest.mark.parametrize("instance", [None, "replica-1"])
def test_the_library_writes_it_the_same_way(instance: str | None) -> None:
    options = {"group.id": "détecteurs", "log_level": 0}
    if instance is not None:
        options["group.instance.id"] = instance
    consumer = Consumer(options)
    packed = consumer.consumer_group_metadata()
    consumer.close()
    told = unpack(packed)
    assert (told.group_id, told.generation, told.member_id) == ("détecteurs", -1, "")
    assert told.instance_id == instance
    assert pack(told) == packed


@pytest.mark.parametrize(
    "packed", [b"", b"CGMDv9:\1\0\0\0g\0m\0\1", b"CGMDv2:\1\0\0\0g", b"g\0m\0"]
)
def test_another_way_of_writing_is_refused(packed: bytes) -> None:
    with pytest.raises(LogError, match="confluent-kafka"):
        unpack(packed)
