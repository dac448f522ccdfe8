"""Which verdicts of a side are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workers.errors import ConfigurationError

if TYPE_CHECKING:
    from workers.range_reader import Span

# Of a digest's 64 digits; fewer could be a version, or meant for another one.
_FEWEST_DIGITS: Final = 6
_DIGEST: Final = re.compile(rf"[0-9a-f]{{{_FEWEST_DIGITS},64}}")
_NAMED: Final = re.compile(r"(?P<name>[^@\s]+)@(?P<version>[^@\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWanted:
    """One model among those that a side may have verdicts of.

    Attributes:
        name: Its name; None where a digest says which.
        version: Its version.
        digest: What its digest begins with.
    """

    name: str | None = None
    version: str | None = None
    digest: str = ""

    @classmethod
    def parse(cls, text: str, option: str) -> ModelWanted:
        """Read ``url@3``, or the beginning of a digest.

        Raises:
            ConfigurationError: it is neither.
        """
        if (named := _NAMED.fullmatch(text)) is not None:
            return cls(name=named["name"], version=named["version"])
        if _DIGEST.fullmatch(text):
            return cls(digest=text)
        raise ConfigurationError(
            f"Option {option} has value {text!r}: no model; give NAME@VERSION, e.g. url@3, or the "
            f"first {_FEWEST_DIGITS} digits or more of a digest"
        )

    def fits(self, model: Mapping[str, Any]) -> bool:
        """Whether a verdict's ``model`` is this one."""
        if self.name is not None:
            return (model["name"], model["version"]) == (self.name, self.version)
        return str(model["digest"]).startswith(self.digest)

    def __str__(self) -> str:
        return self.digest if self.name is None else f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A range of events; verdicts that name no event of a log are outside of every range.

    Attributes:
        topic: Where the events are; None for any topic.
        spans: Offsets by partition, partitions that are not named being outside; None for all.
        from_time: Milliseconds since the epoch: events of this time or later.
        to_time: Events before this time.
    """

    topic: str | None = None
    spans: Mapping[int, Span] | None = None
    from_time: int | None = None
    to_time: int | None = None

    def holds(self, source: Mapping[str, Any] | None) -> bool:
        """Whether a verdict's ``source`` is of the range."""
        if source is None:
            return False
        if self.topic is not None and source["topic"] != self.topic:
            return False
        if self.spans is not None:
            span = self.spans.get(source["partition"])
            if span is None or not span.begin <= source["offset"] < span.end:
                return False
        time = source["timestamp"]
        if self.from_time is not None and time < self.from_time:
            return False
        return self.to_time is None or bool(time < self.to_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is taken of one side; by default everything.

    Attributes:
        detector: Of this detector only.
        model: Of this model only.
        run: Of this replay only.
        within: On these events only.
    """

    detector: str | None = None
    model: ModelWanted | None = None
    run: str | None = None
    within: Within | None = None
