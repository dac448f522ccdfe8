"""What is trained beside a network, for its report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.artefact import load
from models.characters.architecture import CharacterConvolutions
from models.detectors import URL
from models.errors import DataError
from models.training import trials as module
from models.training.batches import BatchPlan
from models.training.card import CARD
from models.training.data import Labelled
from models.training.data import load as load_data
from models.training.recipe import Batch, Recipe, Trainee
from models.training.report import JSON, MARKDOWN, Findings
from models.training.report.findings import LeftOut
from models.training.settings import TrainingSettings
from models.training.teaching import INVENTED
from models.training.trial_plan import Trials
from models.training.trials import run_trials
from tests.models.networks import save_artefact
from tests.models.training.trainings import Witness, data_for, recipe, rows, trained, write

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NONE = Trials(baselines=False, feeds=False, seeds=0, variants=False, share=1.0, epochs=1)


class Spy:
    """A trainee that tells of the rows it is shown."""

    def __init__(self, own: Trainee, seed: int, seen: list[Seen]) -> None:
        self.seen = Seen(seed)
        seen.append(self.seen)
        self._own = own
        self.network = own.network
        self.seen.weights = own.network.count_params()

    def epoch(self, rows: Labelled, plan: BatchPlan, number: int) -> Iterator[Batch]:
        self.seen.train = rows
        self.seen.epochs += 1
        return self._own.epoch(rows, plan, number)

    def logits(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        self.seen.validated.update(subjects)
        return self._own.logits(subjects)

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        return self._own.tensors()


class Seen:
    """What one network was shown."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.epochs = self.weights = 0
        self.train: Labelled
        self.validated: set[str] = set()


