"""The one table of settings: options, environment, TOML, help and `weir check-config` read it.

A row names a field of one of the frozen objects; the default stands in that object alone.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from workers.log.connection import Connection
from workers.settings.kinds import (
    Address,
    Choice,
    ExistingFile,
    ExistingFolder,
    Flag,
    KafkaName,
    Kind,
    OffsetRanges,
    Servers,
    Share,
    Text,
    Whole,
)
from workers.settings.model_kinds import ExistingFiles, ModelPlace
from workers.settings.policies import (
    BatchPolicy,
    BreakerPolicy,
    CommitPolicy,
    DriftPolicy,
    EvidencePolicy,
    HttpPolicy,
    JournalPolicy,
    ModelChoice,
    PagePolicy,
    PublishPolicy,
    RetryPolicy,
    ServicePolicy,
    ShutdownPolicy,
    Topics,
)
from workers.settings.setting import Panel, Setting

# Limits. A day is longer than any of these times is good for; an hour, than any wait for work.
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
# Larger than any record that a broker takes (2 GiB), and less than a machine has.
_MOST_BYTES: Final = 2**31 - 1
# A partition that sends more in a day is not judged by one replica.
_MOST_RECORDS: Final = 1_000_000_000
_LABELS: Final = ("benign", "suspicious", "malicious")


def _row(
    panel: Panel,
    owner: type,
    key: str,
    kind: Kind,
    help: str,  # noqa: A002 - the word that typer and argparse use
    *,
    field: str | None = None,
    secret: bool = False,
    derived: str | None = None,
) -> Setting:
    return Setting(
        key=key,
        kind=kind,
        help=help,
        panel=panel,
        owner=owner,
        field=field or key,
        secret=secret,
        derived=derived,
    )


_topics = partial(_row, Panel.TOPICS, Topics)
_batch = partial(_row, Panel.BATCHES, BatchPolicy)
_pages = partial(_row, Panel.BATCHES, PagePolicy)
_commit = partial(_row, Panel.BATCHES, CommitPolicy)
_model = partial(_row, Panel.MODEL, ModelChoice)
_publish = partial(_row, Panel.MODEL, PublishPolicy)
_evidence = partial(_row, Panel.MODEL, EvidencePolicy)
_service = partial(_row, Panel.SERVICE, ServicePolicy)
_drift = partial(_row, Panel.SERVICE, DriftPolicy)
_kafka = partial(_row, Panel.KAFKA, Connection)
_group = partial(_row, Panel.GROUP, Connection)
_security = partial(_row, Panel.SECURITY, Connection)
_retry = partial(_row, Panel.FAULTS, RetryPolicy)
_breaker = partial(_row, Panel.FAULTS, BreakerPolicy)
_shutdown = partial(_row, Panel.FAULTS, ShutdownPolicy)
_health = partial(_row, Panel.HEALTH, HttpPolicy)
_journal = partial(_row, Panel.LOGS, JournalPolicy)

SETTINGS: Final[tuple[Setting, ...]] = (
    _topics("input_topic", KafkaName(), "Topic of the telemetry to judge."),
    _topics("verdict_topic", KafkaName(), "Topic that verdicts go to."),
    _topics(
        "dead_letter_topic",
        KafkaName(),
        "Topic for records that cannot be judged, untouched, with the cause in headers.",
        derived="<input topic>.dead",
    ),
    _batch("max_batch", Whole(1, 65_536), "Most events in one batch."),
    _batch(
        "max_batch_bytes",
        Whole(1, _MOST_BYTES, "bytes"),
        "Most bytes in one batch; a single larger event is a batch of its own.",
    ),
    _batch(
        "max_delay_ms",
        Whole(0, _HOUR_MS, "ms"),
        "Longest that the first event of a batch waits for others.",
    ),
    _pages(
        "max_page_bytes",
        Whole(1, _MOST_BYTES, "bytes"),
        "Largest HTML page that is judged, unpacked.",
        field="max_bytes",
    ),
    _commit(
        "commit_interval_ms",
        Whole(0, _HOUR_MS, "ms"),
        "Time between commits of positions; 0 commits after every batch.",
        field="interval_ms",
    ),
    _model(
        "models",
        ExistingFolder(),
        "Folder of a registry of models, as weir models manages it.",
    ),
    _model(
        "model",
        ModelPlace(),
        "Folder of a trained model's artefact, or a version in the registry, such as url@3.",
        derived="the live one in the registry, else the one that comes with Fishweir",
    ),
    _model(
        "require_signature",
        Flag(),
        "Whether models from outside of the package must be signed by a trusted key.",
    ),
    _model(
        "trusted_keys",
        ExistingFiles(),
        "PEM files of the public keys whose signatures of models are trusted.",
    ),
    _model(
        "engine",
        Choice(("auto", "keras", "tables", "tables-int8")),
        "What computes the scores: the Keras network, or its table sums on the CPU, in float32 or, "
        "twice as fast with the same labels, in int8; auto is the fastest that runs here.",
    ),
    _model(
        "engine_threads",
        Whole(0, 64),
        "Threads that compute the scores on a CPU; 0 for one a core, 4 at most.",
        field="threads",
    ),
    _model(
        "gpu_memory_mb",
        Whole(0, 1_000_000, "MB"),
        "Memory of a GPU that this replica takes at most, so that several share a card; 0 for as "
        "much as it needs.",
    ),
    _model(
        "gpu_precision",
        Choice(("float32", "tf32", "bfloat16")),
        "What a GPU multiplies in: narrower is faster, and logits are off by some hundredths.",
    ),
    _publish("publish_from", Choice(_LABELS), "Mildest label whose verdicts are published."),
    _publish(
        "delivery",
        Choice(("at-least-once", "exactly-once")),
        "Whether verdicts may come twice after a crash, or go out in one transaction with the "
        "positions, for readers with isolation.level=read_committed.",
    ),
    _evidence(
        "evidence_from",
        Choice((*_LABELS, "never")),
        "Mildest label whose verdicts say which spans of the text weighed most.",
    ),
    _evidence("evidence_top", Whole(1, 16), "Most spans of evidence in one verdict.", field="top"),
    _service(
        "model_poll_ms",
        Whole(0, _DAY_MS, "ms"),
        "Time between looks whether other models are to judge; 0 looks on SIGHUP alone.",
        field="poll_ms",
    ),
    _service(
        "shadow",
        ModelPlace(),
        "Model that judges the same events beside the one in service, such as url@candidate.",
    ),
    _service("shadow_topic", KafkaName(), "Topic that the shadow's verdicts go to."),
    _service(
        "canary",
        ModelPlace(),
        "Model that judges a share of keys in place of the one in service.",
    ),
    _service("canary_share", Share(), "Share of keys that the canary judges."),
    _drift(
        "drift",
        Choice(("validation", "first", "off")),
        "What scores and tokens are compared with: the model's validation, or its first events.",
        field="reference",
    ),
    _drift(
        "drift_events",
        Whole(100, _MOST_RECORDS),
        "Events that are compared, the last ones.",
        field="events",
    ),
    _drift(
        "drift_warn",
        Share(),
        "Population stability index from which on drift is warned of.",
        field="warn",
    ),
    _drift(
        "drift_report_ms",
        Whole(0, _DAY_MS, "ms"),
        "Drift that goes on is warned of once in this time.",
        field="report_ms",
    ),
    _kafka(
        "client",
        Choice(("kafka-python", "confluent")),
        "Which library talks to the brokers: kafka-python, or confluent-kafka (librdkafka) of "
        "fishweir[confluent], which takes a fraction of the CPU.",
    ),
    _kafka("bootstrap_servers", Servers(), "Brokers to find the cluster by."),
    _kafka(
        "client_id",
        Text(),
        "Name under which brokers log this client.",
        derived="fishweir-<detector or command>",
    ),
    _group(
        "group_id",
        Text(),
        "Consumer group; replicas of one group share the partitions.",
        derived="fishweir-<detector>",
    ),
    _group(
        "group_instance_id",
        KafkaName(),
        "Name of this replica for static membership (KIP-345); restarts then move no partitions.",
    ),
    _group(
        "auto_offset_reset",
        Choice(("earliest", "latest", "none")),
        "Where to start where nothing is committed; none stops the worker instead.",
    ),
    _group(
        "isolation_level",
        Choice(("read_committed", "read_uncommitted")),
        "Whether records of open and aborted transactions are hidden.",
    ),
    _group(
        "session_timeout_ms",
        Whole(1_000, _DAY_MS, "ms"),
        "Silence after which the group gives this replica's partitions away.",
    ),
    _group(
        "max_poll_interval_ms",
        Whole(1_000, _DAY_MS, "ms"),
        "Time without a poll after which the group gives this replica's partitions away.",
    ),
    _security(
        "security_protocol",
        Choice(("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
        "How brokers are talked to.",
    ),
    _security(
        "ssl_cafile",
        ExistingFile(),
        "PEM file of the authorities to trust.",
        derived="the system's authorities",
    ),
    _security("ssl_certfile", ExistingFile(), "PEM file of the client's certificate."),
    _security("ssl_keyfile", ExistingFile(), "PEM file of the client's key."),
    _security("ssl_password", Text(), "Password of the client's key.", secret=True),
    _security("ssl_check_hostname", Flag(), "Whether a broker's certificate must name its host."),
    _security(
        "sasl_mechanism",
        # OAUTHBEARER needs a provider of tokens, which is code and no setting.
        Choice(("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI")),
        "How the client proves who it is.",
    ),
    _security("sasl_username", Text("NAME"), "User for PLAIN and SCRAM."),
    _security("sasl_password", Text(), "Password for PLAIN and SCRAM.", secret=True),
    _retry(
        "retry_initial_ms",
        Whole(1, _HOUR_MS, "ms"),
        "Wait before a failed call is tried again; doubles with each try.",
        field="initial_ms",
    ),
    _retry(
        "retry_max_ms", Whole(1, _HOUR_MS, "ms"), "Longest wait between two tries.", field="max_ms"
    ),
    _retry(
        "report_period_ms",
        Whole(0, _DAY_MS, "ms"),
        "A fault that goes on is logged once in this time.",
    ),
    _breaker(
        "breaker",
        Flag("on|off"),
        "Whether a partition of which too much cannot be judged is paused, and tried again later.",
        field="on",
    ),
    _breaker(
        "breaker_share",
        Share(),
        "Share of a partition's records in a window that may fail before it is paused.",
        field="share",
    ),
    _breaker(
        "breaker_records",
        Whole(1, _MOST_RECORDS),
        "Fewest records in a window by which that is decided.",
        field="records",
    ),
    _breaker(
        "breaker_window_ms",
        Whole(1, _DAY_MS, "ms"),
        "Time over which records are counted for it.",
        field="window_ms",
    ),
    _breaker(
        "breaker_pause_ms",
        Whole(1, _DAY_MS, "ms"),
        "Time before a paused partition is tried again.",
        field="pause_ms",
    ),
    _breaker(
        "skip_offsets",
        OffsetRanges(),
        "Offsets of record batches to pass over if they cannot be decoded; what they held is lost.",
        field="skip",
    ),
    _shutdown(
        "shutdown_timeout_ms",
        Whole(1, _HOUR_MS, "ms"),
        "Longest that a clean stop may take.",
        field="timeout_ms",
    ),
    _health(
        "http",
        Address(),
        "Where /metrics, /livez, /readyz and /startupz are served; port 0 picks one and logs it.",
    ),
    _health(
        "liveness_ms",
        Whole(1_000, _DAY_MS, "ms"),
        "Time without a move after which a loop that has work counts as stuck.",
        derived="max_poll_interval_ms",
    ),
    _journal(
        "log_level",
        Choice(("debug", "info", "warning", "error")),
        "Least severe level that is logged.",
    ),
    _journal(
        "log_format",
        Choice(("auto", "json", "console")),
        "How logs look; auto means console on a terminal and JSON elsewhere.",
    ),
)

BY_KEY: Final = {setting.key: setting for setting in SETTINGS}
