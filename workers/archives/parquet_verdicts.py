"""Verdicts as Parquet: the fields of the contract as columns, and ``error`` beside them.

A Parquet file is whole only once its footer is written, and cannot be gone on with after that. So
pieces are batches of Arrow's stream format, each behind its length, and become a Parquet file at
the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from workers.archives.errors import ResumeError

_LENGTH: Final = struct.Struct("<Q")
# Rows of a row group: a reader holds one at a time.
_GROUP_ROWS: Final = 65_536
_CODEC: Final = "zstd"

_TEXT: Final = pa.string()
_NUMBER: Final = pa.float64()
_COUNT: Final = pa.int64()

SCHEMA: Final = pa.schema(
    [
        ("version", pa.int32()),
        ("id", _TEXT),
        ("record_id", _TEXT),
        ("event_id", _TEXT),
        ("detector", _TEXT),
        ("model", pa.struct([("name", _TEXT), ("version", _TEXT), ("digest", _TEXT)])),
        ("replay", pa.struct([("run", _TEXT)])),
        ("label", _TEXT),
        ("held", _TEXT),
        ("score", _NUMBER),
        ("logit", _NUMBER),
        ("thresholds", pa.struct([("suspicious", _NUMBER), ("malicious", _NUMBER)])),
        (
            "calibration",
            pa.struct([("scale", _NUMBER), ("offset", _NUMBER), ("prior", _NUMBER)]),
        ),
        ("subject", _TEXT),
        ("kind", _TEXT),
        ("page", pa.struct([("sha256", _TEXT), ("bytes", _COUNT)])),
        ("unit", _TEXT),
        ("subject_length", _COUNT),
        ("truncated", pa.bool_()),
        ("characters_seen", _COUNT),
        (
            "evidence",
            pa.list_(
                pa.struct(
                    [
                        ("kind", _TEXT),
                        ("start", _COUNT),
                        ("end", _COUNT),
                        ("text", _TEXT),
                        ("weight", _NUMBER),
                    ]
                )
            ),
        ),
        ("evidence_remainder", _NUMBER),
        ("evidence_exact", pa.bool_()),
        (
            "source",
            pa.struct(
                [
                    ("topic", _TEXT),
                    ("partition", pa.int32()),
                    ("offset", _COUNT),
                    ("timestamp", _COUNT),
                ]
            ),
        ),
        ("observed_at", _TEXT),
        ("scored_at", _TEXT),
        ("event", _TEXT),
        ("omitted", pa.list_(_TEXT)),
        (
            "error",
            pa.struct([("cause", _TEXT), ("detail", _TEXT), ("line", _COUNT), ("input", _TEXT)]),
        ),
    ]
)
"""Columns; ``event`` is JSON, and an ``event_id`` that is a number its digits."""


def packed(answers: Sequence[bytes]) -> bytes:
    """One batch of Arrow's stream format, behind its length."""
    rows = [orjson.loads(answer) for answer in answers]
    for row in rows:
        event_id, event = row.get("event_id"), row.get("event")
        if event_id is not None:
            row["event_id"] = str(event_id)
        if event is not None:
            row["event"] = orjson.dumps(event).decode()
    batch = pa.RecordBatch.from_arrays(
        [pa.array([row.get(field.name) for row in rows], field.type) for field in SCHEMA],
        schema=SCHEMA,
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(
        sink, SCHEMA, options=pa.ipc.IpcWriteOptions(compression=_CODEC)
    ) as writer:
        writer.write_batch(batch)
    stream = sink.getvalue()
    return _LENGTH.pack(stream.size) + bytes(stream)


def convert(pieces: Path, target: Path) -> None:
    """Make a Parquet file of the pieces in a file.

    Raises:
        ResumeError: a piece is cut off.
    """
    with pq.ParquetWriter(target, SCHEMA, compression=_CODEC) as writer:
        held: list[Any] = []
        rows = 0
        for batch in _batches(pieces):
            held.append(batch)
            rows += batch.num_rows
            if rows >= _GROUP_ROWS:
                writer.write_table(pa.Table.from_batches(held, SCHEMA), row_group_size=rows)
                held, rows = [], 0
        if held:
            writer.write_table(pa.Table.from_batches(held, SCHEMA), row_group_size=rows)


def _batches(pieces: Path) -> Iterator[Any]:
    with pieces.open("rb") as file:
        while head := file.read(_LENGTH.size):
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else -1
            stream = file.read(max(0, length))
            if len(stream) != length:
                raise ResumeError(f"file '{pieces}' is cut off; leave --resume out to start anew")
            yield from pa.ipc.open_stream(stream)
