"""Hashed character n-grams with logistic regression by stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier

from models.compiled import compiled

# Rows hashed at once: some 100 MB of bins at 240 n-grams a text.
CHUNK = 1 << 16
# FNV-1a over code points, then a multiplication by 2^64 over the golden ratio, whose top bits are
# the bin (http://www.isthe.com/chongo/tech/comp/fnv/).
BASIS = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
SPREAD = np.uint64(0x9E3779B97F4A7C15)
_FOLD_SHIFT = np.uint64(32)


@dataclass(slots=True, kw_only=True)
class CharacterNgrams:
    """Which n-grams a text holds, hashed to bins, judged by logistic regression.

    A bin counts once however often its n-grams occur, and each text's vector has length 1, so
    that long texts weigh no more. Texts are lower-cased.

    Attributes:
        shortest: Characters of the shortest n-grams.
        longest: Characters of the longest n-grams.
        bits: The bins are 2 to this power.
        passes: Over the rows, each in another order.
        alpha: Weight of the L2 penalty.
        seed: Of the orders.
    """

    shortest: int = 1
    longest: int = 4
    bits: int = 20
    passes: int = 8
    alpha: float = 1e-6
    seed: int = 0
    _model: SGDClassifier = field(init=False, repr=False)

    @property
    def name(self) -> str:
        """For tables and pictures."""
        return f"hashed {self.shortest}- to {self.longest}-grams, logistic regression"

    def fit(self, subjects: Sequence[str], labels: NDArray[np.int8]) -> None:
        """Learn from n texts and labels int8[n]."""
        random = np.random.default_rng(self.seed)
        self._model = SGDClassifier(loss="log_loss", alpha=self.alpha, random_state=self.seed)
        for _ in range(self.passes):
            order = random.permutation(len(subjects))
            for start in range(0, len(order), CHUNK):
                rows = order[start : start + CHUNK]
                self._model.partial_fit(
                    self._bins([subjects[row] for row in rows]), labels[rows], classes=[0, 1]
                )

    def logits(self, subjects: Sequence[str]) -> NDArray[np.float32]:
        """Logits float32[n] of n texts."""
        return np.concatenate([np.empty(0, np.float32), *self._judged(subjects)])

    def _judged(self, subjects: Sequence[str]) -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(subjects), CHUNK):
            some = self._bins(subjects[start : start + CHUNK])
            yield self._model.decision_function(some).astype(np.float32)

    def _bins(self, texts: Sequence[str]) -> csr_matrix:
        """float32[n, 2 ** bits], sparse, rows of length 1."""
        lowered = [text.lower() for text in texts]
        ends = np.cumsum([0, *map(len, lowered)], dtype=np.int64)
        points = np.frombuffer("".join(lowered).encode("utf-32-le", "surrogatepass"), np.uint32)
        columns, starts = _hashed(points, ends, self.shortest, self.longest, self.bits)
        counts = np.diff(starts)
        values = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
        return csr_matrix((values, columns, starts), shape=(len(texts), 1 << self.bits))


@compiled
def _hashed(
    points: NDArray[np.uint32], ends: NDArray[np.int64], shortest: int, longest: int, bits: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Bins int32 of each text's n-grams, sorted and each once, and where each text's begin."""
    bin_shift = np.uint64(64 - bits)
    columns = np.empty(len(points) * (longest - shortest + 1), np.int32)
    starts = np.zeros(len(ends), np.int32)
    filled = 0
    for row in range(len(ends) - 1):
        first = filled
        for start in range(ends[row], ends[row + 1]):
            digest = BASIS
            for end in range(start, min(start + longest, ends[row + 1])):
                digest = (digest ^ np.uint64(points[end])) * PRIME
                if end - start + 1 >= shortest:
                    mixed = (digest ^ (digest >> _FOLD_SHIFT)) * SPREAD
                    columns[filled] = np.int32(mixed >> bin_shift)
                    filled += 1
        own = np.sort(columns[first:filled])
        filled = first
        for number in range(len(own)):
            if number == 0 or own[number] != own[number - 1]:
                columns[filled] = own[number]
                filled += 1
        starts[row + 1] = filled
    return columns[:filled], starts
