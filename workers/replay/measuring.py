"""How fast events of a range are scored here, measured on some of them."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from workers.batching import Batch
from workers.judge import Judge
from workers.log.spans import SpanReader
from workers.replay.plan import Plan

# Enough that reading ahead and small batches do not count; scored in a second or so.
_MOST_EVENTS: Final = 4_096


def measured_rate(reader: SpanReader, judge: Judge, plan: Plan, batch: int) -> float | None:
    """Events a second that this machine scores, the log and its acknowledgements left out.

    Reads outside of every group and writes nothing.

    Args:
        reader: Of the log.
        judge: Warm.
        plan: Of whose longest span the first events are taken.
        batch: Most events in a batch.

    Returns:
        None where the span holds no record.

    Raises:
        WorkerError: the log cannot be read.
        ModelError: the model cannot be used.
    """
    place, span = max(plan.spans.items(), key=lambda item: item[1].size)
    end = min(span.end, span.begin + _MOST_EVENTS)
    events, seconds = 0, 0.0
    for records in reader.read(plan.topic, {place.partition: (span.begin, end)}):
        for start in range(0, len(records), batch):
            some = records.rows(start, start + batch)
            began = time.perf_counter()
            epochs = np.zeros(len(some), np.int64)
            for prepared in judge.prepare(Batch(records=some, epochs=epochs)):
                judge.score(prepared)
            seconds += time.perf_counter() - began
            events += len(some)
    return events / seconds if events else None
