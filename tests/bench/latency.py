"""From produce to verdict, at a part of full load.

A second process sends events at an even rate. A verdict states when its event was produced
(``source.timestamp``); when the verdict was there, the node itself stamps on it, since its topic
keeps the time of appending. Both are clocks of this machine. The verdicts are read afterwards, so
that reading takes nothing from what is measured.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Final

import numpy as np
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

from tests.bench import processes
from tests.bench.contestants import Contestant, Job, quiet_environment
from tests.bench.ground import PARTITIONS, Ground, wait_for
from tests.bench.results import Sample

PART: Final = "latency from produce to verdict"
_START_S: Final = 240.0
_WARM_S: Final = 3.0
# Further behind, a worker is catching up, and what it judges has waited for it to start.
_BEHIND_S: Final = 0.1
_PRODUCED: Final = re.compile(rb'"source":\{.*?"timestamp":(\d+)')
# Of the whole, enough for a percentile of 99.9.
_MOST_READ: Final = 400_000
_QUIET_MS: Final = 1_000


def latency(
    ground: Ground, contestant: Contestant, rate: float, seconds: float, number: int = 0
) -> Sample:
    """Percentiles at a rate of events a second, over so many seconds."""
    given = ground.topic(contestant.detector)
    output = ground.topic("url", **{"message.timestamp.type": "LogAppendTime"})
    dead = ground.topic("url")
    job = Job(
        servers=ground.servers,
        input=given,
        output=output,
        dead=dead,
        group=f"bench-{uuid.uuid4().hex[:8]}",
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        processes.Running(Path(folder)) as running,
    ):
        for replica in range(contestant.replicas):
            running.start(f"worker-{replica}", contestant.command(job), quiet_environment())
        load = [
            *(sys.executable, "-m", "tests.bench.load", "--servers", ground.servers),
            *("--topic", given, "--detector", contestant.detector, "--rate", str(rate)),
        ]
        running.start("load", load, quiet_environment())

        def judged() -> int:
            running.check()
            return ground.end(output)

        wait_for(lambda: judged() > 0, _START_S, f"first verdicts of {contestant.name}")
        ground.wait_at_work(job.group, contestant.replicas, _START_S)
        # What has gathered before the worker was there is to be through.
        wait_for(
            lambda: ground.end(given) - judged() < rate * _BEHIND_S, _START_S, "the backlog's end"
        )
        time.sleep(_WARM_S)
        began, first = time.time(), judged()
        time.sleep(seconds)
        ended, last = time.time(), judged()
        behind = ground.end(given) - last
    waits = _waits(ground, output, began, ended)
    ground.drop(given, output, dead)
    return Sample(
        part=PART,
        subject=contestant.detector,
        contestant=f"{contestant.name}, at {rate:,.0f} events/s",
        round=number,
        values={
            "p99 ms": float(np.percentile(waits, 99)),
            "median ms": float(np.median(waits)),
            "p99.9 ms": float(np.percentile(waits, 99.9)),
            "greatest ms": float(waits.max()),
            "events/s": (last - first) / (ended - began),
            "events behind at the end": float(behind),
        },
    )


def _waits(ground: Ground, topic: str, began: float, ended: float) -> Any:
    """Milliseconds of the verdicts that were appended in a span of time: float64[n]."""
    consumer = KafkaConsumer(bootstrap_servers=ground.servers, fetch_max_bytes=64 * 1024 * 1024)
    places = [KafkaPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    starts = consumer.offsets_for_times(dict.fromkeys(places, int(began * 1000)))
    for place in places:
        found = starts.get(place)
        if found is None:
            consumer.seek_to_end(place)
        else:
            consumer.seek(place, found.offset)
    waits: list[int] = []
    until = int(ended * 1000)
    while len(waits) < _MOST_READ:
        polled = consumer.poll(timeout_ms=_QUIET_MS, max_records=10_000)
        if not polled:
            break
        for records in polled.values():
            for record in records:
                produced = _PRODUCED.search(record.value)
                if record.timestamp <= until and produced:
                    waits.append(record.timestamp - int(produced[1]))
    consumer.close()
    if not waits:
        raise RuntimeError("no verdict was appended in the span that is measured")
    return np.array(waits, np.float64)
