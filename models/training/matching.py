"""Rows of both labels with like lengths, so that a figure cannot rest on length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A doubling is told from the next in as many steps.
STEPS_A_DOUBLING = 2


def length_matched(
    lengths: NDArray[np.int64], labels: NDArray[np.int8], seed: int = 0
) -> NDArray[np.bool_]:
    """Which rows to keep so that both labels have the same lengths, but for 41 % (half a doubling).

    In each step of length rows are dropped at random until the ratio of the labels is the one over
    all rows, or as near as whole rows come; steps that lack a label are dropped.

    Args:
        lengths: int64[n], 0 or more.
        labels: int8[n], 0 benign, 1 malicious.
        seed: Of the drawing.
    """
    random = np.random.default_rng(seed)
    steps = np.floor(STEPS_A_DOUBLING * np.log2(lengths + 1.0)).astype(np.int64)
    malicious = labels != 0
    positives = int(malicious.sum())
    kept = np.zeros(len(labels), np.bool_)
    if not positives or positives == len(labels):
        return kept
    ratio = (len(labels) - positives) / positives
    for step in np.unique(steps):
        bad = random.permutation(np.flatnonzero((steps == step) & malicious))
        good = random.permutation(np.flatnonzero((steps == step) & ~malicious))
        if len(bad) and len(good):
            of_bad = max(1, min(len(bad), round(len(good) / ratio)))
            of_good = max(1, min(len(good), round(of_bad * ratio)))
            kept[bad[:of_bad]] = True
            kept[good[:of_good]] = True
    return kept
