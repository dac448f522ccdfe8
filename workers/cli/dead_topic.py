"""What the verbs of dead letters share: the topic, how it is read, and how places are written."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from workers.cli.options import CLIENT
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from workers.log.contract import Log, TopicPartition
    from workers.log.lookup import Bounds, Lookup
    from workers.range_reader import RangeReader, Span
    from workers.settings.policies import Settings

INTERRUPTED: Final = 130

SETTINGS: Final = (
    *CLIENT,
    "input_topic",
    "dead_letter_topic",
    "group_id",
    "isolation_level",
    "log_level",
    "log_format",
)
"""Panels and keys of the settings that these verbs take."""

Detector = Annotated[
    Literal["url", "html", "path"],
    typer.Argument(
        metavar="url|html|path", help="Detector whose dead letters they are.", show_default=False
    ),
]
Causes = Annotated[
    list[str] | None,
    typer.Option(
        "--cause",
        metavar="CODE",
        help="Letters of this cause only, e.g. not-json; repeatable. Default: all causes.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadTopic:
    """The dead-letter topic of a detector's settings.

    Attributes:
        settings: Of the detector's workers.
        log: Makes sources of a group of its own, and transactions.
        lookup: Answers questions about the cluster.
        stopping: Set by SIGINT and SIGTERM within `reading`'s caller.
    """

    settings: Settings
    log: Log
    lookup: Lookup
    stopping: threading.Event

    @property
    def name(self) -> str:
        """The topic's name."""
        return self.settings.topics.dead_letter_topic

    def bounds(self) -> Mapping[TopicPartition, Bounds]:
        """Where its partitions begin and end now."""
        return self.lookup.bounds(self.name)

    def ends_before(
        self, bounds: Mapping[TopicPartition, Bounds], until: int | None
    ) -> dict[TopicPartition, int]:
        """In each partition the end, or the first letter later than ``until`` (milliseconds)."""
        ends = {place: bound.end for place, bound in bounds.items()}
        if until is not None:
            later = self.lookup.first_since(self.name, until + 1)
            ends |= {place: min(ends[place], later[place]) for place in ends if place in later}
        return ends

    @contextmanager
    def reading(
        self, spans: Mapping[TopicPartition, Span], bounds: Mapping[TopicPartition, Bounds]
    ) -> Iterator[RangeReader]:
        """A reader of these spans, closed at the end."""
        from workers.range_reader import RangeReader  # noqa: PLC0415

        reader = RangeReader(
            self.log,
            self.name,
            spans,
            places=frozenset(bounds),
            retry=self.settings.retry,
            stopping=self.stopping,
        )
        try:
            yield reader
        finally:
            reader.close()


def open_topic(given: Given, detector: str) -> DeadTopic:
    """The topic that the settings name; nothing is connected yet."""
    from workers import journal  # noqa: PLC0415
    from workers.cli.logs import open_log, open_lookup  # noqa: PLC0415

    settings = load(given, detector=detector, role="dead").settings
    journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
    connection = replace(
        settings.connection,
        # Beginning as the workers' group does, where access is granted by such a prefix.
        group_id=f"{settings.connection.group_id}-dead-{secrets.token_hex(4)}",
        group_instance_id=None,
        auto_offset_reset="earliest",
    )
    return DeadTopic(
        settings=settings,
        log=open_log(connection),
        lookup=open_lookup(connection),
        stopping=threading.Event(),
    )


def known_causes(causes: Collection[str] | None) -> frozenset[str]:
    """The codes given; empty where none was.

    Raises:
        ConfigurationError: there is no such cause.
    """
    from schemas.causes import Cause  # noqa: PLC0415

    known = [cause.value for cause in Cause]
    for cause in causes or ():
        if cause not in known:
            raise ConfigurationError(
                f"Option --cause has value {cause!r}: no cause of dead letters; give one of "
                + ", ".join(known)
            )
    return frozenset(causes or ())


def place_text(topic: str, partition: int, offset: int) -> str:
    """Where a record is, as all messages write it."""
    return f"{topic}[{partition}] offset {offset}"


def value_text(value: bytes | None, most: int) -> str:
    """The beginning of a value, for people: printable, at most so many characters."""
    from schemas.text import shortened, visible  # noqa: PLC0415

    if value is None:
        return "no value"
    # No character takes more than four bytes; one that is cut in two is escaped.
    text = value[: 4 * most + 4].decode(errors="backslashreplace")
    return shortened(visible(text), most)
