"""A character network in training, seen from the loop that trains it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.characters.trainee import SCORING_ROWS, CharacterTrainee
from models.engines.tables import TablesEngine
from models.training.batches import BatchPlan
from models.training.data import Labelled
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import HOST, code_of
from tests.models.networks import GRAMS

FEATURISER = UrlFeaturiser(width=40)
ROWS = 50


@pytest.fixture(scope="module")
def rows() -> Labelled:
    labels = (np.arange(ROWS) % 3 == 0).astype(np.int8)
    return Labelled(
        subjects=[f"https://{number}.example/" for number in range(ROWS)],
        labels=labels,
        sources=[""] * ROWS,
        groups=[""] * ROWS,
        dates=[""] * ROWS,
        apart={},
        targets=labels.astype(np.float32),
    )


def subject_of(codes: NDArray[np.int32]) -> int:
    """Which row the codes are of: the number in its host."""
    digits = codes[: np.flatnonzero(codes == code_of(".", HOST))[0]]
    return int("".join(str(code - code_of("0", HOST)) for code in digits.tolist()))


def test_a_batch_is_codes_targets_and_weights_of_the_same_rows(rows: Labelled) -> None:
    trainee = CharacterTrainee(GRAMS, FEATURISER)
    batches = list(trainee.epoch(rows, BatchPlan(size=16), 0))
    assert len(batches) == 3
    for codes, targets, weights in batches:
        assert (codes.shape, codes.dtype) == ((16, 40), np.int32)
        assert targets.shape == (16, 1)
        numbers = [subject_of(row) for row in codes]
        assert targets[:, 0].tolist() == rows.targets[numbers].tolist()
        assert weights.tolist() == [1.0] * len(codes)


def test_an_epoch_is_the_same_whenever_it_is_asked_for(rows: Labelled) -> None:
    def shuffled(
        codes: NDArray[np.uint8], _seen: NDArray[np.int32], generator: np.random.Generator
    ) -> NDArray[np.uint8]:
        return generator.permutation(codes, axis=1)

    plan = BatchPlan(size=16, seed=2)
    trainee = CharacterTrainee(GRAMS, FEATURISER, augment=shuffled)
    first = list(trainee.epoch(rows, plan, 1))
    list(trainee.epoch(rows, plan, 2))
    again = list(trainee.epoch(rows, plan, 1))
    elsewhere = list(CharacterTrainee(GRAMS, FEATURISER, augment=shuffled).epoch(rows, plan, 1))
    for one, *others in zip(first, again, elsewhere, strict=True):
        assert all(
            np.array_equal(a, b) for other in others for a, b in zip(one, other, strict=True)
        )
    plain = list(CharacterTrainee(GRAMS, FEATURISER).epoch(rows, plan, 1))
    assert not np.array_equal(first[0][0], plain[0][0])


def test_the_weights_that_it_hands_out_give_the_logits_that_it_gives(rows: Labelled) -> None:
    trainee = CharacterTrainee(GRAMS, FEATURISER)
    subjects = [*rows.subjects, *(["http://192.0.2.1", ""] * (SCORING_ROWS // 2))]
    logits = trainee.logits(subjects)
    assert logits.shape == (len(subjects),)
    assert logits.dtype == np.float32
    served = TablesEngine(GRAMS, trainee.tensors()).logits(FEATURISER(subjects))
    assert np.allclose(logits, served, rtol=0, atol=1e-4)
