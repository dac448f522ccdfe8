"""Where the time of a worker goes: by thread, from topic to topic, and by step, alone."""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.contestants import Contestant, Job
from tests.bench.events import events
from tests.bench.ground import PARTITIONS, Ground, Input
from tests.bench.results import Sample
from tests.bench.topic_to_topic import contest
from workers.batching import Batch
from workers.composer import Composer
from workers.log.contract import Records, TopicPartition
from workers.metrics.meters import Meters
from workers.offsets import OffsetTracker
from workers.settings.resolve import Given, load
from workers.worker import judge_of, load_engine

BY_THREAD: Final = "profile by thread"
BY_STEP: Final = "profile by step"
CPU: Final = "CPU µs/event"
_BATCH: Final = 2048
_BATCH_OF_PAGES: Final = 64


def by_thread(
    ground: Ground, given: Input, contestant: Contestant, seconds: float
) -> Iterator[Sample]:
    """CPU time of each thread of a worker at full speed, an event."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "threads.json"

        def observed(job: Job) -> list[str]:
            python, _, _, *options = contestant.command(job)
            return [python, "-m", "tests.bench.observed_worker", str(file), *options]

        readings: list[dict[str, float]] = []

        def read() -> None:
            readings.append(json.loads(file.read_text()))

        sample = contest(ground, given, replace(contestant, command=observed), seconds, around=read)
    before, after = readings
    whole = sum(after.values()) - sum(before.values())
    for name in sorted(after, key=lambda name: before.get(name, 0.0) - after[name]):
        share = (after[name] - before.get(name, 0.0)) / whole
        if share > 0.001:
            yield Sample(
                part=BY_THREAD,
                subject=f"{given.detector}, {contestant.name}",
                contestant=name,
                round=0,
                values={CPU: share * sample.values["worker CPU µs/event"], "share": share},
            )


class _Stopwatch:
    """CPU time of steps, an event, batch after batch."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self.took: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        began = time.process_time()
        yield
        taken = 1e6 * (time.process_time() - began) / self._rows
        self.took.setdefault(step, []).append(taken)


def by_step(detector: str, engine: str, batches: int) -> Iterator[Sample]:
    """CPU time of each step on batches in memory, one after the other in one thread."""
    rows = _BATCH_OF_PAGES if detector == "html" else _BATCH
    timed = _Stopwatch(rows)
    settings = load(Given(options={"engine": engine}), detector=detector, environ={}).settings
    artefact, engine_of_it = load_engine(settings)
    meters = Meters(detector)
    judge = judge_of(settings, artefact, engine_of_it, meters)
    composer = Composer(topics=settings.topics, policy=settings.publish, meters=meters)
    tracker = OffsetTracker()
    topic = settings.topics.input_topic
    tracker.open(TopicPartition(topic, number) for number in range(PARTITIONS))
    given = events(detector)
    for number in range(batches):
        records = _records(topic, list(itertools.islice(given, rows)), number)
        with timed("gather"):
            records.sizes()
        with timed("track"):
            batch = Batch(records=records, epochs=tracker.track(records))
        with timed("decode"):
            decoded = list(judge.decode(batch))
        with timed("featurise"):
            prepared = [made for one in decoded for made in judge.featurise(batch, one)]
        with timed("score, explain, ids"):
            scored = [judge.score(one) for one in prepared]
        with timed("(of it the engine)"):
            for one in prepared:
                engine_of_it.logits(one.features)
        with timed("encode"):
            for judged in scored:
                composer.parcels(judged)
        with timed("settle"):
            tracker.settle(topic, records.partitions, records.offsets, batch.epochs)
    for name, values in timed.took.items():
        yield Sample(
            part=BY_STEP,
            subject=f"{detector}, {engine}",
            contestant=name,
            round=0,
            # The first batches compile and warm.
            values={CPU: statistics.median(values[batches // 4 :])},
        )


def _records(topic: str, values: list[bytes], number: int) -> Records:
    rows = len(values)
    return Records(
        topic=topic,
        partitions=np.arange(rows, dtype=np.int32) % PARTITIONS,
        offsets=np.arange(rows, dtype=np.int64) // PARTITIONS + number * rows,
        timestamps=np.full(rows, 1_764_000_000_000, np.int64),
        keys=[None] * rows,
        values=[*values],
        headers=[[]] * rows,
    )
