"""Dead letters, put on a topic as a worker would."""

from __future__ import annotations

import numpy as np

from schemas import dead_letter
from schemas.causes import Cause, Stage
from schemas.dead_letter import DeadLetters, Headers
from schemas.origin import Origin, Origins
from workers.log.memory_broker import MemoryBroker

EVENTS = "telemetry.urls"
DEAD = "telemetry.urls.dead"
EVENT_TIME = 1_795_509_000_123
_ORIGIN = Origin(EVENTS, 1, 7, EVENT_TIME)


def put(
    broker: MemoryBroker,
    value: bytes | None = b"v",
    cause: Cause = Cause.NOT_JSON,
    *,
    key: bytes | None = b"k",
    headers: Headers = (),
    at: Origin = _ORIGIN,
    detail: str = "why",
    stage: Stage = Stage.DECODE,
    partition: int = 0,
    timestamp: int | None = None,
    max_bytes: int | None = None,
) -> None:
    """Append one."""
    columns = dead_letter.encode(
        DeadLetters(
            origins=Origins(
                topics=[at.topic],
                partitions=np.array([at.partition], np.int32),
                offsets=np.array([at.offset], np.int64),
                timestamps=np.array([at.timestamp], np.int64),
            ),
            keys=[key],
            values=[value],
            headers=[headers],
            causes=[cause],
            details=[detail],
            stage=stage,
        ),
        max_bytes=max_bytes,
    )
    broker.append(
        DEAD,
        columns.values[0],
        key=columns.keys[0],
        headers=columns.headers[0],
        partition=partition,
        timestamp=timestamp,
    )
