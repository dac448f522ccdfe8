"""What holds of either log (`workers.log.contract`)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from tests.contracts.reader import PATIENCE, Reader, poll_until
from tests.contracts.worlds import World
from workers.errors import (
    AssignmentLostError,
    LogError,
    PositionLostError,
    RecordTooLargeError,
    TopicMissingError,
)
from workers.log.contract import Headers, Log, Outgoing, TopicPartition
from workers.log.delivery import Delivery


def publish(
    log: Log,
    topic: str,
    values: Sequence[bytes | None],
    *,
    keys: Sequence[bytes | None] | None = None,
    headers: Sequence[Headers] | None = None,
) -> Delivery:
    """Publish and wait for the fate of all rows."""
    sink = log.sink()
    delivery = sink.publish(
        Outgoing(topic=topic, keys=keys or [None] * len(values), values=values, headers=headers)
    )
    assert delivery.wait(PATIENCE)
    sink.close(PATIENCE)
    return delivery


def numbered(count: int, start: int = 0) -> list[bytes | None]:
    return [b"%d" % number for number in range(start, start + count)]


@pytest.fixture
def topic(world: World) -> str:
    return world.new_topic()


Join = Callable[..., Reader]


@pytest.fixture
def join() -> Iterator[Join]:
    """Makes readers, and closes those that are still open at the end."""
    readers = []

    def make(log: Log, topic: str, *, commits: bool = True) -> Reader:
        readers.append(Reader(log, topic, commits=commits))
        return readers[-1]

    yield make
    for reader in readers:
        reader.source.close()


class TestReading:
    def test_order_holds_within_a_partition(self, world: World, join: Join) -> None:
        topic = world.new_topic(3)
        keys = [b"key-%d" % (number % 7) for number in range(300)]
        assert not publish(world.log(), topic, numbered(300), keys=keys).failures()
        reader = join(world.log(), topic).until(300)
        for partition in {row.partition for row in reader.rows}:
            rows = [row for row in reader.rows if row.partition == partition]
            assert [row.offset for row in rows] == list(range(len(rows)))
            numbers = [int(row.value or b"") for row in rows]
            assert numbers == sorted(numbers)
        assert len({row.partition for row in reader.rows}) > 1

    def test_keys_values_and_headers_are_untouched(
        self, world: World, join: Join, topic: str
    ) -> None:
        keys = [b"\x00\xffkey", None, b"", b"tombstone"]
        values = [b"\x00\xff", b"", b"value", None]
        headers: list[Headers] = [
            [("a", b"1"), ("a", b"2"), ("é", b"")],
            [],
            [("empty", b"")],
            [],
        ]
        publish(world.log(), topic, values, keys=keys, headers=headers)
        reader = join(world.log(), topic).until(4)
        assert [row.key for row in reader.rows] == keys
        assert reader.values == values
        assert [list(row.headers) for row in reader.rows] == headers

    def test_a_poll_gives_no_more_than_asked(self, world: World, join: Join, topic: str) -> None:
        publish(world.log(), topic, numbered(10))
        reader = join(world.log(), topic)
        sizes = []
        while len(reader.rows) < 10:
            sizes.append(len(reader.poll(most=3)))
        assert max(sizes) == 3
        assert reader.values == numbered(10)

    def test_a_poll_without_records_is_empty_columns(
        self, world: World, join: Join, topic: str
    ) -> None:
        reader = join(world.log(), topic).until_assigned(1)
        records = reader.poll(timeout=0)
        assert len(records) == 0
        assert records.topic == topic
        assert records.offsets.shape == (0,)

    def test_a_missing_topic_is_named(self, world: World, join: Join) -> None:
        with pytest.raises(TopicMissingError, match="no-such-topic"):
            join(world.log(), "no-such-topic")

    def test_a_latest_start_leaves_out_what_was_there(
        self, world: World, join: Join, topic: str
    ) -> None:
        publish(world.log(), topic, numbered(5))
        reader = join(world.log(reset="latest"), topic).until_assigned(1)
        poll_until([reader], lambda: bool(reader.source.positions()))
        publish(world.log(), topic, numbered(1, 5))
        assert reader.until(1).values == [b"5"]


class TestCommitting:
    def test_a_new_member_goes_on_from_the_commit(
        self, world: World, join: Join, topic: str
    ) -> None:
        publish(world.log(), topic, numbered(10))
        first = join(world.log(), topic, commits=False).until(10)
        place = TopicPartition(topic, 0)
        first.source.commit({place: 4})
        first.source.close()
        assert world.committed("group", topic) == {place: 4}
        second = join(world.log(), topic).until(6)
        assert second.values == numbered(6, 4)

    def test_positions_lead_the_lag_to_zero(self, world: World, join: Join) -> None:
        topic = world.new_topic(2)
        publish(world.log(), topic, numbered(100), keys=[b"%d" % n for n in range(100)])
        reader = join(world.log(), topic).until(100)
        assert reader.source.positions() == reader.next
        assert set(reader.source.lag().values()) == {0}
        reader.source.commit(reader.source.positions())
        assert world.committed("group", topic) == reader.next

    def test_lag_counts_what_is_left(self, world: World, join: Join, topic: str) -> None:
        publish(world.log(), topic, numbered(10))
        reader = join(world.log(), topic)
        poll_until([], lambda: bool(len(reader.poll(most=4, timeout=1))))
        assert reader.source.lag() == {TopicPartition(topic, 0): 10 - len(reader.rows)}

    def test_a_log_that_answers_is_reachable(self, world: World, join: Join, topic: str) -> None:
        reader = join(world.log(), topic)
        poll_until([reader], lambda: bool(reader.held))
        assert reader.source.reachable()

    def test_closing_revokes_and_may_still_commit(
        self, world: World, join: Join, topic: str
    ) -> None:
        publish(world.log(), topic, numbered(3))
        reader = join(world.log(), topic).until(3)
        reader.source.close()
        place = TopicPartition(topic, 0)
        assert reader.told[-1] == ("revoked", frozenset({place}))
        assert world.committed("group", topic) == {place: 3}

    def test_a_partition_that_was_never_ours_is_refused(
        self, world: World, join: Join, topic: str
    ) -> None:
        reader = join(world.log(), topic).until_assigned(1)
        with pytest.raises(AssignmentLostError, match="7"):
            reader.source.commit({TopicPartition(topic, 7): 1, TopicPartition(topic, 0): 0})
        assert world.committed("group", topic) == {TopicPartition(topic, 0): 0}


class TestGroups:
    def test_two_members_share_the_partitions(self, world: World, join: Join) -> None:
        topic = world.new_topic(4)
        one, two = (join(world.log(), topic) for _ in range(2))
        poll_until([one, two], lambda: len(one.held) == len(two.held) == 2)
        assert not one.held & two.held

    def test_members_that_hardly_wait_settle_as_well(self, world: World, join: Join) -> None:
        topic = world.new_topic(4)
        readers = [join(world.log(), topic) for _ in range(2)]
        deadline = time.monotonic() + PATIENCE
        while [len(reader.held) for reader in readers] != [2, 2]:
            assert time.monotonic() < deadline, [reader.told for reader in readers]
            for reader in readers:
                reader.poll(timeout=0)

    def test_a_handover_loses_and_repeats_nothing(self, world: World, join: Join) -> None:
        topic = world.new_topic(4)
        keys = [b"%d" % number for number in range(400)]
        publish(world.log(), topic, numbered(200), keys=keys[:200])
        one = join(world.log(), topic).until(150)
        two = join(world.log(), topic)
        poll_until([one, two], lambda: len(one.held) == len(two.held) == 2)
        publish(world.log(), topic, numbered(200, 200), keys=keys[200:])
        poll_until([one, two], lambda: len(one.rows) + len(two.rows) >= 400)
        one.source.close()
        poll_until([two], lambda: len(two.held) == 4)
        publish(world.log(), topic, numbered(4, 400))
        poll_until([two], lambda: len(one.rows) + len(two.rows) >= 404)
        read = [int(value or b"") for value in one.values + two.values]
        assert sorted(read) == list(range(404))

    def test_an_expelled_member_cannot_commit(self, world: World, join: Join, topic: str) -> None:
        publish(world.log(), topic, numbered(5))
        zombie = join(world.log(), topic).until(5)
        world.expel_all("group", zombie.held)
        with pytest.raises(AssignmentLostError):
            zombie.commit()
        assert world.committed("group", topic) == {}
        # It finds out, and may join again.
        poll_until([zombie], lambda: len(zombie.rows) == 10)
        assert [name for name, _ in zombie.told] == ["assigned", "lost", "assigned"]

    def test_groups_do_not_disturb_each_other(self, world: World, join: Join, topic: str) -> None:
        publish(world.log(), topic, numbered(3))
        readers = [join(world.log(group), topic).until(3) for group in ("a", "b")]
        assert readers[0].values == readers[1].values == numbered(3)


class TestPausing:
    def test_nothing_comes_until_resumed(self, world: World, join: Join) -> None:
        topic = world.new_topic(2)
        reader = join(world.log(), topic)
        # Partitions that are assigned while paused are paused too.
        reader.source.pause()
        publish(world.log(), topic, numbered(20), keys=[b"%d" % n for n in range(20)])
        reader.until_assigned(2)
        assert [len(reader.poll()) for _ in range(5)] == [0] * 5
        reader.source.resume()
        reader.until(10)
        reader.source.pause()
        seen = len(reader.rows)
        assert [len(reader.poll()) for _ in range(5)] == [0] * 5
        assert len(reader.rows) == seen
        reader.source.resume()
        reader.until(20)
        assert len(reader.rows) == 20

    @pytest.mark.parametrize("way", ["pause", "hold"])
    def test_a_partition_that_was_paused_when_it_left_is_read_when_it_comes_back(
        self, world: World, join: Join, way: str
    ) -> None:
        topic = world.new_topic(2)
        reader = join(world.log(), topic).until_assigned(2)
        if way == "pause":
            reader.source.pause()
        else:
            reader.source.hold(reader.held)
        other = join(world.log(), topic)
        poll_until([reader, other], lambda: len(reader.held) == len(other.held) == 1)
        if way == "pause":
            reader.source.resume()
        else:
            reader.source.hold(())
        other.source.close()
        reader.until_assigned(2)
        for number in (0, 1):
            sink = world.log().sink()
            rows = Outgoing(topic=topic, keys=[None], values=[b"x"], partitions=[number])
            assert sink.publish(rows).wait(PATIENCE)
            sink.close(PATIENCE)
        reader.until(2)
        assert {row.partition for row in reader.rows} == {0, 1}


class TestLostPositions:
    @pytest.fixture
    def place(self, world: World, join: Join) -> TopicPartition:
        """Committed position 2, which retention has removed; records 6 to 9 are left."""
        topic = world.new_topic()
        publish(world.log(), topic, numbered(10))
        reader = join(world.log(), topic, commits=False).until(10)
        place = TopicPartition(topic, 0)
        reader.source.commit({place: 2})
        reader.source.close()
        world.remove_before(place, 6)
        return place

    def test_what_was_lost_is_reported(
        self, world: World, join: Join, place: TopicPartition
    ) -> None:
        with capture_logs() as logs:
            reader = join(world.log(), place.topic).until(4)
        assert reader.values == numbered(4, 6)
        (report,) = [entry for entry in logs if "records_lost" in entry]
        assert report["log_level"] == "warning"
        assert report["topic"] == place.topic
        assert report["partition"] == 0
        assert report["position"] == 2
        assert report["first_available"] == 6
        assert report["records_lost"] == 4

    def test_latest_goes_on_at_the_end(
        self, world: World, join: Join, place: TopicPartition
    ) -> None:
        with capture_logs() as logs:
            reader = join(world.log(reset="latest"), place.topic)
            poll_until([reader], lambda: reader.source.positions() == {place: 10})
        assert [entry["records_lost"] for entry in logs if "records_lost" in entry] == [4]

    def test_none_stops(self, world: World, join: Join, place: TopicPartition) -> None:
        reader = join(world.log(reset="none"), place.topic)
        with pytest.raises(PositionLostError, match="auto-offset-reset"):
            reader.until(1)

    def test_none_stops_where_nothing_is_committed(
        self, world: World, join: Join, topic: str
    ) -> None:
        reader = join(world.log(reset="none"), topic, commits=False)
        with pytest.raises(PositionLostError, match="committed nothing"):
            reader.until(1)

    def test_a_position_lost_while_running_is_reported(
        self, world: World, join: Join, topic: str
    ) -> None:
        # So large that a client which reads ahead has no more than one or two in store.
        values = [random_bytes(600_000 + number) for number in range(10)]
        reader = join(world.log(), topic).until_assigned(1)
        publish(world.log(), topic, values[:3])
        reader.until(3)
        publish(world.log(), topic, values[3:])
        world.remove_before(TopicPartition(topic, 0), 8)
        with capture_logs() as logs:
            poll_until([reader], lambda: values[-1] in reader.values)
        (lost,) = [entry["records_lost"] for entry in logs if "records_lost" in entry]
        assert lost >= 1
        assert reader.values == values[: 8 - lost] + values[8:]


class TestPublishing:
    def test_callbacks_come_once_done_and_at_once_after(self, world: World, topic: str) -> None:
        sink = world.log().sink()
        delivery = sink.publish(Outgoing(topic=topic, keys=[None], values=[b"x"]))
        called = threading.Event()
        delivery.add_done_callback(lambda done: called.set() if done.done() else None)
        assert called.wait(PATIENCE)
        late: list[Delivery] = []
        delivery.add_done_callback(late.append)
        assert late == [delivery]
        assert delivery.failures() == {}
        sink.close(PATIENCE)

    def test_nothing_to_publish_is_done(self, world: World, topic: str) -> None:
        sink = world.log().sink()
        assert sink.publish(Outgoing(topic=topic, keys=[], values=[])).wait(PATIENCE)
        sink.close(PATIENCE)

    def test_flush_resolves_all(self, world: World, join: Join, topic: str) -> None:
        sink = world.log().sink()
        deliveries = [
            sink.publish(Outgoing(topic=topic, keys=[None] * 50, values=numbered(50)))
            for _ in range(20)
        ]
        assert sink.flush(PATIENCE)
        assert all(delivery.done() for delivery in deliveries)
        assert join(world.log(), topic).until(1_000).values == numbered(50) * 20
        sink.close(PATIENCE)

    def test_many_threads_may_publish(self, world: World, join: Join) -> None:
        topic = world.new_topic(2)
        sink = world.log().sink()
        threads = [
            threading.Thread(
                target=lambda start=start: sink.publish(
                    Outgoing(topic=topic, keys=[None] * 100, values=numbered(100, start))
                )
            )
            for start in range(0, 800, 100)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sink.flush(PATIENCE)
        reader = join(world.log(), topic).until(800)
        assert sorted(int(value or b"") for value in reader.values) == list(range(800))
        reader.source.close()
        sink.close(PATIENCE)

    def test_equal_keys_share_a_partition(self, world: World, join: Join) -> None:
        topic = world.new_topic(8)
        keys = [b"%d" % (number % 20) for number in range(100)]
        publish(world.log(), topic, numbered(100), keys=keys)
        reader = join(world.log(), topic).until(100)
        homes = {(row.key, row.partition) for row in reader.rows}
        assert len(homes) == 20
        assert len({partition for _, partition in homes}) > 1

    def test_rows_without_a_key_are_spread(self, world: World, join: Join) -> None:
        topic = world.new_topic(4)
        publish(world.log(), topic, numbered(1_000))
        reader = join(world.log(), topic).until(1_000)
        assert {row.partition for row in reader.rows} == {0, 1, 2, 3}

    @pytest.mark.parametrize("limit", [2_000, 1_048_588, 3_000_000, 46_000_000])
    def test_a_row_that_is_too_large_fails_alone(
        self, world: World, join: Join, limit: int
    ) -> None:
        topic = world.new_topic(max_message_bytes=limit)
        sink = world.log().sink()
        most = sink.max_record_bytes(topic)
        assert most <= limit
        # Incompressible, so that the cluster's own check is met as well.
        largest = random_bytes(most - 100)
        delivery = sink.publish(
            Outgoing(
                topic=topic,
                keys=[None] * 5,
                values=[b"first", b"x" * limit, largest, b"x" * (most + 1), b"last"],
            )
        )
        assert delivery.wait(PATIENCE)
        failures = delivery.failures()
        assert set(failures) == {1, 3}
        assert all(isinstance(error, RecordTooLargeError) for error in failures.values())
        assert str(most) in str(failures[1])
        reader = join(world.log(), topic).until(3)
        assert reader.values == [b"first", largest, b"last"]
        reader.source.close()
        sink.close(PATIENCE)

    def test_a_missing_topic_fails_its_rows(self, world: World) -> None:
        delivery = publish(world.log(), "no-such-topic", [b"a", b"b"])
        assert set(delivery.failures()) == {0, 1}
        assert all(isinstance(error, TopicMissingError) for error in delivery.failures().values())
        with pytest.raises(TopicMissingError):
            world.log().sink().max_record_bytes("no-such-topic")

    def test_a_row_of_neither_key_nor_value_fails_alone(
        self, world: World, join: Join, topic: str
    ) -> None:
        delivery = publish(world.log(), topic, [b"a", None, b"b"])
        assert set(delivery.failures()) == {1}
        assert isinstance(delivery.failures()[1], LogError)
        assert join(world.log(), topic).until(2).values == [b"a", b"b"]


def random_bytes(count: int) -> bytes:
    return random.Random(count).randbytes(count)


def test_held_partitions_give_nothing_and_the_others_go_on(world: World) -> None:
    topic = world.new_topic(2)
    held, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    reader = Reader(world.log(), topic, commits=False).until_assigned(2)
    reader.source.hold({held})
    sink = world.log().sink()
    for partition in (0, 1):
        rows = Outgoing(topic=topic, keys=[None], values=[b"x"], partitions=[partition])
        assert sink.publish(rows).wait(PATIENCE)
    sink.close(PATIENCE)
    reader.until(1)
    # A pause and its end leave the hold as it is.
    reader.source.pause()
    reader.source.resume()
    assert reader.source.positions()[other] == 1
    assert [row.partition for row in reader.rows] == [1]
    reader.source.hold(())
    reader.until(2)
    assert [row.partition for row in reader.rows] == [1, 0]
    reader.source.close()


def test_skipping_reads_on_further_ahead(world: World, topic: str) -> None:
    publish(world.log(), topic, numbered(10))
    reader = Reader(world.log(), topic, commits=False).until_assigned(1)
    reader.source.skip(TopicPartition(topic, 0), 8)
    reader.until(2)
    assert reader.values[-2:] == numbered(2, 8)
    reader.source.close()
