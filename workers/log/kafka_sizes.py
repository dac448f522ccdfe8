"""How large a record may be on its way to a Kafka topic."""

from __future__ import annotations

from typing import Final

from kafka.record.default_records import DefaultRecordBatchBuilder

from workers.errors import RecordTooLargeError

# A compressed batch of incompressible data is larger than the data, by 1/256 and 64 bytes at most
# for lz4 and zstd (their frame formats), and less for gzip. Brokers hold the compressed batch
# against the topic's limit, so rows must leave room for that.
_GROWTH: Final = 256
_GROWTH_FIXED: Final = 64
# Headers of the batch (61 bytes) and the record (21), three lengths of up to 5 bytes.
MOST_OVERHEAD: Final = 61 + 21 + 3 * 5


def largest_record(max_message_bytes: int, *, compressed: bool, max_request_size: int) -> int:
    """Size, with the header of a batch of its own, of the largest record that can be sent.

    Args:
        max_message_bytes: What the topic takes, in a batch as the broker gets it.
        compressed: Whether the client compresses batches.
        max_request_size: What the client takes.
    """
    limit = max_message_bytes
    if compressed:
        limit = (limit - _GROWTH_FIXED) * _GROWTH // (_GROWTH + 1)
    return min(limit, max_request_size)


def needed_message_bytes(record_bytes: int) -> int:
    """``max.message.bytes`` of a topic that takes records of this size however they compress.

    Args:
        record_bytes: Key, value and headers of the largest record.
    """
    size = record_bytes + MOST_OVERHEAD
    return -(-size * (_GROWTH + 1) // _GROWTH) + _GROWTH_FIXED


def check_size(
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes]],
    limit: int,
    topic: str,
) -> None:
    """Raise where a record is over the limit.

    Raises:
        RecordTooLargeError: it is.
    """
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    if size > limit:
        raise RecordTooLargeError(
            f"topic '{topic}': a record of {size} bytes is over the {limit} that the topic's "
            "max.message.bytes and the client's max.request.size leave room for"
        )
