"""The range of `weir replay`, as it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.cli.moments import milliseconds, shown
from workers.cli.places import offsets_by_partition, partition_numbers
from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from workers.replay.range import Wanted


def wanted_range(
    from_time: str | None,
    to_time: str | None,
    from_offsets: list[str] | None,
    to_offsets: list[str] | None,
    partitions: list[str] | None,
) -> Wanted:
    """The range that was asked for, and the same in words that hold for whoever comes later.

    Raises:
        ConfigurationError: an option has a value that cannot be used.
    """
    from workers.replay.range import Wanted  # noqa: PLC0415
    from workers.scope import Asked  # noqa: PLC0415

    begin = None if from_time is None else milliseconds(from_time, "--from")
    end = None if to_time is None else milliseconds(to_time, "--to")
    asked = Asked(
        to="end",
        from_offsets=offsets_by_partition("--from-offsets", from_offsets or ()),
        to_offsets=offsets_by_partition("--to-offsets", to_offsets or ()),
        from_time=begin,
        to_time=end,
    )
    if begin is not None and end is not None and end < begin:
        raise ConfigurationError(
            f"Option --to has value {to_time!r}: before --from, {from_time!r}; give a later one"
        )
    chosen = partition_numbers("--partitions", partitions) if partitions else None
    words = [
        f"{option} {_as_told(text, at)}"
        for option, text, at in (
            ("--from", from_time, asked.from_time),
            ("--to", to_time, asked.to_time),
        )
        if text is not None and at is not None
    ]
    words += [
        f"{option} " + ",".join(f"{number}:{offset}" for number, offset in sorted(offsets.items()))
        for option, offsets in (
            ("--from-offsets", asked.from_offsets),
            ("--to-offsets", asked.to_offsets),
        )
        if offsets
    ]
    if chosen is not None:
        words.append("--partitions " + ",".join(map(str, sorted(chosen))))
    return Wanted(asked=asked, partitions=chosen, words=" ".join(words) or "all there is")


def _as_told(text: str, at: int) -> str:
    """One spelling of a point in time; what is told from now on stays as it was told."""
    return text if text[-1:].isalpha() and text[:-1].isdigit() else shown(at)
