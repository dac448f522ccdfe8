"""Members that leave before they are quite in their group: nobody waits for them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.contracts.reader import Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from tests.faults.broker import Broker
from tests.faults.proxy import JOIN_GROUP, Weather
from workers.log.opening import open_log

# Only its end would tell the group otherwise that somebody has gone.
SESSION_MS = 300_000


@pytest.mark.kafka
@pytest.mark.parametrize("client", CLIENTS)
def test_who_leaves_when_the_group_has_just_given_them_a_name(
    broker: Broker, client: Client
) -> None:
    world = KafkaWorld(broker.direct, client)
    topic = world.new_topic(2)
    direct = replace(world.connection(), session_timeout_ms=SESSION_MS)
    staying = Reader(open_log(direct), topic).until_assigned(2)

    # It has asked to join, and has not heard yet that it has to ask again under a name (KIP-394).
    broker.proxy.hold_answers_after(JOIN_GROUP)
    leaver = Reader(open_log(replace(direct, bootstrap_servers=broker.disturbed)), topic)
    poll_until([leaver], lambda: broker.proxy.holding)
    leaving = threading.Thread(target=leaver.source.close)
    leaving.start()
    broker.proxy.turn(Weather.FAIR)
    poll_until([staying], lambda: not leaving.is_alive())

    another = Reader(open_log(direct), topic)
    poll_until([staying, another], lambda: len(staying.held) == len(another.held) == 1)
    another.source.close()
    staying.until_assigned(2)
    staying.source.close()
