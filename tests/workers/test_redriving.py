from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from schemas.causes import Cause
from schemas.origin import Origin
from tests.workers.letters import DEAD, EVENT_TIME, EVENTS, put
from workers.errors import ConfigurationError, LogUnavailableError, PositionLostError
from workers.log.contract import Membership, Outgoing, TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_lookup import MemoryLookup
from workers.log.memory_topic import StoredRecord
from workers.log.transactions import Transactions
from workers.range_reader import RangeReader
from workers.redrive_fates import MOST_NAMED, Fate, RedriveTally, Sorter, Target
from workers.redrive_positions import RedrivePositions, group_of, transactions_name
from workers.redriving import Redrive, RedrivePolicy, claim
from workers.settings.policies import RetryPolicy

GROUP = "fishweir-url"
RETRY = RetryPolicy(initial_ms=1, max_ms=1)
ALL = [cause.value for cause in Cause]
FIRST = TopicPartition(DEAD, 0)


class Clock:
    """Moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Cluster:
    """Topics in memory, and redrives on them."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.create_topic(EVENTS, 3)
        self.broker.create_topic(DEAD, 2)
        self.lookup = MemoryLookup(self.broker)
        self.clock = Clock()
        self.stopping = threading.Event()
        self._readers = itertools.count()

    def transactions(self) -> Transactions:
        transactions = MemoryLog(self.broker).transactions(transactions_name(GROUP))
        claim(transactions, policy=RedrivePolicy(), retry=RETRY, stop=self.stopping)
        return transactions

    @contextmanager
    def redrive(
        self,
        causes: Collection[str] = ALL,
        *,
        policy: RedrivePolicy | None = None,
        transactions: Transactions | None = None,
    ) -> Iterator[Redrive]:
        transactions = transactions or self.transactions()
        bounds = self.lookup.bounds(DEAD)
        positions = RedrivePositions.looked_up(
            self.lookup, DEAD, group_id=GROUP, causes=causes, bounds=bounds
        )
        reader = RangeReader(
            MemoryLog(self.broker, f"reader-{next(self._readers)}"),
            DEAD,
            positions.spans({place: bound.end for place, bound in bounds.items()}),
            places=frozenset(bounds),
            retry=RETRY,
            stopping=self.stopping,
        )
        sorter = Sorter(
            positions, Target(topic=EVENTS, partitions=3), all_causes=len(causes) == len(ALL)
        )
        yield Redrive(
            reader,
            sorter,
            positions,
            topic=EVENTS,
            transactions=transactions,
            lookup=self.lookup,
            dead_letter_topic=DEAD,
            policy=policy or RedrivePolicy(),
            retry=RETRY,
            stopping=self.stopping,
            clock=self.clock,
            pause=self.clock.pause,
        )
        reader.close()

    def run(self, causes: Collection[str] = ALL, *, batch: int = 500) -> RedriveTally:
        with self.redrive(causes, policy=RedrivePolicy(batch=batch)) as work:
            for _ in work.run():
                pass
            return work.tally

    def events(self) -> list[tuple[int, StoredRecord]]:
        partitions = self.broker.topic(EVENTS).partitions
        return [
            (number, record)
            for number, partition in enumerate(partitions)
            for record in partition.records
        ]

    def values(self) -> list[bytes]:
        return sorted(record.value or b"" for _, record in self.events())

    def position(self, cause: Cause) -> Mapping[TopicPartition, int]:
        return self.broker.committed(group_of(GROUP, cause))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_letters_go_back_to_their_partition_as_they_are(cluster: Cluster) -> None:
    trace = ("traceparent", b"00-1")
    put(cluster.broker, b"{", key=b"a", headers=[trace], at=Origin(EVENTS, 2, 5, EVENT_TIME))
    put(cluster.broker, None, Cause.TOMBSTONE, key=b"b", at=Origin(EVENTS, 0, 6, -1), partition=1)

    tally = cluster.run()

    assert tally.sent == {"not-json": 1, "tombstone": 1}
    (at_0, tombstone), (at_2, event) = cluster.events()
    assert (at_0, tombstone.key, tombstone.value) == (0, b"b", None)
    assert (at_2, event.key, event.value) == (2, b"a", b"{")
    letter = cluster.broker.topic(DEAD).partitions[0].records[0]
    assert list(event.headers) == list(letter.headers)
    assert event.headers[0] == trace


