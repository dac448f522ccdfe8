"""The parts of the benchmark, each by its name; a part yields what it measures as it goes."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from models.detectors import DETECTORS
from tests.bench import contestants, cost, endurance, scaling, steps
from tests.bench.events import events
from tests.bench.gpu import NO_GPU
from tests.bench.gpu import PART as PART_ON_A_GPU
from tests.bench.ground import Ground, Input
from tests.bench.latency import latency
from tests.bench.model_stage import PREDICT, TF_FUNCTION
from tests.bench.peers import environment
from tests.bench.results import Sample
from tests.bench.starting import starts
from tests.bench.topic_to_topic import PART, RATE, contest, contests

# Events a second that no contestant is to pass, so that the input topic lasts; and for how long
# beside what is measured, from a worker's first verdicts on.
_FASTEST: Final = {"url": 90_000, "path": 90_000, "html": 6_000}
_BESIDE_S: Final = 8.0
# Pages are large: a topic of them for all the time would be some gigabytes.
_SHARE_OF_TIME: Final = {"url": 1.0, "path": 1.0, "html": 0.4}
_LOADS: Final = (0.5, 0.1)
_STEP_BATCHES: Final = {"url": 40, "path": 40, "html": 12}
_MODEL_STAGE: Final = "tests.bench.model_stage"
_GPU: Final = "tests.bench.gpu"
_SECONDS_ON_A_GPU: Final = 2.0
_REPLICAS_ON_A_GPU: Final = (1, 4)


@dataclass(slots=True, kw_only=True)
class Plan:
    """How much is done.

    Attributes:
        scale: Of all spans of time, and of the events.
        rounds: Times that everything is measured.
        price: Of a core for an hour.
        events: That a worker's memory is watched over; 0 for not at all.
        peers: Whether other libraries take part.
        done: What was measured so far, for parts that build on others.
        failed: Told who fails, and how.
        told: Told what there is to say beside figures.
    """

    scale: float
    rounds: int
    price: float
    events: int
    peers: bool
    done: list[Sample]
    failed: Callable[[str, RuntimeError], None]
    told: Callable[[str], None]

    @property
    def seconds(self) -> float:
        """Longest that one run is measured."""
        return max(1.0, 8 * self.scale)

    def seconds_of(self, detector: str) -> float:
        """As `seconds`, of one detector's events."""
        return max(1.0, self.seconds * _SHARE_OF_TIME[detector])

    def fill(self, ground: Ground, detector: str) -> Input:
        """An input topic that lasts as long as the fastest contestant needs."""
        count = int(_FASTEST[detector] * (self.seconds_of(detector) + _BESIDE_S))
        return ground.filled(detector, events(detector), count)


Alone = Callable[[Plan], Iterator[Sample]]
OnANode = Callable[[Plan, Ground], Iterator[Sample]]


