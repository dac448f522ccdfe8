"""Scores pieces, in this process or in others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workers.archives.packing import Output, packer
from workers.archives.pieces import Piece

if TYPE_CHECKING:
    from workers.scoring import Scorer

# Enough lines for a batch to be worth its while; more gain an engine nothing.
_BATCH: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came of a piece.

    Attributes:
        data: A piece of the output.
        scored: Lines, rows or pages.
        refused: Those of them that could not be judged.
    """

    data: bytes
    scored: int
    refused: int


class PieceScorer:
    """Answers every line of a piece.

    Args:
        scorer: Answers lines.
        output: How the output is written.
    """

    def __init__(self, scorer: Scorer, output: Output) -> None:
        self._scorer = scorer
        self._pack = packer(output)

    def __call__(self, piece: Piece) -> Answered:
        """Lines become JSON objects, in order; a bad one costs itself alone."""
        scorer = self._scorer
        scorer.begin(piece.first, piece.input)
        refused = scorer.refused
        lines = piece.split()
        answers: list[bytes] = []
        score = self._score(piece)
        for start in range(0, len(lines), _BATCH):
            answers += score(lines[start : start + _BATCH])
        return Answered(
            data=self._pack(answers), scored=len(lines), refused=scorer.refused - refused
        )

    def _score(self, piece: Piece) -> Callable[[Sequence[bytes]], list[bytes]]:
        if piece.events:
            return self._scorer.events
        return self._scorer.texts if self._scorer.takes_texts else self._scorer.pages
