"""Scores what comes from no log: lines of a file or pages, each answered by one JSON object."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from schemas import verdict
from schemas.causes import Cause, Refusals, RefusedError, Rejects
from schemas.events import Events
from schemas.telemetry import SUBJECTS, decode_lines, in_parts, max_record_bytes
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
        self._before = 0
        self._input: str | None = None
        self._most = max_record_bytes(judge.detector, judge.limits)
        self._oversized = f"The line has more than {self._most} bytes, which are the most taken"

    @property
    def longest_line(self) -> int:
        """Bytes of the longest line that is taken."""
        return self._most

    @property
    def takes_texts(self) -> bool:
        """Whether what is judged are texts, of which lines can be; else they are pages."""
        return self._judge.detector in SUBJECTS

    def begin(self, line: int, name: str | None = None) -> None:
        """What comes next begins with this line, from 1 on, of this input."""
        self._before = line - 1 - self.scored
        self._input = name

    def events(self, lines: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n events as they are on the topic, in order."""
        parts = in_parts(self._judge.detector, lines, self._judge.limits)
        return self._answers(parts, len(lines))

    def texts(self, lines: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n bare texts, in order."""
        subject = SUBJECTS[self._judge.detector]
        return self._answers([decode_lines(lines, subject, max_bytes=self._most)], len(lines))

    def pages(self, pages: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n pages, in order."""
        return [self.page(page) for page in pages]

    def page(self, page: bytes) -> bytes:
        """One JSON object for a page, which may have been cut one byte after its largest size."""
        most = self._judge.limits.max_page_bytes
        if len(page) <= most:
            events = Events.of_pages([page])
            if self._input is not None:
                # As the event says that `weir feed` makes of a page.
                events = replace(events, further=[{"file": as_text(self._input)}])
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
            line = self._before + self.scored + row + 1
            # A reader of files holds no more of an oversized line than shows that it is one.
            told = self._oversized if cause is Cause.OVERSIZED else detail
            error: dict[str, Any] = {"cause": cause.value, "detail": told, "line": line}
            if self._input is not None:
                error["input"] = as_text(self._input)
            given[row] = orjson.dumps({"error": error})


def as_text(name: str) -> str:
    """The name of a file, which may be any bytes, as JSON takes it."""
    return os.fsencode(name).decode("utf-8", "replace")
