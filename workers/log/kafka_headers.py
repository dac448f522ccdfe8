"""Mends a fault of kafka-python 3.0.12: a header whose name is no UTF-8 stops the consumer.

The names of headers are UTF-8 by the protocol, but brokers do not look, and the client raises for
the whole batch (`kafka/record/default_records.py`, ``_read_msg``): one such record, and a partition
is never read again. Kafka's own client reads U+FFFD for what is not UTF-8; so do we.
"""

from __future__ import annotations

from typing import Any

from kafka.record.default_records import DefaultRecordBatch

_read = DefaultRecordBatch._read_msg  # noqa: SLF001  # there is no other way in


class _Lenient(bytes):
    """Bytes whose slices decode to something whatever they are."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Lenient(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


def _read_any(batch: DefaultRecordBatch) -> Any:
    """Read a record; of a batch with a name that is no UTF-8, this and the rest leniently."""
    position = batch._pos  # noqa: SLF001
    try:
        return _read(batch)
    except UnicodeDecodeError:
        batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001
        batch._pos = position  # noqa: SLF001
        return _read(batch)


def mend_headers() -> None:
    """Put it into effect, for all consumers of this process; again changes nothing."""
    DefaultRecordBatch._read_msg = _read_any  # noqa: SLF001
