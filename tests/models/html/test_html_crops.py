from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from models.html.featuriser import PageFeaturiser
from models.html.network import build
from models.html.tables import PagesTablesEngine
from models.html.training import CroppedPages, CropPlan, logits
from tests.models.html.reference import PAGES, SMALL, featurise, random_tensors, tokens

Epoch = list[tuple[NDArray[np.float32], NDArray[np.float32]]]

# Each page has words of its own, so that a crop tells which page it is of.
PAGES_OF_WORDS = [
    b" ".join(b"page%dword%d" % (page, word) for word in range(20 + 15 * page))
    for page in range(12)
]
LABELS = (np.arange(12) % 3 == 0).astype(np.int8)
WHOLE = CropPlan(size=5, whole=1.0)
CROPS = CropPlan(size=5, whole=0.0, shortest=10)


def epoch(plan: CropPlan, number: int = 0, *, labels: NDArray[np.int8] = LABELS) -> Epoch:
    return list(CroppedPages(PAGES_OF_WORDS, labels, plan=plan).epoch(number))


def same(one: Epoch, other: Epoch) -> bool:
    return all(
        np.array_equal(counts, others) and np.array_equal(labels, other_labels)
        for (counts, labels), (others, other_labels) in zip(one, other, strict=True)
    )


def test_whole_pages_are_what_the_featuriser_gives_and_keep_their_labels() -> None:
    features = PageFeaturiser()(PAGES_OF_WORDS)
    seen: set[int] = set()
    for number in range(20):
        for counts, labels in epoch(WHOLE, number):
            assert counts.shape == (5, 16, 1024)
            assert labels.shape == (5, 1)
            assert counts.dtype == labels.dtype == np.float32
            for of_page, label in zip(counts, labels[:, 0], strict=True):
                (row,) = np.flatnonzero((features.counts == of_page).all(axis=(1, 2)))
                assert LABELS[row] == label
                seen.add(int(row))
    assert seen == set(range(12))


def test_a_crop_is_what_the_featuriser_gives_for_a_stretch_of_the_page() -> None:
    stretches = {
        (bytes(featurise(page[found[first][0] : found[last - 1][1]])[0].astype(np.uint16))): row
        for row, page in enumerate(PAGES_OF_WORDS)
        for found in [tokens(page)]
        for first, last in itertools.combinations(range(len(found) + 1), 2)
        if last - first >= CROPS.shortest and row < 3
    }
    labels = np.array([0, 1, 0, *[-1] * 9], np.int8)[:3]
    pages = CroppedPages(PAGES_OF_WORDS[:3], labels, plan=CROPS)
    lengths = set()
    for number in range(30):
        for counts, given in pages.epoch(number):
            for of_page, label in zip(counts, given[:, 0], strict=True):
                assert labels[stretches[bytes(of_page.astype(np.uint16))]] == label
                lengths.add(int(of_page.sum()))
    assert len(lengths) > 10


def test_crops_of_either_label_are_drawn_alike() -> None:
    page = b"word " * 5_000
    pages = CroppedPages([page, page], np.array([0, 1], np.int8), plan=CropPlan(size=200))
    lengths: list[list[float]] = [[], []]
    for number in range(10):
        for counts, labels in pages.epoch(number):
            for of_page, label in zip(counts, labels[:, 0], strict=True):
                lengths[int(label)].append(float(np.log(of_page.sum())))
    assert np.mean(lengths[0]) == pytest.approx(np.mean(lengths[1]), abs=0.2)
    assert np.std(lengths[0]) == pytest.approx(np.std(lengths[1]), abs=0.2)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_of_malicious_pages_is_the_plan_s(share: float) -> None:
    plan = CropPlan(size=400, malicious=share)
    pages = CroppedPages([b"a b c"] * 4_000, LABELS[np.arange(4_000) % 12], plan=plan)
    drawn = np.concatenate([labels for _, labels in pages.epoch(0)])
    assert drawn.mean() == pytest.approx(share, abs=0.03)


def test_an_epoch_is_drawn_again_the_same_and_no_other_is_like_it() -> None:
    assert same(epoch(CROPS, 3), epoch(CROPS, 3))
    assert not same(epoch(CROPS, 3), epoch(CROPS, 4))
    assert not same(epoch(CROPS, 3), epoch(CropPlan(size=5, whole=0.0, shortest=10, seed=1), 3))


def test_an_epoch_does_not_depend_on_those_before() -> None:
    pages = CroppedPages(PAGES_OF_WORDS, LABELS, plan=CROPS)
    list(pages.epoch(0))
    assert same(list(pages.epoch(1)), epoch(CROPS, 1))


@pytest.mark.parametrize(("size", "steps"), [(5, 2), (12, 1), (100, 1)])
def test_steps_are_the_batches_of_an_epoch(size: int, steps: int) -> None:
    plan = CropPlan(size=size)
    assert CroppedPages(PAGES_OF_WORDS, LABELS, plan=plan).steps() == steps
    assert len(epoch(plan)) == steps


def test_logits_in_training_are_those_of_the_engine() -> None:
    tensors = random_tensors(SMALL)
    network = build(SMALL)
    for variable in network.weights:
        variable.assign(tensors[variable.path])
    features = PageFeaturiser()([*PAGES.values()] * 25)
    expected = PagesTablesEngine(SMALL, tensors).logits(features)
    assert np.allclose(logits(network, features), expected, rtol=0, atol=1e-4)


def test_a_network_learns_to_tell_pages_apart() -> None:
    import keras  # noqa: PLC0415 - seconds, and only here

    benign = [b"<p>recipe for soup number%d</p> " % number * 20 for number in range(20)]
    malicious = [b"<form>verify your account%d</form> " % number * 20 for number in range(20)]
    labels = np.repeat(np.array([0, 1], np.int8), 20)
    keras.utils.set_random_seed(0)
    network = build(SMALL)
    network.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    pages = CroppedPages([*benign, *malicious], labels, plan=CropPlan(size=20, shortest=20))
    for number in range(20):
        for counts, given in pages.epoch(number):
            network.train_on_batch(counts, given)
    scored = logits(network, PageFeaturiser()([*benign, *malicious]))
    assert scored[20:].min() > scored[:20].max()
