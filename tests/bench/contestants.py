"""Who takes part: the command that starts each, and what it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from models.cores import usable_cores
from tests.bench.ground import PARTITIONS

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is told: where events are and where verdicts go.

    Attributes:
        servers: Of the node.
        input: Topic of the events.
        output: Topic of the verdicts.
        dead: Topic of dead letters, for workers that know such.
        group: A new consumer group.
    """

    servers: str
    input: str
    output: str
    dead: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A way to judge a topic.

    Attributes:
        name: For people.
        detector: Whose events it judges.
        command: The command line of one replica.
        environment: Variables that it is started with.
        replicas: Processes that share the topic.
        baseline: Whether others are held against it.
    """

    name: str
    detector: str
    command: Callable[[Job], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1
    baseline: bool = False


def ours(
    detector: str,
    *options: str,
    client: str = "kafka-python",
    engine: str = "tables-int8",
    replicas: int = 1,
    evidence: bool = True,
) -> Contestant:
    """A Fishweir worker.

    Args:
        detector: What it judges.
        options: Further options of `weir work`.
        client: Of Kafka.
        engine: Of the model.
        replicas: How many; of several each computes in one thread.
        evidence: Whether verdicts say why, from the label on from which they do by default.
    """
    if replicas > 1:
        options = (*options, "--engine-threads", "1")
    if not evidence:
        options = (*options, "--evidence-from", "never")

    def command(job: Job) -> list[str]:
        return [
            *(sys.executable, "-m", "workers.cli", "work", detector),
            *("--bootstrap-servers", job.servers, "--input-topic", job.input),
            *("--verdict-topic", job.output, "--dead-letter-topic", job.dead),
            *("--group-id", job.group, "--client", client, "--engine", engine),
            *("--log-format", "json", *options),
        ]

    name = f"Fishweir, {engine}, {client}{_times(replicas)}"
    return Contestant(
        name=name if evidence else f"{name}, no evidence",
        detector=detector,
        command=command,
        replicas=replicas,
    )


def peers(interpreter: Path) -> list[Contestant]:
    """Workers of URLs by other means.

    Args:
        interpreter: Python of the peers' environment.
    """
    environment = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}

    def peer(name: str, module: str, *options: str, baseline: bool = False) -> Contestant:
        return Contestant(
            name=name,
            detector="url",
            command=lambda job: [
                *(str(interpreter), "-m", f"tests.bench.peers.{module}"),
                *("--servers", job.servers, "--input", job.input),
                *("--output", job.output, "--group", job.group, *options),
            ],
            environment=environment,
            baseline=baseline,
        )

    quix = peer("Quix Streams, plain network", "quix_worker", "--network", "plain", baseline=True)
    return [
        quix,
        *(
            replace(quix, name=quix.name + _times(count), replicas=count, baseline=False)
            for count in several()
        ),
        peer("Quix Streams, our network in Keras", "quix_worker", "--network", "same"),
        peer("loop, model.predict, plain network", "loop_worker", "--call", "predict"),
        peer("loop, tf.function, plain network", "loop_worker", "--call", "function"),
    ]


def fishweirs(detector: str, of_clients: Sequence[str]) -> list[Contestant]:
    """Ours: on Keras, then on the engines for CPUs, each behind these clients.

    On the fastest engine also one replica a core; and without evidence, which peers do not give.
    """
    from models.detectors import DETECTORS  # noqa: PLC0415 - imports the whole room

    engines = [name for name in DETECTORS[detector].family.engines if name != "keras"]
    return [
        ours(detector, engine="keras", client=of_clients[-1]),
        *(
            ours(detector, engine=engine, client=client)
            for engine in engines
            for client in of_clients
        ),
        *(
            ours(detector, engine=engines[-1], client=client, replicas=count, evidence=evidence)
            for count in several()
            for client in of_clients
            for evidence in (True, False)
        ),
    ]


def several() -> list[int]:
    """One replica a core, if that is more than one, and no more than have partitions."""
    count = min(usable_cores(), PARTITIONS)
    return [count] if count > 1 else []


def clients() -> list[str]:
    """The Kafka clients that are installed, the faster one last."""
    return ["kafka-python", *(["confluent"] if find_spec("confluent_kafka") else [])]


def quiet_environment() -> dict[str, str]:
    """What every contestant's environment has beside the caller's own."""
    return {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join([str(ROOT)])}


def _times(replicas: int) -> str:
    return f", {replicas} replicas" if replicas > 1 else ""
