"""The events whose labels moved furthest, as they are met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.label import LABELS
from workers.comparing.comparison import Moved

# Times as many as are wanted are held before the rest is let go: sorting then costs little.
_SLACK: Final = 4


class Ranking:
    """Keeps the first few by change of logit.

    Args:
        most: How many.
        sign: 1 to rank by falling change, -1 by rising change.
    """

    def __init__(self, most: int, sign: int) -> None:
        self._most = most
        self._sign = sign
        self._held: list[Moved] = []

    def take(
        self, verdict: Mapping[str, Any], old_label: int, old_logit: float, new_label: int
    ) -> None:
        """Enter an event by its new verdict."""
        source = verdict["source"]
        place = source and f"{source['topic']}[{source['partition']}] offset {source['offset']}"
        self._held.append(
            Moved(
                subject=verdict["subject"],
                record_id=verdict["record_id"],
                place=place,
                event_id=verdict["event_id"],
                old_label=LABELS[old_label].value,
                new_label=LABELS[new_label].value,
                old_logit=old_logit,
                new_logit=float(verdict["logit"]),
            )
        )
        if len(self._held) > _SLACK * self._most:
            self._held = list(self.first())

    def first(self) -> tuple[Moved, ...]:
        """In order; what moved equally far by subject."""
        ranked = sorted(
            self._held,
            key=lambda one: (-self._sign * one.change, one.subject, one.record_id or ""),
        )
        return tuple(ranked[: self._most])
