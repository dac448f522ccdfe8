"""kafka-python's consumer, with four faults of it mended and its positions told at once."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.consumer.fetcher import Fetcher
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.future import Future
from kafka.structs import MemberState

from workers.errors import UndecodableError


class Consumer(KafkaConsumer):  # type: ignore[misc]  # kafka has no types
    """`KafkaConsumer` for a group member that polls briefly and does other things in between."""

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        # The constructor leaves no choice of them; ours add methods and no state.
        self._coordinator.__class__ = _Coordinator
        self._fetcher.__class__ = _Fetcher
        self._fetcher.PartitionRecords = _Records

    def close(self, autocommit: bool = True, timeout_ms: float | None = None) -> None:
        """As the client's own, which leaves thread and sockets behind if the group cannot be left.

        Raises:
            KafkaError: it could not.
        """
        try:
            super().close(autocommit=autocommit, timeout_ms=timeout_ms)
        finally:
            self._client.close()

    def poll(self, *arguments: Any, **options: Any) -> Any:
        """As the client's own, which may forget a partition that was paused.

        What had come of it is put aside, and kafka-python 3.0.12 takes it up again only while
        it has no answer of another partition in hand; one that is used up counts, too, and stays.
        Until then it asks for no more of the partition.
        """
        fetcher = self._fetcher
        in_hand = fetcher._next_partition_records  # noqa: SLF001  # nothing public lets it go
        if in_hand is not None and not in_hand:
            fetcher._next_partition_records = None  # noqa: SLF001
        return super().poll(*arguments, **options)

    def consumed(self) -> dict[KafkaPartition, OffsetAndMetadata]:
        """Positions of the assigned partitions that have one, past gaps that were read.

        `KafkaConsumer.position` looks through all partitions for each; `commit` without
        arguments uses this.
        """
        consumed: dict[KafkaPartition, OffsetAndMetadata]
        consumed = self._subscription.all_consumed_offsets()
        return consumed

    def refuses(self, topic: str) -> bool:
        """Whether the cluster says that we may not read a topic.

        Then it names no leader either, nothing is fetched, and polls return nothing.
        """
        return topic in self._cluster.unauthorized_topics

    def knows(self, topic: str) -> bool:
        """Whether the cluster names partitions of a topic; polls return nothing where not."""
        return bool(self._cluster.partitions_for_topic(topic))

    def half_joined(self) -> bool:
        """Whether the group has been asked to take us in, and has not done so yet.

        It may have given us a name, under which it waits for us until our session ends; what we
        would leave by the client does not send before the join is over.
        """
        joining: bool = self._coordinator.half_joined()
        return joining

    def connected(self) -> bool:
        """Whether there is a connection to any broker.

        While all are away polls return nothing, and nothing else tells.
        """
        # A copy, for the network thread changes it.
        connections = list(self._manager._conns.values())  # noqa: SLF001  # nothing public tells
        return any(connection.connected for connection in connections)


class _Batches:
    """The batches of one answer, of which the last one that was taken is remembered."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self.last: Any = None

    def next_batch(self) -> Any:
        self.last = None  # of one whose header cannot be read nothing is known
        self.last = self._batches.next_batch()
        return self.last


class _Records(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka has no types
    """Says which batch cannot be decoded, and fails again when asked again.

    kafka-python 3.0.12 raises what the decoder raised, without a place, and then goes on as if
    the partition had nothing more.
    """

    def _unpack_records(self, tp: KafkaPartition, records: Any, *deserializers: Any) -> Any:
        batches = _Batches(records)
        try:
            yield from super()._unpack_records(tp, batches, *deserializers)
        except Exception as error:
            last = batches.last
            first = self.next_fetch_offset if last is None else last.base_offset
            raise UndecodableError(
                tp.topic,
                tp.partition,
                first,
                first if last is None else max(first, last.last_offset),
                str(error) or type(error).__name__,
            ) from error

    def take(self, n: int | None = None) -> list[Any]:
        try:
            taken: list[Any] = super().take(n)
        except UndecodableError:
            # To be fetched anew: what is left of this answer is of no use.
            self.drain()
            raise
        return taken


class _Fetcher(Fetcher):  # type: ignore[misc]  # kafka has no types
    """Sees an answer that comes while a poll is about to wait for it.

    kafka-python 3.0.12 looks for answers, asks for more, and forgets those of its questions that
    have been answered meanwhile. Then it has nothing to wait for, or waits for another broker: a
    poll sleeps for as long as it may, `retry.backoff.ms` at most, with records in hand.
    """

    def send_fetches(self) -> Any:
        sent = super().send_fetches()
        if self._completed_fetches:
            came = Future()
            came.success(None)
            # What has been answered is not waited for; the client drops it the next time.
            self._fetch_futures.append(came)
        return sent


class _Coordinator(ConsumerCoordinator):  # type: ignore[misc]  # kafka has no types
    """Takes up a join that ended between two polls, and loses partitions while it joins.

    kafka-python 3.0.12 sends another JoinGroup instead of the former. That makes the others join
    again, whose joins then end between their polls: a group of members that poll briefly hardly
    ever settles.

    And a member that the group lets go while it joins, having slept too long, joins once more and
    keeps what it held: the partitions have been others' meanwhile, and their records come twice.
    """

    _join_task: Future | None
    rejoining: bool

    def need_rejoin(self) -> bool:
        """Also while a join is under way, or has ended and was not taken up.

        It may be what made the join needful that the join has settled: then the client would
        never look at it, and send no heartbeats until the group lets it go.
        """
        needed: bool = self._join_task is not None or super().need_rejoin()
        return needed

    def half_joined(self) -> bool:
        """As `Consumer.half_joined`."""
        known = self.group_metadata()
        unknown = known.state is MemberState.UNJOINED or not known.member_id
        return self._join_task is not None and unknown

    def reset_generation(self, *arguments: Any, **options: Any) -> None:
        """As the client's own; whatever we held is lost (KIP-429), also in the midst of a join."""
        super().reset_generation(*arguments, **options)
        # The next attempt prepares anew, which tells the listener.
        self.rejoining = False

    async def join_group_async(self, timeout_ms: float | None = None) -> bool:
        ended = self._join_task
        if ended is not None and ended.is_done and self.state is MemberState.REBALANCING:
            # To the method that we override, a join that is about to end.
            ending = Future()
            self._join_task = ending
            self._manager.call_soon(ended.chain, ending)
        joined: bool = await super().join_group_async(timeout_ms)
        return joined
