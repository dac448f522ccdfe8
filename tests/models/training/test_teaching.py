"""Targets that a teacher has a say in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.artefact import WEIGHTS, Artefact, load
from models.calibration import sigmoid
from models.html.recipe import PageTrainee
from models.path.invention import invent as invent_paths
from models.training.data import Labelled
from models.training.data import load as load_data
from models.training.evaluation import score
from models.training.run import Trained
from models.training.teaching import INVENTED, taught
from models.url.invention import invent as invent_urls
from tests.models.networks import save_artefact
from tests.models.training.trainings import data_for, recipe, settings, trained

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("without_report"),
]


Invent = Callable[[Sequence[str], int, int], list[str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_for("url", tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def rows(data: Path) -> Labelled:
    (train,) = load_data(data, ["train"])
    return train


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Artefact]:
    folder = tmp_path_factory.mktemp("teachers")
    for seed in (1, 2):
        save_artefact(folder / str(seed), seed=seed)
    return [load(folder / str(seed)) for seed in (1, 2)]


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_targets_mix_labels_and_the_mean_of_the_teachers_logits(
    rows: Labelled, teachers: list[Artefact], weight: float
) -> None:
    logits = [score(one.engine("tables"), one.featuriser(), rows.subjects) for one in teachers]
    said = sigmoid((logits[0].astype(np.float64) + logits[1]) / 2)
    targets = taught(rows, teachers, weight=weight).targets
    assert targets.dtype == np.float32
    assert targets == pytest.approx((1 - weight) * rows.labels + weight * said, abs=1e-6)


def test_labels_stay_what_they_are(rows: Labelled, teachers: list[Artefact]) -> None:
    told = taught(rows, teachers, weight=0.5)
    assert told.labels.tolist() == rows.labels.tolist()
    assert rows.targets.tolist() == rows.labels.tolist()
    assert 0 < told.targets.min() < told.targets.max() < 1


def test_invented_texts_have_what_the_teachers_say_of_them_and_nothing_else(
    rows: Labelled, teachers: list[Artefact]
) -> None:
    invented = ["http://made.example/up", "http://other.example/"]
    told = taught(rows, teachers, weight=0.5, invented=invented)
    known = len(rows)
    assert told.subjects[known:] == invented
    assert told.sources[known:] == [INVENTED] * 2
    assert told.groups[known:] == told.dates[known:] == ["", ""]
    logits = [score(one.engine("tables"), one.featuriser(), invented) for one in teachers]
    said = sigmoid((logits[0].astype(np.float64) + logits[1]) / 2)
    assert told.targets[known:] == pytest.approx(said, abs=1e-6)
    assert told.labels[known:].tolist() == (said >= 0.5).astype(int).tolist()
    assert told.labels[:known].tolist() == rows.labels.tolist()


@pytest.mark.parametrize("invent", [invent_urls, invent_paths])
def test_invented_texts_are_others_and_the_same_each_time(invent: Invent, rows: Labelled) -> None:
    once = invent(rows.subjects, 50, 0)
    assert once == invent(rows.subjects, 50, 0)
    assert once != invent(rows.subjects, 50, 1)
    assert len(once) == 50
    assert len(set(once) - set(rows.subjects)) > 40


@pytest.mark.parametrize("invent", [invent_urls, invent_paths])
def test_odd_texts_have_parts_too(invent: Invent) -> None:
    assert len(invent(["", ".", "\\\\", "://", "a", "\ud800", "?#@:"], 300, 0)) == 300


def test_keys_get_parts_of_keys_alone() -> None:
    keys = [f"HKLM\\SOFTWARE\\key{number}\\value" for number in range(20)]
    files = [f"C:\\Windows\\file{number}\\name.exe" for number in range(20)]
    for text in invent_paths([*keys, *files], 300, 0):
        assert text.startswith("HKLM\\SOFTWARE\\key") == ("file" not in text)


def learned(
    data: Path, folder: Path, teachers: list[Artefact], distillation: float = 0.5
) -> Trained:
    own = settings(
        teachers=tuple(one.digest for one in teachers),
        distillation=distillation,
        policy=replace(recipe("url").policy, epochs=1),
    )
    return trained(data, folder, own=own, teachers=teachers)


def test_a_taught_network_is_another_and_its_manifest_names_the_teachers(
    data: Path, tmp_path: Path, teachers: list[Artefact]
) -> None:
    weights = {}
    for name, given, weight in (
        ("alone", [], 0.5),
        ("taught", teachers, 0.5),
        ("taught more", teachers, 0.9),
    ):
        done = learned(data, tmp_path / name, given, weight)
        weights[name] = (done.folder / WEIGHTS).read_bytes()
        told = load(done.folder).manifest["training"]
        assert told["teachers"] == [one.digest for one in given]
        assert told["distillation"] == (weight if given else 0.0)
    assert len(set(weights.values())) == 3


def test_pages_too_learn_what_teachers_say(tmp_path: Path) -> None:
    own = recipe("html")
    (train,) = load_data(data_for("html", tmp_path), ["train"], own.columns, pages=True)
    said = replace(train, targets=np.where(train.labels, 0.75, 0.125).astype(np.float32))
    trainee = PageTrainee(own.sizes, own.featuriser, 0)  # type: ignore[arg-type]
    _, targets, _ = next(trainee.epoch(said, own.plan, 0))
    assert set(np.unique(targets).tolist()) == {0.125, 0.75}
