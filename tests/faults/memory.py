"""What one replica takes of memory while millions of events pass through it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.broker.node import RunningNode
from tests.workers.fleet import Fleet
from tests.workers.telemetry import distinct
from workers.errors import LogUnavailableError
from workers.log import topics
from workers.log.contract import Outgoing
from workers.log.kafka import KafkaLog

PORTION = 5_000
# So many events may wait in the topic: it shall not be the broker's disk that is tried.
MOST_WAITING = 100_000
SAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment.

    Attributes:
        events: Fed so far.
        megabytes: Of the replica that are in RAM.
        seconds: Since the first event.
    """

    events: int
    megabytes: float
    seconds: float


def watch_memory(folder: Path, events: int) -> list[Sample]:
    """Feed so many distinct events to one replica; return what it took on the way."""
    node = RunningNode("--port", "0", "--data-dir", str(folder / "node"))
    fleet = Fleet(node.bootstrap_servers, folder)
    worker = fleet.start()
    sink = KafkaLog(fleet.connection).sink()
    samples: list[Sample] = []
    try:
        began = time.monotonic()
        fed = 0
        while fed < events:
            values = distinct(PORTION, fed)
            delivery = sink.publish(
                Outgoing(topic=fleet.input, keys=[None] * PORTION, values=values)
            )
            assert delivery.wait(120)
            assert not delivery.failures()
            fed += PORTION
            if fed * SAMPLES // events > len(samples):
                while waiting(fleet) > MOST_WAITING:
                    assert worker.poll() is None
                samples.append(
                    Sample(
                        events=fed,
                        megabytes=round(resident(worker.pid) / 1e6, 1),
                        seconds=round(time.monotonic() - began, 1),
                    )
                )
    finally:
        sink.close(0.0)
        fleet.end()
        node.kill()
    return samples


def waiting(fleet: Fleet) -> int:
    """Events that the group has not committed yet."""
    try:
        (found,) = topics.describe(fleet.connection, [fleet.input])
    except LogUnavailableError:
        # A new broker has no coordinator for its first group.
        return MOST_WAITING + 1
    return sum(one.end - (one.committed or 0) for one in found.partitions)


def resident(pid: int) -> int:
    """Bytes of a process that are in RAM (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