def test_a_cause_now_and_all_later_sends_none_twice_and_forgets_none(cluster: Cluster) -> None:
    for number in range(4):
        put(cluster.broker, b"j%d" % number, Cause.NOT_JSON, partition=number % 2)
        put(cluster.broker, b"e%d" % number, Cause.EMPTY, partition=number % 2)

    assert cluster.run([Cause.EMPTY]).sent == {"empty": 4}
    put(cluster.broker, b"e4", Cause.EMPTY)
    tally = cluster.run()

    assert tally.sent == {"not-json": 4, "empty": 1}
    assert tally.fates[Fate.EARLIER] == 4
    assert cluster.values() == [b"e0", b"e1", b"e2", b"e3", b"e4", b"j0", b"j1", b"j2", b"j3"]
    assert cluster.run().sent == {}
    assert cluster.position(Cause.EMPTY) == cluster.position(Cause.NOT_JSON)


def test_the_end_is_fixed_at_the_start(cluster: Cluster) -> None:
    for number in range(4):
        put(cluster.broker, b"%d" % number)

    with cluster.redrive(policy=RedrivePolicy(batch=2)) as work:
        for _ in work.run():
            # What a worker refuses again.
            put(cluster.broker, b"again")

    assert cluster.values() == [b"0", b"1", b"2", b"3"]
    assert cluster.position(Cause.NOT_JSON) == {FIRST: 4}
    assert cluster.run().sent == {"not-json": 2}


def test_positions_pass_over_gaps_and_foreign_records(cluster: Cluster) -> None:
    put(cluster.broker)
    cluster.broker.append(DEAD, b"no letter")
    cluster.broker.skip_offsets(FIRST, 3)

    tally = cluster.run()

    assert (tally.sent, tally.not_ours) == ({"not-json": 1}, 1)
    assert cluster.position(Cause.NOT_JSON) == {FIRST: 5}


def test_what_cannot_be_sent_is_refused_by_reason_and_passed_over(cluster: Cluster) -> None:
    broker = cluster.broker
    put(broker, b"v" * 5000, max_bytes=2000)
    put(broker, None, Cause.TOMBSTONE, key=None)
    put(broker, at=Origin("telemetry.other", 0, 1, -1))
    put(broker, at=Origin(EVENTS, 3, 1, -1))
    put(broker)
    put(broker)
    letters = broker.topic(DEAD).partitions[0].records
    whole = letters.pop()
    for offset, changed in (
        (5, [h for h in whole.headers if h[0] != "weir-origin-offset"]),
        (6, [(n, b"new-cause" if n == "weir-cause" else v) for n, v in whole.headers]),
    ):
        broker.append(DEAD, whole.value, key=whole.key, headers=changed)
        assert letters[-1].offset == offset + 1

    tally = cluster.run()

    refused = {
        Fate.TRUNCATED: [(FIRST, 0)],
        Fate.NOTHING_TO_SEND: [(FIRST, 1)],
        Fate.OTHER_TOPIC: [(FIRST, 2)],
        Fate.NO_PARTITION: [(FIRST, 3)],
        Fate.NO_ORIGIN: [(FIRST, 6)],
        Fate.UNKNOWN_CAUSE: [(FIRST, 7)],
    }
    assert tally.named == refused
    assert (tally.refused, tally.sent.total()) == (6, 1)
    assert cluster.run().fates == {}


