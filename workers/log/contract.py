"""What a worker needs of a log: poll records, publish records, commit positions.

Three implementations pass one suite (`tests/contracts`): Kafka behind kafka-python
(`workers.log.kafka`) or confluent-kafka (`workers.log.confluent`), and in-process
(`workers.log.memory`). Records travel as columns, never as one object each.

Threads: the thread that calls `Source.subscribe` owns the source and makes every later call to
it. A `Sink` may be used from any thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.log.delivery import Delivery

if TYPE_CHECKING:
    from workers.log.transactions import Transactions

Headers = Sequence[tuple[str, bytes | None]]


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """n records of one topic, as parallel columns.

    Within a partition the rows stand in order of offset. Offsets may have gaps (compaction,
    transaction markers).

    Attributes:
        topic: The topic that all rows come from.
        partitions: int32[n].
        offsets: int64[n].
        timestamps: int64[n], milliseconds since the epoch; -1 where the log has none.
        keys: n keys as they are on the topic.
        values: n values as they are on the topic; None is a tombstone.
        headers: n header lists, often empty.
    """

    topic: str
    partitions: NDArray[np.int32]
    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    keys: list[bytes | None]
    values: list[bytes | None]
    headers: list[Headers]

    def __len__(self) -> int:
        return len(self.values)

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each row's key, value and headers: int64[n]."""
        sizes = np.fromiter(map(_bytes, self.keys), np.int64, len(self))
        sizes += np.fromiter(map(_bytes, self.values), np.int64, len(self))
        for row, headers in enumerate(self.headers):
            if headers:
                sizes[row] += sum(len(name) + _bytes(value) for name, value in headers)
        return sizes

    def rows(self, start: int, stop: int) -> Records:
        """The rows from ``start`` to ``stop`` (exclusive)."""
        some = slice(start, stop)
        return Records(
            topic=self.topic,
            partitions=self.partitions[some],
            offsets=self.offsets[some],
            timestamps=self.timestamps[some],
            keys=self.keys[some],
            values=self.values[some],
            headers=self.headers[some],
        )


def _bytes(part: bytes | None) -> int:
    return 0 if part is None else len(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """n records to publish to one topic, as parallel columns.

    ``headers`` is None when no row has any. Where ``partitions`` is None the partition follows the
    key (Kafka's default partitioner); rows without a key are spread.
    """

    topic: str
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] | None = None
    partitions: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Who commits positions, as the group knows it (KIP-447).

    Attributes:
        group_id: The group.
        generation: Of the group, when its partitions were last shared out; -1 for who commits
            without being a member.
        member_id: Empty for who is no member.
        instance_id: Of a static member.
    """

    group_id: str
    generation: int = -1
    member_id: str = ""
    instance_id: str | None = None


class AssignmentListener(Protocol):
    """Told of partitions that come and go, from inside `Source.poll` and `Source.close`.

    The owner of the source waits there meanwhile, so nothing of the owner's runs beside it; the
    call itself may come on another thread.
    """

    def on_assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are ours from now on; reading starts at their committed positions."""
        ...

    def on_revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are about to leave us: the last moment to commit for them.

        `Source.positions` may not have them any more.

        Must return well within the group's rebalance timeout (``max.poll.interval.ms``). May
        call `Source.commit`.
        """
        ...

    def on_lost(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions have gone to somebody else already: nothing can be committed."""
        ...


