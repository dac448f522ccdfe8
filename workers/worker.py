"""One replica: loads its model, warms it, and works until told to stop."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

import structlog

from models.artefact import Artefact
from models.engines.contract import Engine, EngineOptions
from schemas.verdict import Replay
from workers import heap
from workers.health import Health
from workers.judge import Judge
from workers.log.contract import Log, Sink
from workers.log.transactions import Transactions
from workers.message_sizes import decoding_limits
from workers.metrics.gpu import gpu_memory
from workers.metrics.meters import Meters
from workers.model_source import load_model
from workers.pipeline import Pipeline
from workers.service.staffing import staffed
from workers.service.watch import Watch
from workers.settings.policies import Settings
from workers.signals import looking_on_hangup, stopping_on_signals

journal = structlog.get_logger(__name__)

STOPPED = 0
# Stopped in time's absence: part of what was polled will be read again.
STOPPED_SHORT = 1
# For a model that is being loaded when the worker ends.
LEAVE_SECONDS = 0.5


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
    meters, health = Meters(settings.detector), Health.of(settings)
    stopping = threading.Event()
    pipelines: list[Pipeline] = []
    watches: list[Watch] = []

    def stop() -> None:
        stopping.set()
        for pipeline in pipelines:
            pipeline.stop()

    def look() -> None:
        for watch in watches:
            watch.look()

    # From the first moment: whoever stops us while we load means no less.
    with stopping_on_signals(stop), looking_on_hangup(look), served(settings, meters, health):
        pipeline, watch = _pipeline(settings, log, meters, health)
        pipelines.append(pipeline)
        watches.append(watch)
        if stopping.is_set():
            pipeline.stop()
        watch.start()
        try:
            with heap.settled():
                clean = pipeline.run()
        finally:
            watch.close(LEAVE_SECONDS)
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


def served(settings: Settings, meters: Meters, health: Health) -> AbstractContextManager[object]:
    """Metrics and health over HTTP, if they are wanted."""
    if settings.http.http is None:
        return nullcontext()
    from workers.http_server import HealthServer  # noqa: PLC0415
    from workers.metrics.exposition import registry_of  # noqa: PLC0415

    return HealthServer(
        settings.http.http,
        health,
        registry_of(meters.series, settings.detector),
        report_period_s=settings.retry.report_period_ms / 1000,
    )


def _pipeline(
    settings: Settings, log: Log | None, meters: Meters, health: Health
) -> tuple[Pipeline, Watch]:
    """All that a replica needs, the model warm; nothing is connected yet."""
    with heap.loading():
        judge = warmed(settings, meters, health)
    if log is None:
        # Only now: the Kafka client is not needed to find that a model is broken.
        from workers.log.opening import open_log  # noqa: PLC0415

        log = open_log(settings.connection)
    bench, watch = staffed(settings, judge, log.sink, fresh, meters)
    pipeline = Pipeline(
        log.source(), output_of(settings, log), bench, settings, meters=meters, health=health
    )
    return pipeline, watch


def fresh(settings: Settings, meters: Meters) -> Judge:
    """A judge that is ready for the first batch, for a worker that is at work already.

    Raises:
        ModelError: the model that the settings name cannot be used.
    """
    artefact, engine = load_engine(settings)
    engine.warm(settings.batch.max_batch)
    judge = judge_of(settings, artefact, engine, meters)
    judge.rehearse()
    return judge


def warmed(
    settings: Settings, meters: Meters, health: Health, replay: Replay | None = None
) -> Judge:
    """The judge that the settings name, ready for the first batch; the journal says which it is.

    Raises:
        ModelError: the model cannot be used.
    """
    artefact, engine = load_engine(settings)
    health.golden()
    engine.warm(settings.batch.max_batch)
    judge = judge_of(settings, artefact, engine, meters, replay)
    judge.rehearse()
    health.warm()
    description = engine.describe()
    meters.model(artefact.name, str(artefact.version), artefact.digest, description)
    if (memory := gpu_memory(description)) is not None:
        meters.gpu(memory)
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
    return judge


def output_of(settings: Settings, log: Log) -> Sink | Transactions:
    """Where a pipeline with these settings delivers to."""
    return log.transactions() if settings.publish.delivery == "exactly-once" else log.sink()


def judge_of(
    settings: Settings,
    artefact: Artefact,
    engine: Engine,
    meters: Meters | None = None,
    replay: Replay | None = None,
) -> Judge:
    """A judge as the settings tell."""
    return Judge(
        artefact,
        engine,
        settings.evidence,
        decoding_limits(settings),
        settings.retry,
        meters,
        replay,
    )


def engine_options(settings: Settings) -> EngineOptions:
    """How engines are to compute, as the settings tell."""
    choice = settings.choice
    return EngineOptions(
        threads=choice.threads, memory_mb=choice.gpu_memory_mb, precision=choice.gpu_precision
    )


def load_engine(settings: Settings) -> tuple[Artefact, Engine]:
    """The model that the settings name (`load_model`), on the engine they name.

    Raises:
        ModelError: either cannot be used.
    """
    artefact = load_model(settings)
    return artefact, artefact.engine(settings.choice.engine, engine_options(settings))
