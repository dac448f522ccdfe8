"""Scores what comes from no log: lines of a file or pages, each answered by one JSON object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from schemas import verdict
from schemas.causes import Cause, Refusals, RefusedError, Rejects
from schemas.events import Events
from schemas.telemetry import SUBJECTS, decode_lines, in_parts
from workers.judge import Judge


class Scorer:
    """Gives everything one JSON object: a verdict, or what was wrong with it.

    Args:
        judge: Decides.

    Attributes:
        scored: Lines or pages so far.
        refused: Those of them that could not be judged.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.scored = 0
        self.refused = 0

    def events(self, lines: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n events as they are on the topic, in order."""
        parts = in_parts(self._judge.detector, lines, self._judge.limits)
        return self._answers(parts, len(lines))

    def texts(self, lines: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n bare texts, in order."""
        subject = SUBJECTS[self._judge.detector]
        most = self._judge.limits.max_text_record_bytes
        return self._answers([decode_lines(lines, subject, max_bytes=most)], len(lines))

    def page(self, page: bytes) -> bytes:
        """One JSON object for a page, which may have been cut one byte after its largest size."""
        most = self._judge.limits.max_page_bytes
        if len(page) <= most:
            events = Events.of_pages([page])
        else:
            refusals = Refusals()
            detail = f"The page has more than {most} bytes, which are the most that are taken"
            refusals.add(0, RefusedError(Cause.PAGE_TOO_LARGE, detail))
            events = Events.of_pages([], rejects=refusals.columns())
        (answer,) = self._answers([events], 1)
        return answer

    def _answers(self, parts: Iterable[Events], count: int) -> list[bytes]:
        given: list[bytes] = [b""] * count
        for events in parts:
            self._refuse(events.rejects, given)
            for verdicts, rows, refused in self._judge.judge(events):
                for row, encoded in zip(rows.tolist(), verdict.encode(verdicts), strict=True):
                    given[row] = encoded
                self._refuse(refused, given)
        self.scored += count
        return given

    def _refuse(self, rejects: Rejects, given: list[bytes]) -> None:
        self.refused += len(rejects)
        for row, cause, detail in zip(
            rejects.rows.tolist(), rejects.causes, rejects.details, strict=True
        ):
            error: dict[str, Any] = {
                "error": {"cause": cause.value, "detail": detail, "line": self.scored + row + 1}
            }
            given[row] = orjson.dumps(error)