class Lab:
    """Trials on a small file, and what their networks saw."""

    def __init__(self, path: Path, work: Path, **changed: Any) -> None:
        self.work = work
        self.seen: list[Seen] = []
        self.witness = Witness()
        own = recipe("url")

        def spied(sizes: CharacterConvolutions, featuriser: Any, seed: int) -> Trainee:
            return Spy(own.trainee(sizes, featuriser, seed), seed, self.seen)

        self.recipe: Recipe = replace(own, trainee=spied, plain_trainee=None)
        self.settings = TrainingSettings.of(self.recipe, **changed)
        parts = load_data(path, columns=own.columns)
        self.rows: Mapping[str, Labelled] = dict(
            zip(("train", "validation", "test"), parts, strict=True)
        )

    def run(self, trials: Trials) -> Findings:
        return run_trials(
            trials,
            Findings(),
            detector=URL,
            settings=self.settings,
            rows=self.rows,
            data="0" * 64,
            work=self.work,
            observer=self.witness,
        )

    def of(self, split: str, seen: set[str]) -> Labelled:
        """Rows of a split that a network saw."""
        part = self.rows[split]
        return part.take(np.array([subject in seen for subject in part.subjects]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_for("url", tmp_path_factory.mktemp("data"))


@pytest.fixture
def lab(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(module, "FEWEST_ROWS", 20)
    return Lab(data, tmp_path)


@pytest.fixture(scope="module")
def without_feeds(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, tuple[LeftOut, ...]]:
    """Networks that did not see a feed, nor some whole sources, beside one that saw all."""
    lab = Lab(data, tmp_path_factory.mktemp("feeds"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST_ROWS", 20)
        found = lab.run(replace(NONE, feeds=True)).left_out
    assert found is not None
    return lab, found


def test_a_feed_left_out_is_seen_by_no_part_of_the_training(
    without_feeds: tuple[Lab, tuple[LeftOut, ...]],
) -> None:
    lab, (*feeds, _) = without_feeds
    assert {each.feed for each in feeds} == {"feed-0", "feed-1"}
    beside, *without, _ = lab.seen
    assert {"feed-0", "feed-1"} <= set(beside.train.sources)
    for each, network in zip(feeds, without, strict=True):
        assert each.feed not in network.train.sources
        assert each.feed not in lab.of("validation", network.validated).sources
        kept = [source for source in lab.rows["train"].sources if source != each.feed]
        assert network.train.sources == kept
        measured = lab.rows["test"]
        assert each.without.malicious == each.beside.malicious == measured.sources.count(each.feed)
        assert each.without.benign == measured.benign


def test_sources_of_both_labels_left_out_are_seen_by_no_part_of_the_training(
    without_feeds: tuple[Lab, tuple[LeftOut, ...]],
) -> None:
    lab, (*_, found) = without_feeds
    assert found.feed == "2 whole sources, of both labels"
    beside, *_, network = lab.seen
    validated = lab.of("validation", network.validated)
    unseen = set(beside.train.sources) - set(network.train.sources)
    assert len(unseen) == 2
    assert not unseen & set(validated.sources)
    for part in (found.without, found.beside):
        rows = [source for source in lab.rows["test"].sources if source in unseen]
        assert part.malicious + part.benign == len(rows)
        assert part.malicious
        assert part.benign


def test_feeds_with_few_rows_are_not_left_out(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {lab.rows["test"].sources.count(feed): feed for feed in ("feed-0", "feed-1")}
    monkeypatch.setattr(module, "FEWEST_ROWS", max(counts))
    found = lab.run(replace(NONE, feeds=True)).left_out
    assert found is not None
    assert [each.feed for each in found[:-1]] == [counts[max(counts)]]


def test_the_only_feed_cannot_be_left_out(tmp_path: Path, lab: Lab) -> None:
    one = {
        split: replace(part, sources=["feed" if label else "links" for label in part.labels])
        for split, part in lab.rows.items()
    }
    lab.rows = one
    assert lab.run(replace(NONE, feeds=True)).left_out == ()
    assert len(lab.seen) == 1


def test_seeds_share_rows_and_budget(lab: Lab) -> None:
    found = lab.run(replace(NONE, seeds=3, share=0.5, epochs=2))
    assert found.budget == "50 % of the training rows, 2 epochs"
    assert found.seeds is not None
    assert [trial.name for trial in found.seeds] == ["seed 0", "seed 1", "seed 2"]
    assert [network.seed for network in lab.seen] == [0, 1, 2]
    assert {network.epochs for network in lab.seen} == {2}
    assert len({tuple(network.train.subjects) for network in lab.seen}) == 1
    assert len(lab.seen[0].train) == pytest.approx(300, abs=50)
    assert len({trial.figures.area for trial in found.seeds}) > 1


def test_variants_differ_in_one_thing_each(lab: Lab) -> None:
    found = lab.run(replace(NONE, variants=True, epochs=2)).ablations
    assert found is not None
    assert [trial.name for trial in found] == ["as it is", "without n-grams", "slower"]
    sizes = [network.weights for network in lab.seen]
    assert sizes[1] < sizes[0] == sizes[2]
    areas = [trial.figures.area or 0 for trial in found]
    assert areas[2] < areas[0]
    assert len({tuple(network.train.subjects) for network in lab.seen}) == 1


def test_networks_that_are_there_are_not_trained_again(lab: Lab) -> None:
    trials = replace(NONE, seeds=1, later_than="2024-06-01")
    first = lab.run(trials)
    trained_before = len(lab.witness.epochs)
    assert trained_before == 2
    lab.settings = replace(lab.settings, teachers=("0" * 64,), invented=1.0)
    again = lab.run(trials)
    assert len(lab.witness.epochs) == trained_before
    assert again.as_json() | {"budget": ""} == first.as_json() | {"budget": ""}
    # Another budget is another training.
    lab.run(replace(trials, later_than="", epochs=2))
    assert len(lab.witness.epochs) == trained_before + 2


def test_a_time_split_learns_nothing_of_what_it_measures(lab: Lab) -> None:
    found = lab.run(replace(NONE, later_than="2024-06-01")).time_split
    assert found is not None
    (network,) = lab.seen
    validated = lab.of("validation", network.validated)
    for part, split in ((network.train, "train"), (validated, "validation")):
        dates = {date for date, label in zip(part.dates, part.labels, strict=True) if label}
        assert dates == {"2023-05-06", "2024-05-06"}
        assert part.benign == lab.rows[split].benign
    test = lab.rows["test"]
    later = [date >= "2025" and label for date, label in zip(test.dates, test.labels, strict=True)]
    assert (found[0].malicious, found[0].benign) == (sum(later), test.benign)
    assert found[0].name == "first seen from 2024-06-01 on, trained before 2024-06-01"


def test_a_time_split_may_leave_a_gap(lab: Lab) -> None:
    (part,) = lab.run(replace(NONE, later_than="2024-01-01", until="2025-01-01")).time_split or ()
    (network,) = lab.seen
    dates = zip(network.train.dates, network.train.labels, strict=True)
    assert {date for date, label in dates if label} == {"2023-05-06"}
    assert "from 2025-01-01 on" in part.name


def test_baselines_are_fitted_to_all_rows_and_named(lab: Lab) -> None:
    rivals = lab.run(replace(NONE, baselines=True, share=0.1)).rivals
    assert rivals is not None
    names = [rival.name for rival in rivals]
    assert len(names) == 3
    assert "logistic regression" in names[0]
    assert "gradient boosting" in names[1]
    assert names[2] == "plain network of the paper (3 epochs)"
    (plain,) = lab.seen
    assert len(plain.train) == len(lab.rows["train"])
    for rival in rivals:
        assert rival.evaluation.everything.malicious == lab.rows["test"].malicious
        assert (rival.evaluation.everything.area or 0) > 0.8


@pytest.mark.usefixtures("without_report")
def test_networks_of_trials_learn_labels_whatever_a_teacher_says(
    data: Path, tmp_path: Path
) -> None:
    save_artefact(tmp_path / "teacher")
    teacher = load(tmp_path / "teacher")
    lab = Lab(data, tmp_path / "trials", teachers=(teacher.digest,), invented=0.5)
    trials = replace(NONE, seeds=1)
    trained(data, tmp_path, own=lab.settings, teachers=[teacher], trials=trials)
    taught, beside = lab.seen
    assert len(taught.train) == 900
    assert taught.train.sources.count(INVENTED) == 300
    assert taught.train.targets.min() > 0
    assert beside.train.subjects == lab.rows["train"].subjects
    assert beside.train.targets.tolist() == beside.train.labels.tolist()
    assert lab.run(trials).budget.endswith("1 epoch, without teachers")


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (replace(NONE, share=1e-9), "a share of 1e-09 of the training rows has 0 benign"),
        (replace(NONE, later_than="2020-01-01"), "of the train rows none is"),
        (replace(NONE, later_than="2024-06-01", until="2030-01-01"), "of the measured rows none"),
    ],
    ids=["a share too small", "nothing so old", "nothing so new"],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_trained(
    data: Path, tmp_path: Path, trials: Trials, message: str
) -> None:
    witness = Witness()
    with pytest.raises(DataError, match=message):
        trained(data, tmp_path, observer=witness, trials=trials)
    assert witness.steps == []
    assert not (tmp_path / "work").exists()


def test_what_was_tried_stands_in_report_and_card(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEWEST_ROWS", 20)
    tried = Trials(seeds=2, share=0.5, epochs=1, later_than="2024-06-01")
    done = trained(data, tmp_path, trials=tried)
    report, card = (done.folder / MARKDOWN).read_text(), (done.folder / CARD).read_text()
    for text in ("plain network of the paper", "gradient boosting", "| seed 1 |", "| feed-1 |"):
        assert text in report
    assert "Budget: 50 % of the training rows, 1 epoch." in report
    assert "trained before 2024-06-01" in report
    assert "### Feeds never seen in training" in card
    told = json.loads((done.folder / JSON).read_text())["findings"]
    assert [len(told[key]) for key in ("rivals", "seeds", "left_out", "ablations")] == [3, 2, 3, 3]
    assert len(told["time_split"]) == 1
    assert "not run" not in report


def test_without_a_test_split_trials_measure_validation(tmp_path: Path) -> None:
    made = [
        {**row, "split": "train" if number % 2 else "validation"}
        for number, row in enumerate(rows("url", 300, seed=9))
    ]
    done = trained(
        write(tmp_path / "data.parquet", made), tmp_path, trials=replace(NONE, baselines=True)
    )
    assert "| this network |" in (done.folder / MARKDOWN).read_text()
