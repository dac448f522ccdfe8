from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.training.matching import length_matched
from models.training.metrics import area_under_roc


def test_after_matching_length_tells_nothing() -> None:
    random = np.random.default_rng(0)
    labels = (random.random(4000) < 0.2).astype(np.int8)
    lengths = np.exp(random.normal(8 + labels, 1.5)).astype(np.int64)
    kept = length_matched(lengths, labels)
    assert area_under_roc(lengths.astype(np.float32), labels) > 0.65
    assert abs(area_under_roc(lengths[kept].astype(np.float32), labels[kept]) - 0.5) < 0.03
    assert kept.sum() > 1500
    assert abs(labels[kept].mean() - 0.2) < 0.03


@given(st.lists(st.tuples(st.integers(0, 1 << 25), st.booleans()), max_size=60), st.integers(0, 9))
def test_lengths_of_one_label_alone_are_dropped(rows: list[tuple[int, bool]], seed: int) -> None:
    lengths = np.array([length for length, _ in rows], np.int64)
    labels = np.array([label for _, label in rows], np.int8)
    kept = length_matched(lengths, labels, seed)
    assert kept.tolist() == length_matched(lengths, labels, seed).tolist()
    for row in np.flatnonzero(kept):
        near = np.abs(np.log2(lengths[kept] + 1) - np.log2(lengths[row] + 1)) <= 0.5
        assert len(np.unique(labels[kept][near])) == 2
