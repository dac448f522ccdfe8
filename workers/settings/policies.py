"""What a worker is told to do, as frozen values: one class a matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from workers.log.connection import Connection

Label = Literal["benign", "suspicious", "malicious"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """When a batch closes: full, or old enough, whichever comes first.

    What a replica holds follows from the bytes of a batch. There are at most twelve at a time:
    one gathered, one waiting, one in each of the three steps and one before each, four published
    and not acknowledged. Five of those are unpacked besides, from the first step to the last. To
    that comes what the client has fetched and not given out yet: see
    `workers.log.kafka_source`. On a topic of nothing but pages of 20 MiB that no codec makes
    smaller, a replica was seen to take 1.1 GB, whether 40 or 90 of them waited.

    Attributes:
        max_batch: Most events in a batch.
        max_batch_bytes: Most bytes in a batch, as they are on the topic and again when unpacked; a
            single event may be larger.
        max_delay_ms: Longest that the first event of a batch waits for others.
    """

    # Behind confluent 2,048 URLs at once were judged 5 to 9 % faster than 1,024 at once, which
    # spreads what a batch costs beside its events, and 4,096 at once no faster than that.
    max_batch: int = 2048
    max_batch_bytes: int = 64 * 1024 * 1024
    max_delay_ms: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePolicy:
    """Which HTML pages are judged.

    Attributes:
        max_bytes: Largest page, unpacked; a larger one becomes a dead letter.
    """

    max_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPolicy:
    """When positions are committed.

    Attributes:
        interval_ms: Time between commits of what has settled.
    """

    interval_ms: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Where events come from, and where verdicts and dead letters go.

    Attributes:
        input_topic: Telemetry to judge.
        verdict_topic: Verdicts.
        dead_letter_topic: Records that cannot be judged, with the cause in their headers.
    """

    input_topic: str = "telemetry.urls"
    verdict_topic: str = "alerts"
    dead_letter_topic: str = "telemetry.urls.dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPolicy:
    """Which verdicts are published.

    Attributes:
        publish_from: The mildest label that is published; ``benign`` publishes all.
        delivery: Whether an event may come out again after a crash, or whether what it gives and
            its position are one transaction.
    """

    publish_from: Label = "benign"
    delivery: Literal["at-least-once", "exactly-once"] = "at-least-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePolicy:
    """Which verdicts say why.

    Attributes:
        evidence_from: The mildest label that carries evidence; ``never`` for none at all.
        top: Most spans in the evidence of one verdict.
    """

    evidence_from: Label | Literal["never"] = "suspicious"
    top: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How faults that pass are waited out: exponentially, with jitter, for as long as it takes.

    Attributes:
        initial_ms: Wait before the second try.
        max_ms: Longest wait between two tries.
        report_period_ms: A fault that goes on is logged once in this time.
    """

    initial_ms: int = 100
    max_ms: int = 10_000
    report_period_ms: int = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a partition is no longer read because too much of it cannot be judged.

    Attributes:
        on: Whether it is ever so.
        share: Failures over records above which it is.
        records: Fewest records of a window by which that is decided.
        window_ms: Time over which records are counted.
        pause_ms: Time before the next records are tried; also before a batch of records is tried
            again that could not be decoded.
        skip: Offsets, by partition, of batches that are passed over if they cannot be decoded:
            ``((partition, first, last), ...)``.
    """

    on: bool = True
    share: float = 0.5
    records: int = 1_000
    window_ms: int = 60_000
    pause_ms: int = 60_000
    skip: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownPolicy:
    """How long a clean stop may take.

    Attributes:
        timeout_ms: Time to finish what is in hand and commit it. Leaving the group and closing
            connections take 6 seconds more at most: together less than the grace period of
            Kubernetes (30 s), which ends in SIGKILL.
    """

    timeout_ms: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """What scores.

    Attributes:
        engine: ``keras`` for the network itself, ``tables`` for its table sums on a CPU,
            ``tables-int8`` for the same in narrow numbers, ``auto`` for the fastest that can run
            here.
        threads: Threads that compute on a CPU; 0 for one a core, a few at most.
        gpu_memory_mb: Of a GPU that a replica takes at most; 0 for what it needs.
        gpu_precision: What a GPU multiplies in.
        model: Folder of an artefact, or a version in the registry as text, ``url@3``; None for
            the detector's live version in the registry, or the one that comes with the package.
        models: The registry, if there is one.
        require_signature: Whether models from outside of the package must be signed by a
            trusted key.
        trusted_keys: Files of public keys, comma-separated; the signature of one of them must be
            right wherever there is one.
    """

    engine: Literal["auto", "keras", "tables", "tables-int8"] = "auto"
    threads: int = 0
    gpu_memory_mb: int = 0
    gpu_precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    model: Path | str | None = None
    models: Path | None = None
    require_signature: bool = False
    trusted_keys: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePolicy:
    """Which models come and go while a worker runs.

    A shadow holds up to two parts of batches more than `BatchPolicy` tells of, one that waits and
    one at work, and its model.

    Attributes:
        poll_ms: Time between two looks at which models are to judge and to be tried; 0 looks at
            the start and on SIGHUP alone.
        shadow: Folder or version of a model that judges beside the one in service; None for none.
        shadow_topic: Its verdicts.
        canary: Folder or version of a model that judges some keys; None for none.
        canary_share: Of the keys.
    """

    poll_ms: int = 10_000
    shadow: Path | str | None = None
    shadow_topic: str = "alerts.shadow"
    canary: Path | str | None = None
    canary_share: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    """How traffic is held against what the model was validated on.

    Attributes:
        reference: What to compare with: what validation showed, where that is known, or else the
            ``first`` events that the model judges; ``off`` compares nothing.
        events: That are compared, the last ones; also those that are the first.
        warn: Stability index from which on there is a warning.
        report_ms: Drift that goes on is warned of once in this time.
    """

    reference: Literal["validation", "first", "off"] = "validation"
    events: int = 20_000
    warn: float = 0.25
    report_ms: int = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Whether and where metrics and health are served, and what counts as health.

    Attributes:
        http: ``HOST:PORT`` to listen on, port 0 for one that the system picks; None for nowhere.
        liveness_ms: Longest that a loop with something to do may go without moving. Resolved
            settings have the connection's ``max_poll_interval_ms`` here unless it is given: a
            replica whose owner stands still for longer has lost its partitions, so that ending it
            takes nothing from anybody.
    """

    http: str | None = None
    liveness_ms: int = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPolicy:
    """What is logged, and how.

    Attributes:
        log_level: The least severe level that is logged.
        log_format: ``console`` for people, ``json`` for machines, ``auto`` for the one that
            suits where standard error goes.
    """

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that one worker replica is told."""

    detector: str
    connection: Connection
    topics: Topics
    batch: BatchPolicy
    pages: PagePolicy
    commit: CommitPolicy
    publish: PublishPolicy
    evidence: EvidencePolicy
    retry: RetryPolicy
    breaker: BreakerPolicy
    shutdown: ShutdownPolicy
    choice: ModelChoice
    service: ServicePolicy
    drift: DriftPolicy
    http: HttpPolicy
    journal: JournalPolicy
