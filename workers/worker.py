"""One replica: loads its model, warms it, and works until told to stop."""

from __future__ import annotations

import threading

import structlog

from models.artefact import Artefact, load
from models.detectors import DETECTORS
from models.engines.choice import choose
from models.engines.contract import Engine
from models.errors import ArtefactError
from workers.judge import Judge
from workers.log.contract import Log
from workers.message_sizes import decoding_limits
from workers.pipeline import Pipeline
from workers.settings.policies import Settings
from workers.signals import stopping_on_signals

journal = structlog.get_logger(__name__)

STOPPED = 0
# Stopped in time's absence: part of what was polled will be read again.
STOPPED_SHORT = 1


def run(settings: Settings, log: Log | None = None) -> int:
    """Run a replica until SIGTERM or SIGINT.

    Args:
        settings: All that it is told.
        log: Where records come from and go to; None for the Kafka that the settings name.

    Returns:
        The process's exit code.

    Raises:
        WorkerError: a fault that does not pass.
        ModelError: the model cannot be used.
    """
    stopping = threading.Event()
    pipelines: list[Pipeline] = []

    def stop() -> None:
        stopping.set()
        for pipeline in pipelines:
            pipeline.stop()

    # From the first moment: whoever stops us while we load means no less.
    with stopping_on_signals(stop):
        pipeline = _pipeline(settings, log)
        pipelines.append(pipeline)
        if stopping.is_set():
            pipeline.stop()
        clean = pipeline.run()
    counts = pipeline.tally.counts()
    journal.info(
        "stopped",
        clean=clean,
        events=counts.events,
        verdicts=counts.verdicts,
        unpublished=counts.unpublished,
        dead_letters=counts.dead,
        labels=counts.labels,
        causes=counts.causes,
    )
    return STOPPED if clean else STOPPED_SHORT


def _pipeline(settings: Settings, log: Log | None) -> Pipeline:
    """All that a replica needs, the model warm; nothing is connected yet."""
    artefact, engine = load_engine(settings)
    engine.warm(settings.batch.max_batch)
    if log is None:
        # Only now: the Kafka client is not needed to find that a model is broken.
        from workers.log.kafka import KafkaLog  # noqa: PLC0415

        log = KafkaLog(settings.connection)
    description = engine.describe()
    journal.info(
        "model loaded and warm",
        detector=settings.detector,
        model=artefact.name,
        version=artefact.version,
        digest=artefact.digest,
        engine=description.engine,
        device=description.device,
        library=description.library,
        input_topic=settings.topics.input_topic,
    )
    exactly_once = settings.publish.delivery == "exactly-once"
    output = log.transactions() if exactly_once else log.sink()
    return Pipeline(log.source(), output, judge_of(settings, artefact, engine), settings)


def judge_of(settings: Settings, artefact: Artefact, engine: Engine) -> Judge:
    """A judge as the settings tell."""
    return Judge(artefact, engine, settings.evidence, decoding_limits(settings))


def load_engine(settings: Settings) -> tuple[Artefact, Engine]:
    """The model that the settings name, else the one of the package, on the engine they name.

    Raises:
        ModelError: either cannot be used.
    """
    artefact = load(settings.choice.model or DETECTORS[settings.detector].bundled)
    if artefact.detector.name != settings.detector:
        raise ArtefactError(
            f"model '{settings.choice.model}' is for detector '{artefact.detector.name}', not "
            f"'{settings.detector}'"
        )
    return artefact, artefact.engine(choose(settings.choice.engine))
