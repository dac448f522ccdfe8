"""Rows that no cluster will ever take, found before they are sent."""

from __future__ import annotations

from collections.abc import Sequence

from workers.errors import LogError, RecordTooLargeError
from workers.log.contract import Outgoing
from workers.log.kafka_sizes import MOST_OVERHEAD, check_size


def unsendable(outgoing: Outgoing, limit: int) -> dict[int, Exception]:
    """Rows that are too large for their topic, or have neither key nor value.

    Args:
        outgoing: The rows.
        limit: Bytes of the largest record, with the header of a batch of its own.

    Returns:
        By row, its error.
    """
    # Rows without headers of this length or less need not be measured exactly.
    small = limit - MOST_OVERHEAD
    refused: dict[int, Exception] = {}
    headers: list[tuple[str, bytes]] = []
    for row, (key, value) in enumerate(zip(outgoing.keys, outgoing.values, strict=True)):
        if key is None and value is None:
            refused[row] = LogError(f"topic '{outgoing.topic}': a record has neither key nor value")
            continue
        if outgoing.headers is not None:
            headers = [(name, part or b"") for name, part in outgoing.headers[row]]
        if headers or len(value or b"") + len(key or b"") > small:
            try:
                check_size(key, value, headers, limit, outgoing.topic)
            except RecordTooLargeError as error:
                refused[row] = error
    return refused


def largest_row(outgoing: Sequence[Outgoing]) -> tuple[int, int]:
    """Which of several outgoings has the row with the largest value, and which row it is."""
    sizes = [[len(value or b"") for value in rows.values] for rows in outgoing]
    largest = [max(of_one, default=-1) for of_one in sizes]
    guilty = largest.index(max(largest))
    return guilty, sizes[guilty].index(largest[guilty])
