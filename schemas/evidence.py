"""Which spans of the texts weighed most, for the rows of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ContractError

MAX_SPANS = 16
MAX_SPAN_TEXT = 128


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Spans of n texts, as ragged columns: those of row i are ``splits[i]`` to ``splits[i + 1]``.

    Attributes:
        splits: int64[n + 1], from 0 to k, never falling; a row has at most 16 spans.
        starts: int64[k], code points of the original text.
        ends: int64[k], exclusive.
        weights: float64[k], parts of the logit; above 0 they speak for malicious.
        exact: Whether the network's algebra splits the logit into such parts up to rounding, or
            only to first order.
    """

    splits: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.float64]
    exact: bool

    @classmethod
    def of_rows(
        cls, n: int, spans: Mapping[int, Sequence[tuple[int, int, float]]], *, exact: bool
    ) -> Evidence:
        """Evidence of n texts, most of which have none.

        Args:
            n: Texts.
            spans: For each row with evidence its spans: start, end, weight.
            exact: As above.
        """
        rows = sorted(spans)
        counts = np.zeros(n, np.int64)
        counts[rows] = [len(spans[row]) for row in rows]
        flat = [span for row in rows for span in spans[row]]
        return cls(
            splits=np.concatenate([[0], np.cumsum(counts)]),
            starts=np.array([start for start, _, _ in flat], np.int64),
            ends=np.array([end for _, end, _ in flat], np.int64),
            weights=np.array([weight for _, _, weight in flat], np.float64),
            exact=exact,
        )

    def check(self, lengths: NDArray[np.int64]) -> None:
        """Hold the columns against the lengths of the n texts.

        Raises:
            ContractError: columns differ in length, a row has too many spans, a span is empty or
                lies outside its text, or a weight is no finite float32.
        """
        counts = np.diff(self.splits)
        spans = len(self.starts)
        if len(counts) != len(lengths):
            raise ContractError(f"Evidence has {len(counts)} rows for {len(lengths)} texts")
        if (
            self.splits[0] != 0
            or self.splits[-1] != spans
            or (counts < 0).any()
            or len(self.ends) != spans
            or len(self.weights) != spans
        ):
            raise ContractError("The columns of the evidence do not fit each other")
        if (counts > MAX_SPANS).any():
            raise ContractError(f"A row has {counts.max()} spans; at most {MAX_SPANS}")
        last = np.repeat(lengths, counts)
        inside = (self.starts >= 0) & (self.starts < self.ends) & (self.ends <= last)
        if not inside.all():
            span = int(np.argmin(inside))
            raise ContractError(
                f"Span {self.starts[span]} to {self.ends[span]} is empty or outside its text"
            )
        # Sums of a row's weights must be finite as well; networks give float32.
        if not (np.abs(self.weights) <= np.finfo(np.float32).max).all():
            raise ContractError("A weight of the evidence is no finite float32")
