"""Scores lines off Kafka: events or bare texts in, verdicts or errors out, in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from schemas import verdict
from schemas.causes import Rejects
from schemas.telemetry import DECODERS, SUBJECTS, decode_lines
from workers.judge import Judge


class LineScorer:
    """Gives every line one JSON object: a verdict, or what was wrong with the line.

    Args:
        judge: Decides.
        detector: The name of its detector.
        are_json: Whether lines are events as on a topic, or bare texts.

    Attributes:
        lines: Lines so far.
        refused: Those of them that could not be judged.
    """

    def __init__(self, judge: Judge, detector: str, *, are_json: bool) -> None:
        self._judge = judge
        self._decode = DECODERS[detector]
        self._subject = SUBJECTS[detector]
        self._are_json = are_json
        self.lines = 0
        self.refused = 0

    def score(self, lines: Sequence[bytes]) -> list[bytes]:
        """One JSON object for each of n lines, in order."""
        events = self._decode(lines) if self._are_json else decode_lines(lines, self._subject)
        given: list[bytes] = [b""] * len(lines)
        verdicts, rows, not_finite = self._judge.judge(events)
        for row, encoded in zip(rows.tolist(), verdict.encode(verdicts), strict=True):
            given[row] = encoded
        for rejects in (events.rejects, not_finite):
            self._refuse(rejects, given)
        self.lines += len(lines)
        return given

    def _refuse(self, rejects: Rejects, given: list[bytes]) -> None:
        self.refused += len(rejects)
        for row, cause, detail in zip(
            rejects.rows.tolist(), rejects.causes, rejects.details, strict=True
        ):
            error: dict[str, Any] = {
                "error": {"cause": cause.value, "detail": detail, "line": self.lines + row + 1}
            }
            given[row] = orjson.dumps(error)
