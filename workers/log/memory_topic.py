"""One topic of the in-process log."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

from workers.errors import LogError, RecordTooLargeError
from workers.log.contract import Headers

# Kafka's default: 1 MiB and the 12 bytes of a batch's offset and length.
DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
# As Kafka's format 2: 61 bytes of batch header, 21 of record header and three lengths at most.
_RECORD_OVERHEAD = 61 + 21 + 3 * 5
_HEADER_OVERHEAD = 2 * 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record as it lies in a partition."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True, kw_only=True)
class MemoryPartition:
    """Records in order of offset; offsets may have gaps.

    Attributes:
        begin: Offset of the first record that may be there.
        end: Offset that the next record will get.
        records: What is there.
        spoilt: First and last offset of what cannot be decoded.
    """

    begin: int = 0
    end: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    spoilt: tuple[int, int] | None = None

    def append(
        self, key: bytes | None, value: bytes | None, headers: Headers, timestamp: int
    ) -> None:
        """Add a record at the end."""
        self.records.append(
            StoredRecord(
                offset=self.end, timestamp=timestamp, key=key, value=value, headers=headers
            )
        )
        self.end += 1

    def skip(self, count: int) -> None:
        """Use up offsets without records, as transaction markers and compaction do."""
        self.end += count

    def remove_before(self, offset: int) -> None:
        """Remove a prefix, as retention does."""
        self.begin = max(self.begin, min(offset, self.end))
        del self.records[: self._at(self.begin)]

    def start_anew(self) -> None:
        """Be empty and start at offset 0, as a topic that was deleted and made again."""
        self.begin = self.end = 0
        self.records.clear()

    def read(self, position: int, most: int) -> tuple[list[StoredRecord], int]:
        """Up to ``most`` records from ``position``, and the position after them and their gaps."""
        first = self._at(position)
        found = self.records[first : first + most]
        at_end = first + len(found) == len(self.records)
        after = self.end if at_end else self.records[first + len(found)].offset
        return found, max(position, after)

    def spoilt_at(self, position: int, until: int) -> tuple[int, int] | None:
        """What cannot be decoded, if a reading from one offset to another comes upon it."""
        if self.spoilt is None or not (position <= self.spoilt[1] and self.spoilt[0] < until):
            return None
        return self.spoilt

    def _at(self, offset: int) -> int:
        return bisect.bisect_left(self.records, offset, key=lambda record: record.offset)


class MemoryTopic:
    """Partitions, and how large a record they take."""

    def __init__(self, name: str, partitions: int, max_message_bytes: int) -> None:
        self.name = name
        self.partitions = [MemoryPartition() for _ in range(partitions)]
        self.max_message_bytes = max_message_bytes

    def refusal(self, key: bytes | None, value: bytes | None, headers: Headers) -> LogError | None:
        """Why a record is not taken; None if it is."""
        if key is None and value is None:
            return LogError(f"topic '{self.name}': a record has neither key nor value")
        size = _RECORD_OVERHEAD + len(key or b"") + len(value or b"")
        size += sum(
            _HEADER_OVERHEAD + len(name.encode()) + len(content or b"") for name, content in headers
        )
        if size <= self.max_message_bytes:
            return None
        return RecordTooLargeError(
            f"topic '{self.name}': a record of {size} bytes is over its max.message.bytes, "
            f"{self.max_message_bytes}"
        )
