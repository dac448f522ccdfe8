"""A member that its group lets go in the midst of a join: what it held is others' by then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from tests.faults.broker import Broker
from tests.faults.proxy import JOIN_GROUP, Weather
from workers.log.contract import Outgoing, TopicPartition
from workers.log.opening import open_log


@pytest.mark.kafka
@pytest.mark.parametrize("client", CLIENTS)
def test_partitions_are_lost_before_the_next_membership(broker: Broker, client: Client) -> None:
    world = KafkaWorld(broker.direct, client)
    topic = world.new_topic(2)
    places = frozenset(TopicPartition(topic, number) for number in range(2))
    first, second = ([b"%d" % n for n in range(start, start + 20)] for start in (0, 20))
    sink = world.log().sink()
    assert sink.publish(Outgoing(topic=topic, keys=first, values=first)).wait(PATIENCE)
    behind = replace(world.connection(), bootstrap_servers=broker.disturbed)
    sleeper = Reader(open_log(behind), topic).until(20)
    sleeper.commit()

    # It hears no answer after it has asked to join again, until its session has ended.
    broker.proxy.hold_answers_after(JOIN_GROUP)
    other = Reader(world.log(), topic)
    poll_until([sleeper, other], lambda: broker.proxy.holding)
    other.until_assigned(2)
    assert sink.publish(Outgoing(topic=topic, keys=second, values=second)).wait(PATIENCE)
    other.until(20)
    other.commit()

    broker.proxy.turn(Weather.FAIR)
    poll_until([sleeper, other], lambda: sleeper.told[-1][0] == "assigned" and other.held < places)
    # Not as if it had held them all the time: what it has in hand is delivered by others already.
    assert [what for what, _ in sleeper.told] == ["assigned", "lost", "assigned"], sleeper.told
    assert sleeper.told[1] == ("lost", places)
    other.source.close()
    sleeper.source.close()
    sink.close(PATIENCE)
