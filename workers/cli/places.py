"""Partitions and offsets on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


def offsets_by_partition(option: str, given: Iterable[str]) -> dict[int, int]:
    """Offsets by partition, of ``PARTITION:OFFSET,...``, given once or several times.

    Raises:
        ConfigurationError: it is not that, or names a partition twice.
    """
    found: dict[int, int] = {}
    for pair in ",".join(given).split(",") if given else ():
        partition, colon, offset = pair.strip().partition(":")
        if not (colon and partition.isascii() and offset.isascii()) or not (
            partition.isdigit() and offset.isdigit()
        ):
            raise ConfigurationError(
                f"Option {option} has value {pair!r}: no PARTITION:OFFSET; "
                f"give e.g. {option} 0:1200,1:980"
            )
        if int(partition) in found:
            raise ConfigurationError(f"Option {option} names partition {partition} twice")
        found[int(partition)] = int(offset)
    return found


def partition_numbers(option: str, given: Iterable[str]) -> frozenset[int]:
    """Partitions, of ``0,2,...``, given once or several times.

    Raises:
        ConfigurationError: one is no number.
    """
    found = set()
    for text in ",".join(given).split(","):
        if not (text.strip().isascii() and text.strip().isdigit()):
            raise ConfigurationError(
                f"Option {option} has value {text!r}: no number of a partition; give e.g. "
                f"{option} 0,2"
            )
        found.add(int(text))
    return frozenset(found)
