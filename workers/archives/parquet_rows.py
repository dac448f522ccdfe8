"""Rows of a Parquet file as JSON events, some at a time."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import orjson

from workers.archives.errors import InputError
from workers.errors import ConfigurationError

ROWS: Final = 4_096
"""Rows that are given at a time."""

# What of the contract is carried beside the subject, where there are such columns.
_CARRIED: Final = ("id", "observed_at", "kind", "url")
# The footer's length and the format's name end a file (Apache Parquet, "File format").
_TAIL: Final = struct.Struct("<I4s")


class ParquetRows:
    """Iterates over a file's rows as lists of events; memory holds one row group's columns.

    Args:
        name: Of the file.
        column: With what is judged: text, or bytes.
        field: Of the event, that it becomes.

    Raises:
        ConfigurationError: Parquet cannot be read here, or there is no such column.
        InputError: the file is broken.
    """

    def __init__(self, name: str, column: str, field: str) -> None:
        refuse_without_parquet()
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        self.name = name
        self._field = field
        self._column = column
        self._errors: tuple[type[Exception], ...] = (OSError, pa.ArrowException)
        try:
            self._file = pq.ParquetFile(name, pre_buffer=False)
            self.digest = _footer_digest(name)
        except self._errors as error:
            raise InputError(f"Input {name!r} is no Parquet file that can be read: {error}") from (
                error
            )
        self._pa = pa
        schema = self._file.schema_arrow
        if column not in schema.names or not self._is_text(schema.field(column).type):
            told = ", ".join(f"{one.name} ({one.type})" for one in schema)
            raise ConfigurationError(
                f"Option --column has value {column!r}: input {name!r} has no such column of text "
                f"or bytes; it has {told}"
            )
        self._carried = [
            one
            for one in _CARRIED
            if one in schema.names and one not in {column, field} and self._fits(schema.field(one))
        ]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self._file.metadata.num_rows)

    def since(self, row: int) -> Iterator[list[bytes]]:
        """Events of the rows from this one on, which is one where a list has begun before.

        Raises:
            InputError: the file is broken.
        """
        groups: list[int] = []
        start = 0
        for number in range(self._file.num_row_groups):
            size = self._file.metadata.row_group(number).num_rows
            if groups or start + size > row:
                groups.append(number)
            else:
                start += size
        skipped = row - start
        try:
            for batch in self._file.iter_batches(
                batch_size=ROWS, row_groups=groups, columns=[self._column, *self._carried]
            ):
                if skipped < batch.num_rows:
                    yield self._events(batch.slice(skipped))
                skipped = max(0, skipped - batch.num_rows)
        except self._errors as error:
            raise InputError(f"Input {self.name!r} broke off: {error}") from error

    def _events(self, batch: Any) -> list[bytes]:
        carried = {name: batch.column(name).to_pylist() for name in self._carried}
        subjects = self._texts(batch.column(self._column))
        return [
            self._event(subject, {name: column[row] for name, column in carried.items()})
            for row, subject in enumerate(subjects)
        ]

    def _event(self, subject: bytes | None, event: dict[str, Any]) -> bytes:
        event = {name: value for name, value in event.items() if value is not None}
        if subject is None:
            return orjson.dumps(event)
        try:
            return orjson.dumps({self._field: subject.decode(), **event})
        except UnicodeDecodeError:
            if self._field == "html":
                packed = base64.b64encode(subject).decode("ascii")
                return orjson.dumps({"html_base64": packed, **event})
            # As a producer of such a text would have sent it: the decoder says what is wrong.
            raw = json.dumps(subject.decode("latin-1"), ensure_ascii=False).encode("latin-1")
            return b'{"%s": %s}' % (self._field.encode(), raw)

    def _texts(self, column: Any) -> Sequence[bytes | None]:
        types = self._pa.types
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        given: Sequence[bytes | None] = column.cast(self._pa.large_binary()).to_pylist()
        return given

    def _is_text(self, kind: Any) -> bool:
        types = self._pa.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        return any(
            fits(kind)
            for fits in (
                types.is_string,
                types.is_large_string,
                types.is_binary,
                types.is_large_binary,
            )
        )

    def _fits(self, field: Any) -> bool:
        types = self._pa.types
        return bool(
            types.is_string(field.type)
            or types.is_large_string(field.type)
            or (field.name == "id" and types.is_integer(field.type))
        )


def refuse_without_parquet() -> None:
    """See that Parquet can be read and written.

    Raises:
        ConfigurationError: it cannot.
    """
    if find_spec("pyarrow") is None:
        raise ConfigurationError(
            "Parquet is read and written with pyarrow, not installed; install fishweir with its "
            "extra: pip install 'fishweir[parquet]'"
        )


def _footer_digest(name: str) -> str:
    """SHA-256 of what the file says of itself: sizes, places and statistics of all its columns."""
    with Path(name).open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - _TAIL.size))
        length, _ = _TAIL.unpack(file.read(_TAIL.size))
        file.seek(max(0, end - _TAIL.size - length))
        return hashlib.sha256(file.read()).hexdigest()