def urls(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """URLs from topic to topic: peers, then ours by engine and client."""
    peers = contestants.peers(environment.interpreter()) if plan.peers else []
    own = contestants.fishweirs("url", contestants.clients())
    yield from _contests(plan, ground, "url", [*peers, *own])


def paths(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """Paths and registry keys from topic to topic, behind the faster client."""
    some = contestants.fishweirs("path", contestants.clients()[-1:])
    yield from _contests(plan, ground, "path", some)


def pages(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """HTML pages from topic to topic, behind the faster client."""
    some = contestants.fishweirs("html", contestants.clients()[-1:])
    yield from _contests(plan, ground, "html", some)


def replicas(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """More replicas behind either client, and what other machines would do."""
    given = plan.fill(ground, "url")
    for client in contestants.clients():
        alone = contestants.ours("url", client=client)
        several = [
            contestants.ours("url", client=client, replicas=count)
            for count in scaling.replicas_here()
        ]
        known = [sample for one in several for sample in _of(plan, one.name)]
        some = [one for one in several if not _of(plan, one.name)]
        new = contests(
            ground,
            {"url": given},
            some,
            seconds=plan.seconds,
            rounds=plan.rounds,
            failed=plan.failed,
        )
        found = []
        for sample in itertools.chain(known, new):
            if sample.contestant == alone.name:
                found.append(sample)
            yield replace(
                sample,
                part="replicas",
                subject=f"url, {client}",
                baseline=sample.contestant == alone.name,
            )
        for sample in scaling.modelled(found) if found else ():
            yield replace(sample, subject=f"url, {client}")
    ground.drop(given.topic)


def delays(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """Latency at half of full load and at a tenth, by client, of one replica a core."""
    replicas = max(contestants.several(), default=1)
    for client in contestants.clients():
        # A full batch of the default's age and one of 10 ms are the same at full load.
        known = _of(plan, contestants.ours("url", client=client, replicas=replicas).name)
        full = [sample.values[RATE] for sample in known]
        contestant = contestants.ours(
            "url", "--max-delay-ms", "10", client=client, replicas=replicas
        )
        if not full:
            given = plan.fill(ground, "url")
            full = [contest(ground, given, contestant, plan.seconds).values[RATE]]
            ground.drop(given.topic)
        for share in _LOADS:
            rate = share * sorted(full)[len(full) // 2]
            for number in range(plan.rounds):
                yield latency(ground, contestant, rate, plan.seconds, number)


def profile(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """Where the time goes."""
    for detector, batches in _STEP_BATCHES.items():
        engine = [*DETECTORS[detector].family.engines][-1]
        yield from steps.by_step(detector, engine, max(4, int(batches * plan.scale)))
    given = plan.fill(ground, "url")
    for client in contestants.clients():
        contestant = contestants.ours("url", client=client)
        yield from steps.by_thread(ground, given, contestant, max(4.0, plan.seconds))
    ground.drop(given.topic)


def memory(plan: Plan, ground: Ground) -> Iterator[Sample]:
    """Memory over as many events as were asked for."""
    if plan.events:
        fastest = contestants.ours("url", client=contestants.clients()[-1])
        yield from endurance.endurance(ground, fastest, plan.events)


def costs(plan: Plan) -> Iterator[Sample]:
    """What a million events cost, from what was measured from topic to topic."""
    yield from cost.costs([sample for sample in plan.done if sample.part == PART], plan.price)


def model_stage(plan: Plan) -> Iterator[Sample]:
    """From subjects to logits, without a log: engines, and calls of Keras, on the same weights."""
    for detector in DETECTORS:
        # In a process of its own, for the sake of memory, and of libraries that stay loaded.
        command = [
            *(sys.executable, "-m", _MODEL_STAGE, "--json", "--detector", detector),
            *("--rounds", str(plan.rounds), *([] if plan.peers else ["--no-peers"])),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            plan.failed(f"model stage of {detector}", RuntimeError(done.stderr[-2000:]))
            continue
        for name, figure in json.loads(done.stdout)[detector].items():
            is_ours = name not in {PREDICT, TF_FUNCTION}
            yield Sample(
                part="model stage",
                subject=detector,
                contestant=f"Fishweir, {name}" if is_ours else f"our network, {name}",
                round=0,
                values={
                    "subjects/s": figure["per_second"],
                    "CPU µs/subject": figure["cpu_microseconds"],
                    "largest difference": figure["difference"],
                },
                baseline=name == TF_FUNCTION,
            )


def start(plan: Plan) -> Iterator[Sample]:
    """From the command to the first answer, and to a worker that is ready."""
    yield from starts(plan.rounds)


def on_a_gpu(plan: Plan) -> Iterator[Sample]:
    """The model stage on a GPU, where there is one."""
    command = [
        *(sys.executable, "-W", "ignore", "-m", _GPU, "--json"),
        *("--seconds", str(_SECONDS_ON_A_GPU * plan.scale)),
        *(option for count in _REPLICAS_ON_A_GPU for option in ("--replicas", str(count))),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        yield Sample(**json.loads(line))
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    if not done.stdout:
        plan.told(f"{PART_ON_A_GPU}: {NO_GPU}")


ALONE: Final[Mapping[str, Alone]] = MappingProxyType(
    {"model": model_stage, "start": start, "gpu": on_a_gpu, "cost": costs}
)
"""Parts that have nothing to do with Kafka."""

ON_A_NODE: Final[Mapping[str, OnANode]] = MappingProxyType(
    {
        "urls": urls,
        "paths": paths,
        "pages": pages,
        "replicas": replicas,
        "latency": delays,
        "profile": profile,
        "memory": memory,
    }
)

PARTS: Final = ("model", "start", "gpu", *ON_A_NODE, "cost")
"""In the order in which they run."""


def _of(plan: Plan, contestant: str) -> list[Sample]:
    """What was measured of one contestant with URLs, from topic to topic."""
    return [
        sample
        for sample in plan.done
        if (sample.part, sample.subject, sample.contestant) == (PART, "url", contestant)
    ]


def _contests(
    plan: Plan, ground: Ground, detector: str, some: list[contestants.Contestant]
) -> Iterator[Sample]:
    given = plan.fill(ground, detector)
    yield from contests(
        ground,
        {detector: given},
        some,
        seconds=plan.seconds_of(detector),
        rounds=plan.rounds,
        failed=plan.failed,
    )
    ground.drop(given.topic)
