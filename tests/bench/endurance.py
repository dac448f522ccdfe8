"""Memory of a worker over many events."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.bench import processes
from tests.bench.contestants import Contestant, Job, quiet_environment
from tests.bench.ground import Ground, wait_for
from tests.bench.results import Sample

PART: Final = "memory over many events"
_START_S: Final = 240.0
_LOOK_S: Final = 0.5
_SILENCE_S: Final = 120.0
_POINTS: Final = 20
# Both topics forget what is old, so that the disk holds any number of events.
_FORGETFUL: Final = {"retention.bytes": str(256 << 20), "segment.bytes": str(32 << 20)}
# The load is not to run away from the worker further than the topic remembers: a partition of
# 256 MiB has some two million events.
_MOST_AHEAD: Final = 1_000_000


def endurance(ground: Ground, contestant: Contestant, events: int) -> Iterator[Sample]:
    """Resident memory each time a twentieth of the events is judged.

    Raises:
        RuntimeError: the worker ended, or gave no verdicts for two minutes.
    """
    given = ground.topic(contestant.detector, **_FORGETFUL)
    output, dead = (ground.topic("url", **_FORGETFUL) for _ in range(2))
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
        worker = running.start("worker", contestant.command(job), quiet_environment())
        load = running.start(
            "load",
            [
                *(sys.executable, "-m", "tests.bench.load", "--servers", ground.servers),
                *("--topic", given, "--detector", contestant.detector),
            ],
            quiet_environment(),
        )
        wait_for(lambda: ground.end(output) > 0, _START_S, "first verdicts")
        judged, moved = ground.end(output), time.monotonic()
        for point in range(1, _POINTS + 1):
            while judged < events * point // _POINTS:
                time.sleep(_LOOK_S)
                running.check()
                now = ground.end(output)
                if now > judged:
                    judged, moved = now, time.monotonic()
                elif time.monotonic() - moved > _SILENCE_S:
                    raise RuntimeError(f"no verdicts for two minutes, after {judged}")
                processes.hold(load, ground.end(given) - judged > _MOST_AHEAD)
            yield Sample(
                part=PART,
                subject=contestant.detector,
                contestant=f"{contestant.name}, after {judged:,} events",
                round=0,
                values={"resident MiB": processes.resident_mb(worker), "events": float(judged)},
            )
        processes.hold(load, held=False)
    ground.drop(given, output, dead)
