"""What a SOC should expect of a day's alerts, at several shares of malicious events."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.slices import Outcome

PRIORS = (1e-2, 1e-3, 1e-4)
EVENTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Of a million events, at one prior and one threshold.

    Attributes:
        prior: Share of malicious events.
        alerts: Events at or above the threshold.
        right: Share of the alerts that are malicious.
        interval: Of ``right``: with the low end of detection's interval and the high end of that
            of false positives, and the other way round.
    """

    prior: float
    alerts: float
    right: float
    interval: tuple[float, float]


def expectation(outcome: Outcome, prior: float) -> Expectation | None:
    """What an outcome on test means at a prior; None where a label had no row."""
    detected, flagged = outcome.detected, outcome.false_positives
    if None in (detected.share, flagged.share) or not detected.interval or not flagged.interval:
        return None
    found, wrong = prior * (detected.share or 0), (1 - prior) * (flagged.share or 0)
    return Expectation(
        prior=prior,
        alerts=EVENTS * (found + wrong),
        right=_share(found, wrong),
        interval=(
            _share(prior * detected.interval[0], (1 - prior) * flagged.interval[1]),
            _share(prior * detected.interval[1], (1 - prior) * flagged.interval[0]),
        ),
    )


def _share(found: float, wrong: float) -> float:
    return found / (found + wrong) if found + wrong else 0.0
