"""The one catalogue of metrics: everything that `/metrics` of a worker shows, with what it means.

Names and units follow Prometheus' conventions: base units, ``_total`` for counters, and nothing
in a label that has no bound. All of ours carry the label ``detector`` beside those listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "weir_"
DETECTOR: Final = "detector"

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        DETECTOR: "url, html or path; on all metrics that begin with weir_",
        "label": "benign, suspicious or malicious",
        "stage": "decode, score or publish: the header weir-stage",
        "cause": "a code of schemas/causes.py: the header weir-cause",
        "reason": "unpublished (milder than --publish-from) or lost (its partition had left)",
        "step": "decode, featurise, score, explain, encode, publish or commit",
        "queue": "prepare, score or publish: the step that it is for",
        "partition": "the number of one that is assigned to this replica",
        "event": "assigned, revoked or lost",
        "fate": "held (its partition waits) or skipped (as --skip-offsets says)",
        "name": "the model's name",
        "version": "the model's version",
        "digest": "SHA-256 of the model's manifest, as in verdicts",
        "engine": "what computes: keras, tables or tables-int8",
        "device": "what it computes on: cpu or gpu",
        "library": "what it computes with, and its version",
        "role": "service (the model that judges), shadow or canary",
        "refusal": "why a model was refused: digest, signature, shape, golden, detector, registry, "
        "memory or other",
        "outcome": "judged, dropped (the shadow was behind) or failed",
        "agreement": "same, newly_malicious (to the shadow), no_longer_malicious or other",
        "measure": "logits (their distribution) or rare (the share of rare tokens)",
    }
)
"""What each label may say."""


class Kind(Enum):
    """Kinds of metric, by Prometheus' words."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """One row of the catalogue.

    Attributes:
        name: As it is scraped.
        kind: Of the metric; an ``INFO`` is a gauge of 1 whose labels tell.
        comment: What it counts or measures, as one sentence; the HELP of the scrape.
        labels: Beside ``detector``.
        buckets: Upper bounds of a histogram, included, ascending, without the infinite one.
        standard: Whether it is Prometheus' own metric of any process: no prefix, no detector.
    """

    name: str
    kind: Kind
    comment: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    standard: bool = False


# Batches close at a number of events or at an age; both are set by whole factors.
_SIZES: Final = (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536)
# From a decode of one small batch to a publish that waits out a broker's election.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Scores of benign traffic crowd at 0 and those of malicious at 1; drift is seen at either end.
_SCORES: Final = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)

EVENTS: Final = Metric(
    name="weir_events_total",
    kind=Kind.COUNTER,
    comment="Events read from the input topic; one that is read again counts again.",
)
EVENT_BYTES: Final = Metric(
    name="weir_event_bytes_total",
    kind=Kind.COUNTER,
    comment="Bytes of those events: keys, values and headers.",
)
VERDICTS: Final = Metric(
    name="weir_verdicts_total",
    kind=Kind.COUNTER,
    comment="Verdicts given, published or not.",
    labels=("label",),
)
VERDICTS_PUBLISHED: Final = Metric(
    name="weir_verdicts_published_total",
    kind=Kind.COUNTER,
    comment="Verdicts that the log has acknowledged.",
)
DEAD_LETTERS: Final = Metric(
    name="weir_dead_letters_total",
    kind=Kind.COUNTER,
    comment="Events refused, by where and why; a pair of them is shown from its first event on.",
    labels=("stage", "cause"),
)
DEAD_LETTERS_PUBLISHED: Final = Metric(
    name="weir_dead_letters_published_total",
    kind=Kind.COUNTER,
    comment="Dead letters that the log has acknowledged.",
)
DISCARDS: Final = Metric(
    name="weir_discards_total",
    kind=Kind.COUNTER,
    comment="Outcomes that were not published on purpose; a lost partition's come from its owner.",
    labels=("reason",),
)
BATCH_EVENTS: Final = Metric(
    name="weir_batch_events",
    kind=Kind.HISTOGRAM,
    comment="Events in a batch when it was closed.",
    buckets=_SIZES,
)
BATCH_DELAY: Final = Metric(
    name="weir_batch_delay_seconds",
    kind=Kind.HISTOGRAM,
    comment="Time from a batch's first event until it was closed.",
    buckets=_SECONDS,
)
STEP_DURATION: Final = Metric(
    name="weir_step_duration_seconds",
    kind=Kind.HISTOGRAM,
    comment="Time that a step took for a batch; publish lasts until the log has acknowledged.",
    labels=("step",),
    buckets=_SECONDS,
)
SCORE: Final = Metric(
    name="weir_verdict_score",
    kind=Kind.HISTOGRAM,
    comment="Scores of verdicts, a probability at the model's prior.",
    buckets=_SCORES,
)
QUEUE: Final = Metric(
    name="weir_queue_batches",
    kind=Kind.GAUGE,
    comment="Batches that wait before a step; 1 is full.",
    labels=("queue",),
)
IN_HAND: Final = Metric(
    name="weir_in_hand_events",
    kind=Kind.GAUGE,
    comment="Events read whose outcome the log has not acknowledged yet.",
)
LAG: Final = Metric(
    name="weir_lag_events",
    kind=Kind.GAUGE,
    comment="Events not judged yet: those in hand, and offsets from there to the partition's end.",
    labels=("partition",),
)
OLDEST: Final = Metric(
    name="weir_oldest_event_age_seconds",
    kind=Kind.GAUGE,
    comment="Age of the oldest event not yet judged, by its record's timestamp; 0 without lag.",
)
REPLAY_LEFT: Final = Metric(
    name="weir_replay_left_events",
    kind=Kind.GAUGE,
    comment="Offsets of a replay's range that no replica has dealt with yet; of replays alone.",
)
ASSIGNED: Final = Metric(
    name="weir_assigned_partitions",
    kind=Kind.GAUGE,
    comment="Partitions that are assigned to this replica.",
)
HELD: Final = Metric(
    name="weir_held_partitions",
    kind=Kind.GAUGE,
    comment="Partitions that are not read just now: an open breaker, or an undecodable batch.",
)
REBALANCES: Final = Metric(
    name="weir_rebalances_total",
    kind=Kind.COUNTER,
    comment="Times that the group has given partitions, asked for them, or taken them by force.",
    labels=("event",),
)
BREAKER: Final = Metric(
    name="weir_breaker_open_partitions",
    kind=Kind.GAUGE,
    comment="Assigned partitions whose breaker is open: too much of them could not be judged.",
)
BREAKER_OPENINGS: Final = Metric(
    name="weir_breaker_openings_total",
    kind=Kind.COUNTER,
    comment="Times that the breaker of a partition has opened.",
)
UNDECODABLE: Final = Metric(
    name="weir_undecodable_batches_total",
    kind=Kind.COUNTER,
    comment="Batches of records that the client could not decode, by what was done.",
    labels=("fate",),
)
MODEL: Final = Metric(
    name="weir_model_info",
    kind=Kind.INFO,
    comment="The model that judges, and what it runs on; always 1.",
    labels=("name", "version", "digest", "engine", "device", "library"),
)
CANDIDATE: Final = Metric(
    name="weir_candidate_info",
    kind=Kind.INFO,
    comment="Models that are tried beside the one that judges; always 1, absent without any.",
    labels=("role", "name", "version", "digest"),
)
SWAPS: Final = Metric(
    name="weir_model_swaps_total",
    kind=Kind.COUNTER,
    comment="Times that another model has taken over.",
)
SWAPPED_AT: Final = Metric(
    name="weir_model_swap_timestamp_seconds",
    kind=Kind.GAUGE,
    comment="When a model last took over, since the epoch; absent before the first time.",
)
REFUSALS: Final = Metric(
    name="weir_model_refusals_total",
    kind=Kind.COUNTER,
    comment="Models that were to take over or to be tried and were refused, by why.",
    labels=("role", "refusal"),
)
CANARY_FAILURES: Final = Metric(
    name="weir_canary_failures_total",
    kind=Kind.COUNTER,
    comment="Times that a canary failed; the model in service judged what it could not.",
)
SHADOW_BATCHES: Final = Metric(
    name="weir_shadow_batches_total",
    kind=Kind.COUNTER,
    comment="Batches, or parts of them, that were offered to the shadow.",
    labels=("outcome",),
)
SHADOW_EVENTS: Final = Metric(
    name="weir_shadow_events_total",
    kind=Kind.COUNTER,
    comment="Events of those; failed are also those that its topic did not take.",
    labels=("outcome",),
)
SHADOW_AGREEMENT: Final = Metric(
    name="weir_shadow_agreement_total",
    kind=Kind.COUNTER,
    comment="Events that the model in service and the shadow have judged, by how labels compare.",
    labels=("agreement",),
)
SHADOW_DIFFERENCE: Final = Metric(
    name="weir_shadow_logit_difference",
    kind=Kind.HISTOGRAM,
    comment="How far the shadow's logit of an event lies from that of the model in service.",
    buckets=(0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16),
)
DRIFT: Final = Metric(
    name="weir_drift_index",
    kind=Kind.GAUGE,
    comment="Population stability index of the last events against the reference; see models.md.",
    labels=("measure",),
)
DRIFT_RARE: Final = Metric(
    name="weir_drift_rare_share",
    kind=Kind.GAUGE,
    comment="Share of tokens of the last events that are rare (1 % at most) in the reference.",
)
GPU_MEMORY: Final = Metric(
    name="weir_gpu_memory_bytes",
    kind=Kind.GAUGE,
    comment="GPU memory that Keras uses; absent unless engine keras runs on a GPU.",
)
GPU_PEAK: Final = Metric(
    name="weir_gpu_memory_peak_bytes",
    kind=Kind.GAUGE,
    comment="Most GPU memory that Keras has used; absent as weir_gpu_memory_bytes is.",
)


def _of_process(name: str, kind: Kind, comment: str) -> Metric:
    return Metric(name=f"process_{name}", kind=kind, comment=comment, standard=True)


CATALOGUE: Final = (
    EVENTS,
    EVENT_BYTES,
    VERDICTS,
    VERDICTS_PUBLISHED,
    DEAD_LETTERS,
    DEAD_LETTERS_PUBLISHED,
    DISCARDS,
    BATCH_EVENTS,
    BATCH_DELAY,
    STEP_DURATION,
    SCORE,
    QUEUE,
    IN_HAND,
    LAG,
    OLDEST,
    REPLAY_LEFT,
    ASSIGNED,
    HELD,
    REBALANCES,
    BREAKER,
    BREAKER_OPENINGS,
    UNDECODABLE,
    MODEL,
    CANDIDATE,
    SWAPS,
    SWAPPED_AT,
    REFUSALS,
    CANARY_FAILURES,
    SHADOW_BATCHES,
    SHADOW_EVENTS,
    SHADOW_AGREEMENT,
    SHADOW_DIFFERENCE,
    DRIFT,
    DRIFT_RARE,
    GPU_MEMORY,
    GPU_PEAK,
    _of_process(
        "resident_memory_bytes", Kind.GAUGE, "Memory of the process that is in RAM (Linux)."
    ),
    _of_process("virtual_memory_bytes", Kind.GAUGE, "Address space of the process (Linux)."),
    _of_process("cpu_seconds_total", Kind.COUNTER, "CPU time of the process (Linux)."),
    _of_process(
        "start_time_seconds", Kind.GAUGE, "When the process began, since the epoch (Linux)."
    ),
    _of_process("open_fds", Kind.GAUGE, "File descriptors that are open (Linux)."),
    _of_process("max_fds", Kind.GAUGE, "Most file descriptors that may be open (Linux)."),
)
"""All metrics, in the order of the page and of the scrape."""
