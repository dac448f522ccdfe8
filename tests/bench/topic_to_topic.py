"""From a topic of events to a topic of verdicts: how fast, at what CPU time, in how much memory.

The input topic is full before a worker starts, so that nothing but the worker bounds the rate. A
worker is measured from two seconds after its first verdicts, for so many seconds or until the
input is used up, by what has arrived on its verdict topic. All verdicts are published. CPU time is
that of the worker's processes and of the node's, in the same span.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench import processes
from tests.bench.contestants import Contestant, Job, quiet_environment
from tests.bench.ground import Ground, Input, wait_for
from tests.bench.results import Sample

PART: Final = "topic to topic"
RATE: Final = "events/s"
# TensorFlow and a cold cache of compiled loops take most of it.
_START_S: Final = 240.0
_WARM_S: Final = 2.0
_LOOK_S: Final = 0.1
_SILENCE_S: Final = 60.0


def contests(
    ground: Ground,
    inputs: dict[str, Input],
    contestants: Sequence[Contestant],
    *,
    seconds: float,
    rounds: int,
    failed: Callable[[str, RuntimeError], None],
) -> Iterator[Sample]:
    """Every contestant once, then all of them again, so that a slow hour meets all alike.

    ``failed`` is told of one that fails, which costs the others nothing.
    """
    for number in range(rounds):
        for contestant in contestants:
            try:
                yield contest(ground, inputs[contestant.detector], contestant, seconds, number)
            except RuntimeError as error:
                failed(contestant.name, error)


def contest(
    ground: Ground,
    given: Input,
    contestant: Contestant,
    seconds: float,
    number: int = 0,
    around: Callable[[], None] = lambda: None,
) -> Sample:
    """One run of one contestant.

    Args:
        ground: Where.
        given: What is judged.
        contestant: Who judges.
        seconds: Longest that is measured.
        number: Of the round.
        around: Called when measuring begins and when it ends.

    Raises:
        RuntimeError: a worker ended, or gave no verdicts.
    """
    output, dead = (ground.topic("url") for _ in range(2))
    job = Job(
        servers=ground.servers,
        input=given.topic,
        output=output,
        dead=dead,
        group=f"bench-{uuid.uuid4().hex[:8]}",
    )
    environment = {**quiet_environment(), **contestant.environment}
    with (
        tempfile.TemporaryDirectory() as folder,
        processes.Running(Path(folder)) as running,
    ):
        pids = [
            running.start(f"worker-{replica}", contestant.command(job), environment)
            for replica in range(contestant.replicas)
        ]

        def judged() -> int:
            running.check()
            return ground.end(output)

        wait_for(lambda: judged() > 0, _START_S, f"first verdicts of {contestant.name}")
        ground.wait_at_work(job.group, contestant.replicas, _START_S)
        time.sleep(_WARM_S)
        around()
        values = _measured(ground, judged, pids, given.events, seconds)
        around()
    ground.drop(output, dead)
    return Sample(
        part=PART,
        subject=given.detector,
        contestant=contestant.name,
        round=number,
        values=values,
        baseline=contestant.baseline,
    )


def _measured(
    ground: Ground, judged: Callable[[], int], pids: Sequence[int], events: int, seconds: float
) -> dict[str, float]:
    began, first = time.monotonic(), judged()
    worker, broker = processes.cpu_seconds(pids), processes.cpu_seconds([ground.broker_pid])
    ended, last = began, first
    # Those who publish a window at a time may have nothing to show for a while.
    while last < events and (ended - began < seconds or last == first):
        time.sleep(_LOOK_S)
        ended, last = time.monotonic(), judged()
        if last == first and ended - began > _SILENCE_S:
            raise RuntimeError(f"no verdicts in {_SILENCE_S:.0f} seconds, after {first}")
    done = last - first
    if not done:
        raise RuntimeError(f"the {events} events were used up before anything was measured")
    worker = processes.cpu_seconds(pids) - worker
    broker = processes.cpu_seconds([ground.broker_pid]) - broker
    return {
        RATE: done / (ended - began),
        "worker CPU µs/event": 1e6 * worker / done,
        "node CPU µs/event": 1e6 * broker / done,
        "peak MiB": sum(map(processes.peak_mb, pids)),
    }
