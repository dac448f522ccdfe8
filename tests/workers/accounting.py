"""Events and what came of them on the log in memory, true or false, and their account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import orjson

from schemas.identity import record_ids, verdict_ids
from schemas.origin import Origin, Origins
from tests.workers.running import DEAD, GROUP, INPUT, VERDICTS
from workers.account import Account
from workers.judge import Judge
from workers.log.contract import Headers, Records, TopicPartition
from workers.log.memory_broker import MemoryBroker
from workers.log.memory_lookup import MemoryLookup
from workers.log.spans import Unread
from workers.scope import EVERYTHING, Asked, fix
from workers.settings.policies import Label, Topics
from workers.verifying import verify

TOPICS = Topics(input_topic=INPUT, verdict_topic=VERDICTS, dead_letter_topic=DEAD)
MODEL, OTHER_MODEL = "a" * 64, "b" * 64
# In milliseconds: long after any clock's error.
NOON = 1_790_000_000_000


class MemorySpans:
    """`workers.log.spans.SpanReader` on a `MemoryBroker`.

    Args:
        broker: Whose topics.
        compacted: What it says of every topic.
    """

    def __init__(self, broker: MemoryBroker, *, compacted: bool = False) -> None:
        self._broker = broker
        self._compacted = compacted
        self.unread: list[Unread] = []
        self.asked: list[tuple[str, dict[int, tuple[int, int]]]] = []

    def compacted(self, topic: str) -> bool:
        return self._compacted

    def read(self, topic: str, spans: Mapping[int, tuple[int, int]]) -> Iterator[Records]:
        self.asked.append((topic, dict(spans)))
        for number, (begin, end) in spans.items():
            with self._broker.changed:
                partition = self._broker.topic(topic).partitions[number]
                first = min(max(begin, partition.begin), end)
                rows = [row for row in partition.records if first <= row.offset < end]
            if begin < first:
                self.unread.append(
                    Unread(topic=topic, partition=number, begin=begin, end=first, removed=True)
                )
            if rows:
                yield Records(
                    topic=topic,
                    partitions=np.full(len(rows), number, np.int32),
                    offsets=np.array([row.offset for row in rows], np.int64),
                    timestamps=np.array([row.timestamp for row in rows], np.int64),
                    keys=[row.key for row in rows],
                    values=[row.value for row in rows],
                    headers=[row.headers for row in rows],
                )


def verdict_of(origin: Origin, /, model: str = MODEL, **changed: object) -> bytes:
    """A verdict on a record, as far as the account looks at it."""
    (record,) = record_ids(
        Origins(
            topics=[origin.topic],
            partitions=np.array([origin.partition], np.int32),
            offsets=np.array([origin.offset], np.int64),
            timestamps=np.array([origin.timestamp], np.int64),
        )
    )
    detector = str(changed.get("detector", "url"))
    (own,) = verdict_ids([record], detector, model)
    verdict = {
        "version": 1,
        "id": own,
        "record_id": record,
        "detector": detector,
        "model": {"name": "url", "version": "1", "digest": model},
        "source": origin._asdict(),
    }
    return orjson.dumps(verdict | changed)


def letter_headers(origin: Origin) -> Headers:
    """Headers of a dead letter."""
    return [
        ("weir-origin-topic", origin.topic.encode()),
        ("weir-origin-partition", b"%d" % origin.partition),
        ("weir-origin-offset", b"%d" % origin.offset),
        ("weir-origin-timestamp", b"%d" % origin.timestamp),
    ]


class Ground:
    """The three topics, of two partitions each."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for name in (INPUT, VERDICTS, DEAD):
            self.broker.create_topic(name, 2)

    def event(
        self,
        partition: int = 0,
        *,
        value: bytes = b"",
        headers: Headers = (),
        timestamp: int = NOON,
    ) -> Origin:
        with self.broker.changed:
            offset = self.broker.topic(INPUT).partitions[partition].end
        self.broker.append(INPUT, value, headers=headers, partition=partition, timestamp=timestamp)
        return Origin(INPUT, partition, offset, timestamp)

    def events(self, count: int, partition: int = 0) -> list[Origin]:
        return [self.event(partition) for _ in range(count)]

    def judged(
        self, *origins: Origin, model: str = MODEL, at: int = NOON, **changed: object
    ) -> None:
        for origin in origins:
            value = verdict_of(origin, model=model, **changed)
            self.broker.append(VERDICTS, value, partition=1, timestamp=at)

    def refused(self, *origins: Origin, at: int = NOON) -> None:
        for origin in origins:
            self.broker.append(DEAD, b"", headers=letter_headers(origin), timestamp=at)

    def sent_back(self, origin: Origin, value: bytes = b"") -> Origin:
        return self.event(origin.partition, value=value, headers=letter_headers(origin))

    def commit(self, *positions: int) -> None:
        with self.broker.changed:
            for number, position in enumerate(positions):
                self.broker.groups[GROUP].committed[TopicPartition(INPUT, number)] = position

    def account(
        self,
        asked: Asked = EVERYTHING,
        *,
        publish_from: Label = "benign",
        judge: Callable[[], Judge] | None = None,
        spans: MemorySpans | None = None,
    ) -> Account:
        lookup = MemoryLookup(self.broker)
        return verify(
            spans or MemorySpans(self.broker),
            lookup,
            fix(lookup, TOPICS, asked, group=GROUP),
            detector="url",
            publish_from=publish_from,
            judge=judge,
        )


def places(origins: Sequence[Origin]) -> list[str]:
    """How findings name records."""
    return [f"{one.topic}[{one.partition}] offset {one.offset}" for one in origins]
