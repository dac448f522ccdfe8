"""Fits scores to shares of malicious rows, and measures how well they hold.

The rows of a data set say nothing of how much of the world is malicious: a third of ours are,
because feeds are easy to gather. So rows are weighted until malicious ones make up `FIELD_PRIOR`
of all weight, and everything here (fit, curve, error) is told at that prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibration, sigmoid
from models.errors import DataError
from models.training.metrics import wilson_interval

# One in a hundred. An assumption and not a measurement, chosen by what a score is for: a person
# reads it on an alert, of traffic whose well-known part raises none. Of all requests far fewer are
# malicious (one in 10,000 or less), and scores at that prior would leave plain phishing below a
# half. At a benchmark's half and half, alerts of a detector that finds 60 % at 0.1 % false
# positives would read 0.998 on average, and where one event in a thousand is malicious be right
# four times in ten. Whoever knows their own share says `Calibration.rebased`.
FIELD_PRIOR = 0.01
BINS = 15
# Newton's method takes some ten steps; halving one sixty times leaves nothing of it in float64.
MOST_STEPS = 200
MOST_HALVINGS = 60
CLOSE_ENOUGH = 1e-10
# Of logits that tell nothing (or the wrong way round): nearly flat, and still strictly monotone.
SMALLEST_SCALE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows with like scores, and what share of them is malicious, both at the prior.

    Attributes:
        benign: Rows.
        malicious: Rows.
        mass: Share of all events that falls here.
        score: Mean score of those events.
        share: Of malicious ones among them.
        interval: Of ``share``, 95 % (Wilson's of the rows' counts, carried over to the prior).
    """

    benign: int
    malicious: int
    mass: float
    score: float
    share: float
    interval: tuple[float, float]

    def as_json(self) -> dict[str, object]:
        """For reports."""
        return {
            "benign": self.benign,
            "malicious": self.malicious,
            "mass": self.mass,
            "score": self.score,
            "share": self.share,
            "interval": list(self.interval),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How far scores are off.

    Attributes:
        calibration: That gave the scores.
        bins: By score, lowest first.
        expected_error: Mean of ``|score - share|`` over the bins by mass (expected calibration
            error; Naeini et al. 2015), at the prior.
        even_error: The same were both labels equally frequent. At a small prior nearly all mass
            lies at scores near 0 and ``expected_error`` with it; this one looks at the others.
    """

    calibration: Calibration
    bins: tuple[Bin, ...]
    expected_error: float
    even_error: float

    def as_json(self) -> dict[str, object]:
        """For manifests and reports."""
        return {
            "calibration": self.calibration.as_json(),
            "expected_error": self.expected_error,
            "even_error": self.even_error,
            "bins": [each.as_json() for each in self.bins],
        }


def fit_calibration(
    logits: NDArray[np.float32], labels: NDArray[np.int8], prior: float = FIELD_PRIOR
) -> Calibration:
    """Platt scaling (Platt 1999) of validation rows, in float64.

    Minimises the cross-entropy of ``sigmoid(a * logit + b)`` over rows weighted to the prior, by
    Newton's method with halved steps (Lin, Lin & Weng 2007, doi 10.1007/s10994-007-5018-6).
    Targets lie a little within 0 and 1, so that labels told apart without a mistake still have a
    finite scale: Platt's ``(N+ + 1) / (N+ + 2)`` and ``1 / (N- + 2)`` at a prior of a half, and at
    others mixed by the prior: ``1 / (N- + 2)`` of many benign rows would outweigh a small one.

    Args:
        logits: float32[n].
        labels: int8[n], 0 benign, 1 malicious; both must occur.
        prior: Share of malicious events to calibrate for.

    Raises:
        DataError: one of the labels has no row.
        ValueError: ``prior`` is not between 0 and 1.
    """
    Calibration(prior=prior)
    malicious = labels != 0
    positives, negatives = int(malicious.sum()), int((~malicious).sum())
    if not positives or not negatives:
        raise DataError(
            f"calibration needs both labels, and has {negatives} benign and {positives} "
            "malicious rows"
        )
    exact = logits.astype(np.float64)
    weights = _weights(malicious, prior)
    targets = np.where(
        malicious, 1 - 2 * (1 - prior) / (positives + 2), 2 * prior / (negatives + 2)
    )
    scale, offset = _newton(exact, targets, weights)
    if scale < SMALLEST_SCALE:
        scale, offset = SMALLEST_SCALE, _offset(SMALLEST_SCALE * exact, targets, weights)
    return Calibration(scale=scale, offset=offset, prior=prior)


def reliability(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    calibration: Calibration,
    bins: int = BINS,
) -> Reliability:
    """Compare scores with shares of malicious rows, at the calibration's prior.

    Bins hold equal mass (equal scores never part) as if both labels were equally frequent: by
    mass at a prior of 1 %, all scores that matter would share one bin.

    Args:
        logits: float32[n].
        labels: int8[n]; both labels must occur.
        calibration: Gives the scores.
        bins: At most so many.

    Raises:
        DataError: one of the labels has no row.
    """
    malicious = labels != 0
    if not malicious.any() or malicious.all():
        raise DataError("reliability needs rows of both labels")
    order = np.argsort(logits, kind="stable")
    malicious = malicious[order]
    scores = calibration.scores(logits[order])
    weights = _weights(malicious, calibration.prior)
    even = _weights(malicious, 0.5)
    starts = np.flatnonzero(np.diff(_bin_of_row(logits[order], even, bins), prepend=-1))
    made, errors = [], []
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        rows = slice(int(start), int(end))
        made.append(_bin(scores[rows], malicious[rows], weights[rows], calibration.prior, labels))
        # A half and half world reads other scores from the same logits.
        shifted = calibration.rebased(0.5).scores(logits[order][rows])
        mass = even[rows].sum()
        gap = (even[rows] * (shifted - malicious[rows])).sum() / mass
        errors.append(mass * abs(gap))
    return Reliability(
        calibration=calibration,
        bins=tuple(made),
        expected_error=sum(each.mass * abs(each.score - each.share) for each in made),
        even_error=float(sum(errors)),
    )


def _weights(malicious: NDArray[np.bool_], prior: float) -> NDArray[np.float64]:
    """Weights float64[n] that sum to 1, those of the malicious rows to ``prior``."""
    positives = int(malicious.sum())
    return np.where(malicious, prior / positives, (1 - prior) / (len(malicious) - positives))


def _bin_of_row(
    logits: NDArray[np.float32], weights: NDArray[np.float64], bins: int
) -> NDArray[np.int64]:
    """Number of the bin int64[n] of sorted rows, the same for equal logits."""
    middles = np.cumsum(weights) - weights / 2
    _, first = np.unique(logits, return_index=True)
    counts = np.diff(np.append(first, len(logits)))
    numbers = np.minimum((middles * bins).astype(np.int64), bins - 1)
    return np.repeat(numbers[first + counts // 2], counts)


def _bin(
    scores: NDArray[np.float64],
    malicious: NDArray[np.bool_],
    weights: NDArray[np.float64],
    prior: float,
    labels: NDArray[np.int8],
) -> Bin:
    positives = int(malicious.sum())
    everywhere = int(np.count_nonzero(labels))
    # Odds of the rows, times this, are odds at the prior.
    carried = (prior / everywhere) / ((1 - prior) / (len(labels) - everywhere))
    low, high = wilson_interval(positives, len(malicious))
    mass = float(weights.sum())
    return Bin(
        benign=len(malicious) - positives,
        malicious=positives,
        mass=mass,
        score=float((weights * scores).sum() / mass),
        share=float(weights[malicious].sum() / mass),
        interval=(_carry(low, carried), _carry(high, carried)),
    )


def _carry(share: float, factor: float) -> float:
    return share * factor / (share * factor + 1 - share)


def _newton(
    logits: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Scale and offset of the least loss; logits are centred and scaled meanwhile."""
    middle, spread = float(np.mean(logits)), float(np.std(logits))
    if not spread:
        return 0.0, 0.0
    inputs = np.stack([(logits - middle) / spread, np.ones_like(logits)])
    found = np.array([0.0, math.log(float(weights @ targets) / float(weights @ (1 - targets)))])
    loss = _loss(found @ inputs, targets, weights)
    for _ in range(MOST_STEPS):
        scores = sigmoid(found @ inputs)
        gradient = inputs @ (weights * (scores - targets))
        curvature = (inputs * (weights * scores * (1 - scores))) @ inputs.T
        step = np.linalg.solve(curvature + 1e-14 * np.eye(2), gradient)
        if abs(float(gradient @ step)) < CLOSE_ENOUGH * loss:
            break
        for _ in range(MOST_HALVINGS):
            better = _loss((found - step) @ inputs, targets, weights)
            if better < loss:
                break
            step = step / 2
        else:
            break
        found, loss = found - step, better
    scale = float(found[0]) / spread
    return scale, float(found[1]) - scale * middle


def _offset(
    scaled: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """The offset at which scores have the targets' mean, by bisection."""
    wanted = float(weights @ targets)
    low, high = -float(np.max(scaled)) - 40.0, -float(np.min(scaled)) + 40.0
    for _ in range(MOST_STEPS):
        middle = (low + high) / 2
        if float(weights @ sigmoid(scaled + middle)) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _loss(
    values: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> float:
    """Weighted cross-entropy of sigmoid(values): log(1 + exp(v)) - t * v."""
    return float(weights @ (np.logaddexp(0.0, values) - targets * values))
