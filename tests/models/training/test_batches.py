from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.features import Features
from models.training.batches import WIDTH_STEP, BatchPlan, padded_width
from models.url.featuriser import CharacterFeaturiser

WIDTH = 50

Epoch = list[tuple[NDArray[np.int32], NDArray[np.float32]]]


def rows_of(count: int, seed: int = 0) -> tuple[list[str], Features, NDArray[np.int8]]:
    """Texts that begin with their number; every third is malicious."""
    lengths = np.random.default_rng(seed).integers(6, 2 * WIDTH, count)
    texts = [f"{number:05d}".ljust(length, "A") for number, length in enumerate(lengths.tolist())]
    labels = np.array([number % 3 == 0 for number in range(count)], np.int8)
    return texts, CharacterFeaturiser(width=WIDTH)(texts), labels


def epoch_of(plan: BatchPlan, count: int, number: int = 0) -> Epoch:
    _, features, labels = rows_of(count)
    return list(plan.epoch(features, labels, number))


def numbers(epoch: Epoch) -> list[int]:
    return [int(bytes(row[:5].tolist())) for codes, _ in epoch for row in codes]


@given(
    count=st.integers(1, 400),
    size=st.integers(1, 40),
    seed=st.integers(0, 20),
    number=st.integers(0, 5),
)
@settings(deadline=None)
def test_an_epoch_shows_every_row_at_most_once_in_full_batches(
    count: int, size: int, seed: int, number: int
) -> None:
    plan = BatchPlan(size=size, seed=seed)
    epoch = epoch_of(plan, count, number)
    shown = numbers(epoch)
    assert len(shown) == len(set(shown))
    assert len(epoch) == plan.steps(count)
    assert {len(codes) for codes, _ in epoch} == {min(size, count)}
    # What is left over is less than a batch.
    assert count - len(shown) < size


@given(count=st.integers(1, 300), size=st.integers(1, 40), seed=st.integers(0, 20))
@settings(deadline=None)
def test_rows_are_whole_and_keep_their_label(count: int, size: int, seed: int) -> None:
    texts, features, labels = rows_of(count)
    plan = BatchPlan(size=size, seed=seed, lower_case=0)
    for codes, batch_labels in plan.epoch(features, labels, 0):
        assert codes.dtype == np.int32
        assert batch_labels.shape == (len(codes), 1)
        for row, label in zip(codes, batch_labels[:, 0], strict=True):
            text = bytes(row[row > 0].tolist()).decode()
            number = int(text[:5])
            assert text == texts[number][:WIDTH]
            assert label == labels[number]


@given(count=st.integers(1, 300), size=st.integers(1, 40))
@settings(deadline=None)
def test_batches_have_few_widths_no_wider_than_their_longest_row_needs(
    count: int, size: int
) -> None:
    for codes, _ in epoch_of(BatchPlan(size=size), count):
        width = codes.shape[1]
        longest = int((codes > 0).sum(axis=1).max())
        assert width % WIDTH_STEP == 0 or width == WIDTH
        assert longest <= width < longest + WIDTH_STEP or width == WIDTH_STEP


def test_rows_of_a_batch_are_of_like_length() -> None:
    epoch = epoch_of(BatchPlan(size=16), 4096)
    padding = np.mean([np.mean(codes == 0) for codes, _ in epoch])
    assert padding < 0.15


@pytest.mark.parametrize("number", [0, 3])
def test_seed_and_number_of_the_epoch_decide_everything(number: int) -> None:
    one = epoch_of(BatchPlan(size=8, seed=4), 200, number)
    again = epoch_of(BatchPlan(size=8, seed=4), 200, number)
    assert all(
        np.array_equal(a, c) and np.array_equal(b, d)
        for (a, b), (c, d) in zip(one, again, strict=True)
    )
    assert numbers(one) != numbers(epoch_of(BatchPlan(size=8, seed=5), 200, number))
    assert numbers(one) != numbers(epoch_of(BatchPlan(size=8, seed=4), 200, number + 1))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (1.0, 1.0), (0.2, 0.2)], ids=str)
def test_a_share_of_rows_is_shown_in_lower_case(share: float, expected: float) -> None:
    epoch = epoch_of(BatchPlan(size=100, lower_case=share), 4000)
    rows = [bytes(row[row > 0].tolist()).decode() for codes, _ in epoch for row in codes]
    assert np.mean([row == row.lower() for row in rows]) == pytest.approx(expected, abs=0.03)


@given(st.integers(0, 300), st.integers(1, 200))
@settings(deadline=None)
def test_a_padded_width_holds_the_row_or_is_the_widest(longest: int, width: int) -> None:
    padded = padded_width(longest, width)
    assert padded <= width
    assert padded >= min(longest, width)
