"""Which spans of the subjects weighed most, for the rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ContractError

MAX_SPANS = 16
MAX_SPAN_TEXT = 128

CHARACTERS = "characters"
WINDOW = "window"
TOKEN = "token"  # noqa: S105 - a word of a page
SPAN_KINDS = (CHARACTERS, WINDOW, TOKEN)
"""What a span can be: characters of a text; a window of a page; a token within such a window,
whose weight is a part of the window's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Spans of n subjects, as ragged columns: row i's are ``splits[i]`` to ``splits[i + 1]``.

    Attributes:
        splits: int64[n + 1], from 0 to k, never falling; a row has at most 16 spans.
        starts: int64[k], code points of the original text, or bytes of the page.
        ends: int64[k], exclusive.
        weights: float64[k], parts of the logit; above 0 they speak for malicious.
        kinds: k of `SPAN_KINDS`.
        texts: k excerpts; None where it is cut from the text that was judged, which pages do not
            allow.
        exact: Whether the network's algebra splits the logit into such parts up to its
            rounding, or only to first order.
    """

    splits: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.float64]
    kinds: Sequence[str]
    texts: Sequence[str | None]
    exact: bool

    def take(self, rows: NDArray[np.integer]) -> Evidence:
        """The evidence of these subjects, in this order."""
        splits = self.splits.tolist()
        spans = [span for row in rows.tolist() for span in range(splits[row], splits[row + 1])]
        return Evidence(
            splits=np.concatenate([[0], np.cumsum(np.diff(self.splits)[rows])]),
            starts=self.starts[spans],
            ends=self.ends[spans],
            weights=self.weights[spans],
            kinds=[self.kinds[span] for span in spans],
            texts=[self.texts[span] for span in spans],
            exact=self.exact,
        )

    def check(self, lengths: NDArray[np.int64]) -> None:
        """Hold the columns against the lengths of the n subjects.

        Raises:
            ContractError: columns differ in length, a row has too many spans, a span is empty or
                lies outside its subject, is of no known kind, has an empty text, or a weight that
                is no finite float32.
        """
        counts = np.diff(self.splits)
        spans = len(self.starts)
        if len(counts) != len(lengths):
            raise ContractError(f"Evidence has {len(counts)} rows for {len(lengths)} subjects")
        if (
            self.splits[0] != 0
            or self.splits[-1] != spans
            or (counts < 0).any()
            or any(
                len(column) != spans for column in (self.ends, self.weights, self.kinds, self.texts)
            )
        ):
            raise ContractError("The columns of the evidence do not fit each other")
        if (counts > MAX_SPANS).any():
            raise ContractError(f"A row has {counts.max()} spans; at most {MAX_SPANS}")
        last = np.repeat(lengths, counts)
        inside = (self.starts >= 0) & (self.starts < self.ends) & (self.ends <= last)
        if not inside.all():
            span = int(np.argmin(inside))
            raise ContractError(
                f"Span {self.starts[span]} to {self.ends[span]} is empty or outside its subject"
            )
        # Sums of a row's weights must be finite as well; networks give float32.
        if not (np.abs(self.weights) <= np.finfo(np.float32).max).all():
            raise ContractError("A weight of the evidence is no finite float32")
        if unknown := set(self.kinds) - set(SPAN_KINDS):
            raise ContractError(f"A span is of kind {min(unknown)!r}; known are {SPAN_KINDS}")
        if "" in self.texts:
            raise ContractError(f"The text of span {list(self.texts).index('')} is empty")
