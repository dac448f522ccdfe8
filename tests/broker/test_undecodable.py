"""Record batches that have gone bad on a broker's disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker.node import RunningNode
from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import CLIENTS, Client, KafkaWorld
from workers.errors import UndecodableError
from workers.log.contract import Outgoing, TopicPartition

pytestmark = pytest.mark.kafka

# Of a batch on disk: base offset and length, 8 and 4 bytes, come before what the length counts.
_LENGTH_AT, _COUNTED_FROM = 8, 12


def spoil_batch(log: Path, number: int) -> None:
    """Flip a bit in the records of one batch."""
    content = bytearray(log.read_bytes())
    start = 0
    for _ in range(number):
        start += _COUNTED_FROM + int.from_bytes(content[start + _LENGTH_AT : start + _COUNTED_FROM])
    end = start + _COUNTED_FROM + int.from_bytes(content[start + 8 : start + 12])
    content[end - 1] ^= 1
    log.write_bytes(content)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_batch_is_named_and_can_be_held_or_skipped(tmp_path: Path, client: Client) -> None:
    node = RunningNode("--port", "0", "--data-dir", str(tmp_path))
    world = KafkaWorld(node.bootstrap_servers, client)
    topic = world.new_topic(2)
    spoilt, sound = TopicPartition(topic, 0), TopicPartition(topic, 1)
    sink = world.log().sink()
    for values, partition in (
        ([b"a", b"b"], 0),
        ([b"c", b"d", b"e"], 0),
        ([b"f"], 0),
        ([b"g"], 1),
    ):
        rows = Outgoing(
            topic=topic,
            keys=[None] * len(values),
            values=values,
            partitions=[partition] * len(values),
        )
        assert sink.publish(rows).wait(PATIENCE)
    sink.close(PATIENCE)
    assert node.stop() == 0
    spoil_batch(next(tmp_path.glob(f"data/{topic}-0/*.log")), 1)
    again = RunningNode("--port", str(node.port), "--data-dir", str(tmp_path))

    reader = Reader(world.log(), topic, commits=False)
    for _ in range(2):
        with pytest.raises(UndecodableError, match=r"(?i)crc") as told:
            poll_until([reader], lambda: False)
        assert (told.value.topic, told.value.partition) == (topic, 0)
        assert (told.value.first, told.value.last) == (2, 4)
    reader.source.hold({spoilt})
    poll_until([reader], lambda: b"g" in reader.values)
    assert reader.source.positions()[spoilt] == 2
    reader.source.hold(())
    reader.source.skip(spoilt, 5)
    poll_until([reader], lambda: b"f" in reader.values)
    assert sorted(reader.values, key=str) == [b"a", b"b", b"f", b"g"]
    assert reader.source.positions() == {spoilt: 6, sound: 1}
    reader.source.close()
    again.stop()
