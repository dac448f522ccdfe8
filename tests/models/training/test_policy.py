from __future__ import annotations

import pytest

from models.training.policy import EpochReport, FitPolicy, best, stale


def reports(*detected: float) -> list[EpochReport]:
    return [
        EpochReport(epoch=number, loss=0.1, area=0.9, detection={1e-2: share, 1e-3: 0.5 - share})
        for number, share in enumerate(detected, start=1)
    ]


@pytest.mark.parametrize(
    ("detected", "epoch"),
    [((0.1,), 1), ((0.1, 0.3, 0.2), 2), ((0.2, 0.2), 1)],
    ids=["one", "the middle one", "the first of equals"],
)
def test_the_best_epoch_detects_most(detected: tuple[float, ...], epoch: int) -> None:
    assert best(reports(*detected), FitPolicy()).epoch == epoch


@pytest.mark.parametrize(
    ("detected", "is_stale"),
    [((), False), ((0.3, 0.2), False), ((0.3, 0.2, 0.1), True), ((0.3, 0.2, 0.4), False)],
    ids=["before the first", "one worse", "two worse", "better again"],
)
def test_training_is_stale_once_patience_is_out(
    detected: tuple[float, ...], is_stale: bool
) -> None:
    assert stale(reports(*detected), FitPolicy(patience=2)) is is_stale
