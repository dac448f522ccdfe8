"""Where verdicts are read from: topics, and files as `weir score` writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from schemas.verdict import MAX_VERDICT_BYTES
from workers.archives.blocks import Blocks
from workers.archives.errors import InputError
from workers.archives.inputs import JSON_SUFFIXES, PARQUET_SUFFIXES, Input, find, suffix
from workers.archives.unpacking import Unpacked
from workers.errors import ConfigurationError
from workers.log.lookup import Lookup
from workers.log.spans import SpanReader
from workers.range_reader import Span
from workers.scope import by_number

Report = Callable[[int], None]
"""Told how many more records, or bytes of files, have been read."""

# Verdicts are published after their events; Kafka takes timestamps up to an hour ahead of its own
# clock.
_CLOCKS_MS: Final = 3_600_000

_BLOCK_BYTES: Final = 1_048_576
_ROWS: Final = 8_192
# What of a Parquet file is needed; it may have been written before there was one of them.
_COLUMNS: Final = (
    *("version", "record_id", "event_id", "detector", "model", "replay", "label", "logit"),
    *("thresholds", "subject", "subject_length", "kind", "page", "source", "error"),
)


class TopicVerdicts:
    """The verdicts of a topic, up to where it ends now.

    Args:
        reader: Of the log.
        lookup: Of the log.
        topic: Its name.
        since: Milliseconds since the epoch: no verdict on an event of before is asked for.

    Raises:
        TopicMissingError: it does not exist.
        LogUnavailableError: the log cannot be asked just now.
        AuthorisationError: the credentials do not allow it.
    """

    def __init__(
        self, reader: SpanReader, lookup: Lookup, topic: str, *, since: int | None = None
    ) -> None:
        self._reader = reader
        self._topic = topic
        bounds = by_number(lookup.bounds(topic))
        starts = {number: one.begin for number, one in bounds.items()}
        if since is not None and since > _CLOCKS_MS:
            first = by_number(lookup.first_since(topic, since - _CLOCKS_MS))
            starts = {number: first.get(number, one.end) for number, one in bounds.items()}
        self._spans = {number: Span(starts[number], one.end) for number, one in bounds.items()}

    @property
    def size(self) -> int:
        """How many offsets these are; records may be fewer."""
        return sum(span.size for span in self._spans.values())

    def values(self, report: Report) -> Iterator[Sequence[bytes | None]]:
        """The verdicts, some at a time.

        Raises:
            LogUnavailableError: the log cannot be read any more.
        """
        wanted = {number: span for number, span in self._spans.items() if span.size}
        for records in self._reader.read(self._topic, wanted):
            yield records.values
            report(len(records))


class FileVerdicts:
    """The verdicts of files: JSON Lines, packed or not, or Parquet.

    Args:
        name: Of a file or a folder of files.

    Raises:
        ConfigurationError: it cannot be read.
    """

    def __init__(self, name: str) -> None:
        self._inputs = find([name], pages=False)

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(one.size for one in self._inputs)

    def values(self, report: Report) -> Iterator[Sequence[bytes | None]]:
        """The verdicts, some at a time.

        Raises:
            InputError: a file broke off.
        """
        for one in self._inputs:
            yield from _rows(one, report) if one.kind == "parquet" else _lines(one, report)


def is_file(name: str, option: str) -> bool:
    """Whether a file is meant, and not a topic.

    Raises:
        ConfigurationError: a file is meant that is not there.
    """
    if Path(name).exists():
        return True
    if "/" in name or suffix(name) in JSON_SUFFIXES | PARQUET_SUFFIXES:
        raise ConfigurationError(
            f"Option {option} has value {name!r}: no such file; give a file of verdicts, or the "
            "name of a topic"
        )
    return False


def _lines(one: Input, report: Report) -> Iterator[Sequence[bytes]]:
    with Path(one.name).open("rb") as raw:
        told = 0
        stream = Unpacked(raw, one.name)
        for block in Blocks(stream, size=_BLOCK_BYTES, longest=MAX_VERDICT_BYTES):
            yield [line for line in block.data.split(b"\n") if line]
            report(raw.tell() - told)
            told = raw.tell()


def _rows(one: Input, report: Report) -> Iterator[Sequence[bytes]]:
    from workers.archives.parquet_rows import refuse_without_parquet  # noqa: PLC0415

    refuse_without_parquet()
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(one.name, pre_buffer=False)
        names = [name for name in _COLUMNS if name in file.schema_arrow.names]
        rows = max(1, file.metadata.num_rows)
        for batch in file.iter_batches(batch_size=_ROWS, columns=names):
            yield [orjson.dumps(_told(row)) for row in batch.to_pylist()]
            report(one.size * batch.num_rows // rows)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"Input {one.name!r} broke off: {error}") from error


def _told(row: dict[str, object]) -> dict[str, object]:
    error = row.pop("error", None)
    return row if error is None else {"error": error}
