"""Hashed tokens of pages with logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

# Runs of word characters, or of bytes beyond ASCII (arXiv 1804.05020).
TOKEN = r"[^\x00-\x7F]+|[0-9A-Za-z_]+"  # noqa: S105 - of a page


@dataclass(slots=True, kw_only=True)
class PageTokens:
    """How often a page's tokens occur (logarithms, weighed by rarity), for logistic regression.

    Attributes:
        bits: Tokens are hashed to 2 to this power of bins.
        penalty: Inverse of the L2 penalty's weight.
        most_bytes: Of a page, from its start.
    """

    bits: int = 20
    penalty: float = 100.0
    most_bytes: int = 1 << 20
    _model: Pipeline = field(init=False, repr=False)

    @property
    def name(self) -> str:
        """For tables and pictures."""
        return "hashed tokens, logistic regression"

    def fit(self, subjects: Sequence[bytes], labels: NDArray[np.int8]) -> None:
        """Learn from n pages and labels int8[n]."""
        self._model = make_pipeline(
            HashingVectorizer(
                encoding="latin-1",
                token_pattern=TOKEN,
                n_features=1 << self.bits,
                alternate_sign=False,
                norm=None,
                dtype=np.float32,
            ),
            TfidfTransformer(sublinear_tf=True),
            LogisticRegression(C=self.penalty, max_iter=1000, tol=1e-3),
        )
        self._model.fit(self._cut(subjects), labels)

    def logits(self, subjects: Sequence[bytes]) -> NDArray[np.float32]:
        """Logits float32[n] of n pages."""
        if not len(subjects):
            return np.empty(0, np.float32)
        judged: NDArray[np.float64] = self._model.decision_function(self._cut(subjects))
        return judged.astype(np.float32)

    def _cut(self, pages: Sequence[bytes]) -> list[bytes]:
        return [page[: self.most_bytes] for page in pages]
