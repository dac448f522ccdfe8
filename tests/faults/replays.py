"""A run of a replay as processes on a real broker, beside a group that is live."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from tests.faults.trial import BAD_EVERY
from tests.workers.fleet import LONG, PARTITIONS, Fleet, Reader
from tests.workers.telemetry import BAD, distinct
from workers.account import Account
from workers.errors import LogUnavailableError
from workers.log import topics
from workers.log.bookmarks import Bookmark
from workers.log.contract import Outgoing, Records, TopicPartition
from workers.log.kafka import KafkaLog
from workers.log.kafka_bookmarks import KafkaBookmarks
from workers.range_reader import Span
from workers.replay.plan import group_of
from workers.scope import Asked
from workers.settings.policies import Topics
from workers.verifying import verify_kafka

_PORTION = 2_000


class ReplayTrial:
    """Replicas of one run over the middle of a topic.

    Args:
        servers: The broker.
        folder: For journals.
        events: In the range; a quarter of that stands before it, and as much after it.
    """

    def __init__(self, servers: str, folder: Path, events: int) -> None:
        self.fleet = Fleet(servers, folder)
        self.run = f"run-{self.fleet.suffix}"
        self.verdicts = f"again-{self.fleet.suffix}"
        self.dead = f"{self.verdicts}.dead"
        topics.create(self.fleet.connection, {self.verdicts: PARTITIONS, self.dead: PARTITIONS}, {})
        self.bookmarks = KafkaBookmarks(self.fleet.connection)
        # So that whoever is to kill one midway can be late.
        self._rate = max(1, events // 16)
        # As long as a slow machine needs for so many.
        self.patience = LONG + events / 100
        self._processes: list[subprocess.Popen[bytes]] = []
        # Never set: what the group commits is no event to wait for.
        self._moment = threading.Event()
        each, margin = events // PARTITIONS, events // PARTITIONS // 4
        self.spans = {number: Span(margin, margin + each) for number in range(PARTITIONS)}
        self._feed(each + 2 * margin)
        # The live group has gone so far.
        self.live = {
            TopicPartition(self.fleet.input, number): Bookmark(margin + 7, "live")
            for number in range(PARTITIONS)
        }
        self.bookmarks.lay(self.fleet.connection.group_id, self.live)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start a replica, always by the same command."""
        starts = ",".join(f"{number}:{span.begin}" for number, span in self.spans.items())
        stops = ",".join(f"{number}:{span.end}" for number, span in self.spans.items())
        path = self.fleet.folder / f"replica-{len(self._processes)}"
        with path.with_suffix(".log").open("wb") as log, path.with_suffix(".out").open("wb") as out:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "workers.cli", "replay", "url", "--run", self.run),
                    *("--bootstrap-servers", self.fleet.bootstrap_servers),
                    *("--input-topic", self.fleet.input, "--verdict-topic", self.verdicts),
                    *("--from-offsets", starts, "--to-offsets", stops),
                    *("--rate", str(self._rate)),
                    *("--session-timeout-ms", "6000", "--kafka", "heartbeat.interval.ms=500"),
                    *("--max-batch", "256", "--log-format", "json", "--json"),
                    *more,
                ],
                stderr=log,
                stdout=out,
            )
        self._processes.append(process)
        return process

    @property
    def good(self) -> int:
        """Events of the range that can be judged."""
        return sum(
            offset % BAD_EVERY != 0
            for span in self.spans.values()
            for offset in range(span.begin, span.end)
        )

    def done(self) -> int:
        """Offsets of the range that are dealt with."""
        try:
            found = self.bookmarks.read(group_of(self.run))
        except LogUnavailableError:
            return 0
        return sum(
            max(0, min(mark.offset, span.end) - span.begin)
            for place, mark in found.items()
            if (span := self.spans.get(place.partition)) is not None
        )

    def kill_at(self, events: int, process: subprocess.Popen[bytes]) -> None:
        """Kill a replica once so much is dealt with, and more is published and not committed."""
        deadline = time.monotonic() + self.patience
        while self.done() < events or self._published(self.verdicts, self.dead) <= self.done():
            assert process.poll() is None, self.journals()
            assert time.monotonic() < deadline, self.journals()
            self._moment.wait(0.05)
        process.kill()
        process.wait(LONG)

    def summary(self, number: int) -> dict[str, Any]:
        """What a replica said in the end."""
        path = self.fleet.folder / f"replica-{number}.out"
        document: dict[str, Any] = orjson.loads(path.read_bytes())
        return document

    def account(self) -> Account:
        """Every event of the range, held against what the replay published."""
        names = Topics(
            input_topic=self.fleet.input,
            verdict_topic=self.verdicts,
            dead_letter_topic=self.dead,
        )
        asked = Asked(
            to="end",
            from_offsets={number: span.begin for number, span in self.spans.items()},
            to_offsets={number: span.end for number, span in self.spans.items()},
        )
        return verify_kafka(self.fleet.connection, names, detector="url", asked=asked)

    def ids(self, verdicts: int) -> tuple[Counter[str], set[str]]:
        """Ids of all the verdicts that were published, and the runs that they say they are of."""
        ids: Counter[str] = Counter()
        runs: set[str] = set()

        def take(records: Records) -> None:
            for value in records.values:
                verdict = orjson.loads(value or b"")
                ids[verdict["id"]] += 1
                runs.add(verdict["replay"]["run"])

        with Reader(self.fleet.bootstrap_servers, self.verdicts) as reader:
            reader.until(lambda: ids.total() >= verdicts, take)
        return ids, runs

    def live_now(self) -> Mapping[TopicPartition, Bookmark]:
        """What the live group has committed."""
        return self.bookmarks.read(self.fleet.connection.group_id)

    def published_live(self) -> int:
        """Records on the live topics of verdicts and dead letters."""
        return self._published(self.fleet.verdicts, self.fleet.dead)

    def journals(self) -> str:
        """The ends of all replicas' journals."""
        paths = sorted(self.fleet.folder.glob("replica-*.log"))
        return "\n".join(path.read_text()[-2_000:] for path in paths)

    def close(self) -> None:
        """End everything at once."""
        for process in self._processes:
            process.kill()
            process.wait(LONG)
        self.fleet.end()

    def _published(self, *names: str) -> int:
        described = topics.describe(self.fleet.connection, names)
        return sum(partition.end for topic in described for partition in topic.partitions)

    def _feed(self, each: int) -> None:
        sink = KafkaLog(self.fleet.connection).sink()
        for number in range(PARTITIONS):
            for start in range(0, each, _PORTION):
                self._feed_portion(sink.publish, number, start, min(each, start + _PORTION))
        sink.close(LONG)

    def _feed_portion(self, publish: Any, number: int, start: int, stop: int) -> None:
        values: list[bytes | None] = [*distinct(stop - start, number * 10_000_000 + start)]
        values[::BAD_EVERY] = [BAD[0]] * len(values[::BAD_EVERY])
        keys: Sequence[bytes | None] = [b"%d" % offset for offset in range(start, stop)]
        rows = Outgoing(
            topic=self.fleet.input,
            keys=keys,
            values=values,
            partitions=[number] * len(values),
        )
        delivery = publish(rows)
        assert delivery.wait(LONG)
        assert not delivery.failures()