class Source(Protocol):
    """A member of a consumer group, reading one topic."""

    def subscribe(self, topic: str, listener: AssignmentListener) -> None:
        """Join the group; assignments arrive during `poll`.

        Raises:
            TopicMissingError: the topic does not exist.
            LogUnavailableError: the log cannot be reached just now; calling again is right.
            AuthorisationError: the credentials are wrong, or do not allow it.
            ConfigurationError: an option of the client cannot be used.
        """
        ...

    def poll(self, max_records: int, timeout: float) -> Records:
        """Up to ``max_records`` records, waiting up to ``timeout`` seconds for the first.

        Must be called at least every ``max.poll.interval.ms``, also while all is paused.

        Raises:
            LogUnavailableError: nothing could be fetched for longer than the client's own
                retries cover; calling again is right.
            PositionLostError: with ``auto.offset.reset=none``, a position no longer exists.
            UndecodableError: a batch of one partition cannot be decoded; nothing of it was
                given. Polling again fails again, until the partition is held or the batch
                skipped.
            AuthorisationError: the credentials do not allow it.
        """
        ...

    def positions(self) -> Mapping[TopicPartition, int]:
        """For each assigned partition, the offset of the next record that `poll` would give.

        Past gaps at the end of what was read (transaction markers, compaction), so that a commit
        of it lets the lag reach zero.
        """
        ...

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Commit, blocking, the offset to go on from for each partition.

        Raises:
            AssignmentLostError: a partition is no longer ours; nothing was committed for it.
            LogUnavailableError: not committed; the next commit covers it.
        """
        ...

    def pause(self) -> None:
        """Let `poll` return nothing, whatever is assigned now or later, until `resume`."""
        ...

    def resume(self) -> None:
        """Undo `pause`."""
        ...

    def hold(self, partitions: Collection[TopicPartition]) -> None:
        """Let `poll` return nothing of these partitions from now on, and of the others again.

        The whole set is told each time. It does not end with an assignment, and holds beside
        `pause`.
        """
        ...

    def skip(self, place: TopicPartition, offset: int) -> None:
        """Read on from ``offset`` in an assigned partition; what stands before is passed over."""
        ...

    def membership(self) -> Membership:
        """What we are to the group just now; from any thread.

        Taken before it is looked up whether a partition is still ours, it fences a transaction:
        once the partition is another's, the group is in a later generation.

        Raises:
            AssignmentLostError: we are no member just now.
        """
        ...

    def reachable(self) -> bool:
        """Whether the log is there just now, as far as is known; asks nobody.

        A broker that falls silent counts as there until the client gives its requests up.
        """
        ...

    def lag(self) -> Mapping[TopicPartition, int]:
        """For each assigned partition, records between our position and the log's end."""
        ...

    def close(self) -> None:
        """Leave the group (after `AssignmentListener.on_revoked` for what is assigned)."""
        ...


class Sink(Protocol):
    """Publishes records; thread-safe."""

    def publish(self, outgoing: Outgoing) -> Delivery:
        """Send the rows; blocks only while the client's send buffer is full.

        A row that can never be sent (too large, topic missing, neither key nor value) fails in
        the `Delivery`, alone. Retriable faults are retried inside until the client's delivery
        timeout. Headers without a value may arrive with an empty one, as Kafka's client cannot
        send them.
        """
        ...

    def max_record_bytes(self, topic: str) -> int:
        """Size of the largest record that the topic and the client take, with its batch header.

        Raises:
            TopicMissingError: the topic does not exist.
            LogUnavailableError: the log cannot be asked just now.
        """
        ...

    def confirm(self, topic: str) -> None:
        """Ask the log anew whether a topic is there, where deliveries stay away.

        Raises:
            TopicMissingError: it is not, and has not been for a while.
            LogUnavailableError: the log cannot be asked just now.
        """
        ...

    def flush(self, timeout: float) -> bool:
        """Block up to ``timeout`` seconds until all that was published is resolved."""
        ...

    def close(self, timeout: float) -> None:
        """Flush, then let go of connections and threads."""
        ...


class Log(Protocol):
    """Makes the ends of one log."""

    def source(self) -> Source:
        """A new member of the group that the settings name."""
        ...

    def sink(self) -> Sink:
        """A new publisher."""
        ...

    def transactions(self, name: str | None = None) -> Transactions:
        """A new publisher of transactions.

        It ends what an earlier one of this name left open, and the earlier one is of no more use
        (`ConfigurationError`). None is a name that nobody else has.
        """
        ...
