"""Leaves a group also in the midst of a join, which librdkafka does without a word.

The group then waits for the member, and nobody is given a partition, until its session ends. So a
member that closes waits until the group has given it a name, if it has just asked to be taken in
(KIP-394), and its leave is sent once more on a connection of its own: on the library's it would
stand behind the join. Who has left already is not in the group any more, which harms nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from confluent_kafka import Consumer
from kafka.admin import MemberToRemove

from workers.errors import WorkerError
from workers.log.confluent_membership import known_to
from workers.log.connection import Connection
from workers.log.contract import Membership
from workers.log.kafka_client import admin

journal = structlog.get_logger(__name__)

# Leaving is a courtesy: without it the session times out.
_NAME_SECONDS: Final = 2.0
_NEXT_LOOK_SECONDS: Final = 0.02


def named(consumer: Consumer, connected: Callable[[], bool]) -> Membership | None:
    """What we are to the group, once it has given us a name; None if it does not.

    Args:
        consumer: The member.
        connected: Whether there is a broker to hear from.
    """
    deadline = time.monotonic() + _NAME_SECONDS
    while connected() and time.monotonic() < deadline:
        known = known_to(consumer)
        if known is not None and known.member_id:
            return known
        time.sleep(_NEXT_LOOK_SECONDS)
    return None


def leave(connection: Connection, member: Membership) -> None:
    """Tell the group that a member has gone; one that has a name of its own may come back."""
    if member.instance_id is not None:
        return
    try:
        with admin(connection) as client:
            gone = MemberToRemove(member_id=member.member_id)
            client.remove_group_members(member.group_id, [gone])
    except WorkerError as error:
        journal.warning("leaving the group failed; its session will time out", error=str(error))
