"""A `Membership` as the bytes in which confluent-kafka hands one on.

``Consumer.consumer_group_metadata`` gives them, ``send_offsets_to_transaction`` takes them, and
neither takes them apart; librdkafka writes them (``rd_kafka_consumer_group_metadata_write``) as

    CGMDv2: generation (int32, this machine's order) group NUL member NUL
    1 where there is no instance id, else 0 and it, NUL
"""

from __future__ import annotations

import struct
from typing import Final

from confluent_kafka import Consumer

from workers.errors import LogError
from workers.log.contract import Membership

_MAGIC: Final = b"CGMDv2:"
_GENERATION: Final = struct.Struct("=i")


def known_to(consumer: Consumer) -> Membership | None:
    """What a consumer says that it is to its group; None where it has left it for good.

    The generation is negative and the name empty before the group has said otherwise.
    """
    try:
        packed = consumer.consumer_group_metadata()
    except RuntimeError:  # "not available": a close that goes on meanwhile has got so far
        return None
    return None if packed is None else unpack(packed)


def unpack(packed: bytes) -> Membership:
    """Read what the consumer gave.

    Raises:
        LogError: it is written in another way than this code knows.
    """
    begin = len(_MAGIC) + _GENERATION.size
    parts = packed[begin:].split(b"\0", 2)
    if not packed.startswith(_MAGIC) or len(parts) != 3 or not parts[2]:  # noqa: PLR2004
        raise LogError(
            "this version of confluent-kafka writes group metadata in a way that is not known "
            "here; install one that requirements.lock names, or use --client kafka-python"
        )
    group, member, rest = parts
    (generation,) = _GENERATION.unpack_from(packed, len(_MAGIC))
    instance = None if rest[0] else rest[1:].removesuffix(b"\0").decode()
    return Membership(
        group_id=group.decode(),
        generation=int(generation),
        member_id=member.decode(),
        instance_id=instance,
    )


def pack(member: Membership) -> bytes:
    """Write what the producer takes."""
    instance = b"\1" if member.instance_id is None else b"\0%b\0" % member.instance_id.encode()
    return b"%b%b%b\0%b\0%b" % (
        _MAGIC,
        _GENERATION.pack(member.generation),
        member.group_id.encode(),
        member.member_id.encode(),
        instance,
    )