def test_of_many_refused_letters_some_are_named_and_all_are_counted(cluster: Cluster) -> None:
    for _ in range(MOST_NAMED + 5):
        put(cluster.broker, at=Origin(EVENTS, 9, 1, -1))

    tally = cluster.run()

    assert tally.refused == MOST_NAMED + 5
    assert len(tally.named[Fate.NO_PARTITION]) == MOST_NAMED


def test_a_letter_that_the_topic_does_not_take_holds_up_no_other(cluster: Cluster) -> None:
    put(cluster.broker, b"a")
    put(cluster.broker, b"v" * 1_048_400)
    put(cluster.broker, b"b")

    tally = cluster.run()

    assert cluster.values() == [b"a", b"b"]
    assert tally.named == {Fate.UNSENDABLE: [(FIRST, 1)]}
    assert cluster.position(Cause.NOT_JSON) == {FIRST: 3}


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
def test_a_transaction_without_an_answer_is_neither_lost_nor_sent_twice(
    committed: bool, cluster: Cluster
) -> None:
    for number in range(6):
        put(cluster.broker, b"%d" % number)
    with cluster.redrive(policy=RedrivePolicy(batch=2)) as work:
        cluster.broker.lose_answers(committed)
        for _ in work.run():
            pass

    assert work.tally.sent == {"not-json": 6}
    assert cluster.values() == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_whoever_is_killed_between_transactions_goes_on_from_there(cluster: Cluster) -> None:
    for number in range(7):
        put(cluster.broker, b"%d" % number, partition=number % 2)
    with cluster.redrive(policy=RedrivePolicy(batch=2)) as work:
        turns = work.run()
        next(turns)
        next(turns)  # and no more

    assert len(cluster.values()) == 4
    assert cluster.run().sent == {"not-json": 3}
    assert cluster.values() == [b"%d" % number for number in range(7)]


def test_a_second_redrive_ends_the_first_and_sends_the_rest(cluster: Cluster) -> None:
    for number in range(6):
        put(cluster.broker, b"%d" % number)
    with cluster.redrive(policy=RedrivePolicy(batch=2)) as first:
        turns = first.run()
        next(turns)
        assert cluster.run().sent == {"not-json": 4}

        with pytest.raises(ConfigurationError, match="taken over"):
            next(turns)

    assert cluster.values() == [b"%d" % number for number in range(6)]


class Retaking:
    """Transactions that fail once; meanwhile another redrive comes, and goes."""

    def __init__(self, cluster: Cluster, meanwhile: Callable[[], object]) -> None:
        self._cluster = cluster
        self._meanwhile: Callable[[], object] | None = meanwhile
        self._real = cluster.transactions()

    def commit(
        self,
        outgoing: Sequence[Outgoing],
        positions: Mapping[Membership, Mapping[TopicPartition, int]],
        timeout: float,
    ) -> Sequence[Mapping[int, Exception]]:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
            # A client that has lost its connection comes back under the same name.
            self._real = self._cluster.transactions()
            raise LogUnavailableError("away")
        return self._real.commit(outgoing, positions, timeout)

    def max_record_bytes(self, topic: str) -> int:
        return self._real.max_record_bytes(topic)

    def close(self, timeout: float) -> None:
        self._real.close(timeout)


def test_one_that_was_away_while_another_ran_sends_nothing_twice(cluster: Cluster) -> None:
    for number in range(3):
        put(cluster.broker, b"%d" % number)

    def another() -> None:
        put(cluster.broker, b"3")
        cluster.run()

    with (
        cluster.redrive(transactions=Retaking(cluster, another)) as work,
        pytest.raises(ConfigurationError, match="another redrive"),
    ):
        list(work.run())

    assert cluster.values() == [b"0", b"1", b"2", b"3"]


def test_the_rate_holds_and_an_outage_is_not_made_up_for(cluster: Cluster) -> None:
    for number in range(50):
        put(cluster.broker, b"%d" % number)
    seen = []
    with cluster.redrive(policy=RedrivePolicy(rate=10.0, batch=500)) as work:
        for number, tally in enumerate(work.run()):
            seen.append((cluster.clock.now - 100.0, tally.sent.total()))
            if number == 1:
                cluster.clock.now += 60.0

    assert [sent for _, sent in seen] == [10, 20, 30, 40, 50]
    assert [at for at, _ in seen] == pytest.approx([0.0, 1.0, 61.0, 62.0, 63.0])


def test_a_slow_rate_sends_one_at_a_time(cluster: Cluster) -> None:
    for number in range(3):
        put(cluster.broker, b"%d" % number)
    with cluster.redrive(policy=RedrivePolicy(rate=0.5)) as work:
        assert len(list(work.run())) == 3

    assert cluster.clock.now == pytest.approx(104.0)


def test_a_batch_is_bounded_in_bytes(cluster: Cluster) -> None:
    for _ in range(4):
        put(cluster.broker, b"v" * 1000)
    with cluster.redrive(policy=RedrivePolicy(batch_bytes=2_600)) as work:
        sent = [tally.sent.total() for tally in work.run()]

    assert sent == [2, 4]


def test_told_to_stop_it_ends_after_the_batch_in_hand(cluster: Cluster) -> None:
    for number in range(6):
        put(cluster.broker, b"%d" % number)
    with cluster.redrive(policy=RedrivePolicy(batch=2)) as work:
        for _ in work.run():
            cluster.stopping.set()

    assert cluster.values() == [b"0", b"1"]
    assert cluster.position(Cause.NOT_JSON) == {FIRST: 2}
    cluster.stopping.clear()
    assert cluster.run().sent == {"not-json": 4}


def test_told_to_stop_while_the_log_is_away_it_does_not_wait(cluster: Cluster) -> None:
    put(cluster.broker)
    with cluster.redrive() as work:
        reads = cluster.lookup.committed

        def stop(groups: Collection[str], topic: str) -> Mapping[str, Mapping[TopicPartition, int]]:
            cluster.stopping.set()
            return reads(groups, topic)

        cluster.lookup.committed = stop  # type: ignore[method-assign]
        # The batch's; then, that of looking how it ended; then, when it is sent again.
        cluster.broker.lose_answers(False, True, False)
        with pytest.raises(LogUnavailableError):
            list(work.run())

    assert cluster.position(Cause.NOT_JSON) == {}


def test_a_topic_that_was_made_anew_is_no_reason_to_be_silent(cluster: Cluster) -> None:
    for _ in range(3):
        put(cluster.broker)
    cluster.run()
    cluster.broker.recreate_topic(DEAD)
    put(cluster.broker)

    with pytest.raises(PositionLostError, match=r"stands at offset 3 .* which ends at 1"):
        cluster.run()


def test_letters_that_retention_has_removed_are_no_obstacle(cluster: Cluster) -> None:
    for number in range(5):
        put(cluster.broker, b"%d" % number)
    cluster.broker.remove_before(FIRST, 3)

    assert cluster.run().sent == {"not-json": 2}
    assert cluster.values() == [b"3", b"4"]


def spans(reader: RangeReader) -> Iterable[list[int]]:
    return (records.offsets.tolist() for records in reader.turns())


def test_a_reader_that_is_expelled_gives_each_record_once(cluster: Cluster) -> None:
    for number in range(1200):
        put(cluster.broker, b"%d" % number)
    bounds = cluster.lookup.bounds(DEAD)
    reader = RangeReader(
        MemoryLog(cluster.broker, "reader"),
        DEAD,
        RedrivePositions(DEAD, group_id=GROUP, causes=ALL, bounds=bounds, committed={}).spans(
            {FIRST: 1100, TopicPartition(DEAD, 1): 0}
        ),
        places=frozenset(bounds),
        retry=RETRY,
        stopping=cluster.stopping,
    )
    seen = []
    for turn, offsets in enumerate(spans(reader)):
        seen += offsets
        if turn == 0:
            cluster.broker.expel("reader", bounds)
    reader.close()

    assert seen == list(range(1100))
