"""Trainings from a file to an artefact, small enough to take seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import safetensors.numpy

from models.artefact import WEIGHTS, load, verify
from models.detectors import DETECTORS
from models.errors import ArtefactError, DataError, LogitError
from models.reference import reference_of
from models.training.card import CARD
from models.training.data import Labelled, fingerprint
from models.training.data import load as load_data
from models.training.evaluation import COLLECTED, evaluate, kinds, score
from models.training.policy import FitPolicy
from models.training.report import JSON, MARKDOWN
from models.training.run import Trained
from models.training.settings import TrainingSettings
from models.url.featuriser import UrlFeaturiser
from tests.models.training.trainings import (
    COUNTS,
    Row,
    Witness,
    data_for,
    recipe,
    rows,
    settings,
    trained,
    write,
)

# Keras 3 saves TensorFlow's variables through an interface that NumPy 2 is moving away from.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPOCHS = recipe("url").policy.epochs
STEPS = recipe("url").plan.steps(COUNTS["train"])
PICTURES = {
    "html": {"roc", "scores", "calibration", "learning"},
    "path": {"roc", "scores", "calibration", "learning", "embeddings", "filters", "boundary"},
}
PICTURES["url"] = PICTURES["path"]


class Whole(NamedTuple):
    """A training that nothing interrupted."""

    detector: str
    data: Path
    done: Trained
    witness: Witness

    def rows(self, split: str) -> Labelled:
        own = recipe(self.detector).columns
        (part,) = load_data(self.data, [split], own, pages=self.detector == "html")
        return part


@pytest.fixture(scope="module", params=["url", "path", "html"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return make(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return make("url", tmp_path_factory.mktemp("only"))


def make(detector: str, folder: Path) -> Whole:
    data, witness = data_for(detector, folder), Witness()
    return Whole(
        detector, data, trained(data, folder, detector=detector, observer=witness), witness
    )


untold = pytest.mark.usefixtures("without_report")


def test_it_learns(whole: Whole) -> None:
    test = whole.done.test
    assert test is not None
    assert test.everything.area is not None
    assert test.everything.area > 0.9


def test_the_artefact_holds_halves_and_its_golden_logits_on_every_engine(whole: Whole) -> None:
    artefact = load(whole.done.folder)
    assert (artefact.detector.name, artefact.name, artefact.version) == (whole.detector, "small", 4)
    assert artefact.digest == whole.done.digest
    checks = verify(artefact)
    assert {check.engine for check in checks} == set(artefact.detector.family.engines)
    assert not any(check.failed for check in checks)
    stored = safetensors.numpy.load_file(whole.done.folder / WEIGHTS)
    weights = {name: tensor for name, tensor in stored.items() if not name.endswith("/scale")}
    # Tables of n-grams in a byte a weight, and what they are scaled by beside them.
    expected = {"float16"} if whole.detector == "html" else {"float16", "int8"}
    assert {str(tensor.dtype) for tensor in weights.values()} == expected
    assert sum(tensor.size for tensor in weights.values()) == artefact.manifest["parameters"]


def test_the_thresholds_hold_the_promised_rates_on_validation(whole: Whole) -> None:
    artefact, part = load(whole.done.folder), whole.rows("validation")
    for engine in ("tables", "keras"):
        logits = score(artefact.engine(engine), artefact.featuriser(), part.subjects)
        # Of the kind with most rows; a kind too small to show a rate asks for nothing.
        collected = np.array(kinds(part.sources), object) == COLLECTED
        benign = logits[(part.labels == 0) & collected]
        assert np.mean(benign >= artefact.thresholds.malicious.logit) <= 1e-3
        assert np.mean(benign >= artefact.thresholds.suspicious.logit) <= 1e-2


def test_the_manifest_tells_how_the_weights_came_about(whole: Whole) -> None:
    told = load(whole.done.folder).manifest
    assert told["data"]["sha256"] == fingerprint(whole.data)
    counted = {split: sum(part.values()) for split, part in told["data"]["rows"].items()}
    assert counted == {split: len(whole.rows(split)) for split in COUNTS}
    training, own = told["training"], recipe(whole.detector)
    assert training["seed"] == 0
    assert training["plan"]["size"] == own.plan.size
    assert training["columns"]["group"] == own.columns.group
    assert training["teachers"] == []
    assert len(training["epochs"]) == EPOCHS
    assert {"python", "numpy", "keras"} <= set(told["libraries"])
    assert set(told["metrics"]) == {"validation", "test"}


def test_the_manifest_states_what_validation_showed(whole: Whole) -> None:
    artefact, part = load(whole.done.folder), whole.rows("validation")
    reference = reference_of(artefact)
    assert reference is not None
    assert reference.rows == len(part)
    features = artefact.featuriser()(part.subjects)
    logits = artefact.engine("tables").logits(features)
    # At the prior a malicious row weighs less than a benign one.
    weights = np.where(part.labels != 0, 0.01 / part.malicious, 0.99 / part.benign)
    for threshold in (artefact.thresholds.suspicious.logit, artefact.thresholds.malicious.logit):
        above = reference.shares[np.searchsorted(reference.edges, threshold) + 1 :].sum()
        assert above == pytest.approx(weights[logits >= threshold].sum(), abs=1e-9)
    assert reference.count_rare(features.tokens()) < 0.1 * features.tokens().sum()


def test_figures_are_those_of_the_stored_weights(whole: Whole) -> None:
    artefact, part = load(whole.done.folder), whole.rows("test")
    logits = score(artefact.engine("tables"), artefact.featuriser(), part.subjects)
    figures = evaluate(logits, part.labels, part.sources, artefact.thresholds).as_json()
    reported = json.loads((whole.done.folder / JSON).read_text())
    for told in (artefact.manifest, reported):
        assert told["metrics"]["test"]["all"] == figures["all"]
        assert told["metrics"]["test"]["kinds"] == figures["kinds"]
    assert reported["metrics"]["test"]["sources"] == figures["sources"]
    assert reported["metrics"]["test"]["feeds"].keys() == {"feed-0", "feed-1"}


def test_the_report_lies_beside_the_artefact_with_its_pictures(whole: Whole) -> None:
    folder = whole.done.folder
    report, card = (folder / MARKDOWN).read_text(), (folder / CARD).read_text()
    assert report.startswith("# small 4\n")
    for heading in ("## Test", "## Validation", "## How the thresholds", "## Scores", "## Epochs"):
        assert heading in report
    # Some 150 benign rows of validation cannot tell a rate of one in a thousand.
    assert "too few" in report
    for name in PICTURES[whole.detector]:
        assert f"]({name}.png)" in report
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.svg").read_text().endswith("</svg>\n")
    assert {path.stem for path in folder.glob("*.png")} == PICTURES[whole.detector]
    assert card.startswith("# Model card: small 4\n")
    assert fingerprint(whole.data) in card
    for excluded in ("openphish", "phishing_pot"):
        assert excluded in card


def test_what_was_not_tried_reads_not_run(whole: Whole) -> None:
    report = (whole.done.folder / MARKDOWN).read_text()
    for heading in ("Beside other methods", "Time split", "Leave one feed out", "Seeds"):
        assert f"## {heading}\n\nnot run.\n" in report
    told = json.loads((whole.done.folder / JSON).read_text())["findings"]
    assert [told[key] for key in ("rivals", "left_out", "seeds", "time_split")] == [None] * 4


def test_what_sets_rows_apart_is_the_detector_s_own(whole: Whole) -> None:
    told = json.loads((whole.done.folder / JSON).read_text())
    columns = set(told["metrics"]["test"]["columns"])
    assert (
        columns
        >= {
            "url": set(),
            "path": {"kind: registry", "rows: made up", "observed: file", "matched: yes"},
            "html": {"length-matched: yes", "matched: yes"},
        }[whole.detector]
    )
    changes = told["findings"]["changes"]
    assert bool(changes) == (whole.detector == "url")
    assert (
        set(told["metrics"]["test"]["years"])
        == {
            "url": {"2023", "2024", "2025"},
            "path": set(),
            "html": {"2020", "2021", "2022", "2023"},
        }[whole.detector]
    )


def test_progress_is_told_step_by_step(url: Whole) -> None:
    witness, steps = url.witness, EPOCHS * STEPS
    assert witness.steps == [(done, steps) for done in range(1, steps + 1)]
    assert [report.epoch for report in witness.epochs] == list(range(1, EPOCHS + 1))
    assert witness.stages[0].startswith("Reading ")
    assert witness.stages[-1].startswith("Writing ")


@untold
def test_it_stops_when_nothing_gets_better(url: Whole, tmp_path: Path) -> None:
    frozen = FitPolicy(epochs=9, patience=2, learning_rate=0.0, weight_decay=0.0)
    done = trained(url.data, tmp_path, own=settings(policy=frozen))
    assert len(done.epochs) < frozen.epochs


def test_an_artefact_is_not_overwritten_nor_waited_for(url: Whole) -> None:
    witness = Witness()
    with pytest.raises(ArtefactError, match="holds an artefact already"):
        trained(url.data, url.done.folder.parent, observer=witness)
    assert witness.stages == []


def test_a_loss_that_is_no_number_stops_it(url: Whole, tmp_path: Path) -> None:
    wild = replace(recipe("url").policy, learning_rate=1e30)
    with pytest.raises(LogitError, match="give a lower learning rate"):
        trained(url.data, tmp_path, own=settings(policy=wild))


def test_subject_and_label_are_all_that_data_needs(tmp_path: Path) -> None:
    one_epoch = replace(recipe("path").policy, epochs=1)
    made: list[Row] = [
        {"text": row["text"], "label": row["label"]} for row in rows("path", 400, seed=9)
    ]
    data = write(tmp_path / "data.parquet", made)
    own = settings("path", policy=one_epoch)
    done = trained(data, tmp_path, detector="path", own=own)
    assert done.test is not None
    assert done.test.kinds == done.test.sources == done.test.columns == done.test.years == ()


def test_a_network_may_see_less_than_its_widest_filter(tmp_path: Path) -> None:
    own = recipe("url")
    narrow = replace(own, featuriser=UrlFeaturiser(width=3))
    data = data_for("url", tmp_path)
    one_epoch = replace(own.policy, epochs=1)
    done = trained(data, tmp_path, own=TrainingSettings.of(narrow, policy=one_epoch))
    assert not any(check.failed for check in verify(load(done.folder)))
    assert (done.folder / "filters.png").exists()


def test_without_a_test_split_the_report_is_of_validation(tmp_path: Path) -> None:
    made: list[Row] = [
        {**row, "split": "train" if number % 2 else "validation"}
        for number, row in enumerate(rows("url", 300, seed=9))
    ]
    one_epoch = replace(recipe("url").policy, epochs=1)
    data = write(tmp_path / "data.parquet", made)
    done = trained(data, tmp_path, own=settings(policy=one_epoch))
    assert done.test is None
    assert "## Test" not in (done.folder / MARKDOWN).read_text()
    assert "On validation rows" in (done.folder / CARD).read_text()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_of_one_label_is_refused(tmp_path: Path, split: str) -> None:
    made: list[Row] = [
        {"text": f"text{number}", "label": 0 if part == split else number // 2 % 2, "split": part}
        for number, part in enumerate(["train", "validation"] * 20)
    ]
    with pytest.raises(DataError, match=f"split '{split}' has 20 benign and 0 malicious"):
        trained(write(tmp_path / "data.parquet", made), tmp_path)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("split", COUNTS)
@pytest.mark.parametrize("source", ["mitchellkrogza/OpenPhish feed", "phishing_pot:2024"])
def test_rows_under_non_commercial_terms_are_refused(
    tmp_path: Path, split: str, source: str
) -> None:
    made = [{**row, "split": part} for part in COUNTS for row in rows("url", 20, seed=1)]
    made.append({**made[0], "split": split, "source": source})
    with pytest.raises(DataError, match=f"1 rows are of sources that must not train.*'{source}'"):
        trained(write(tmp_path / "data.parquet", made), tmp_path)
    assert not (tmp_path / "work").exists()


def test_the_recipes_tested_are_those_of_the_table() -> None:
    assert set(DETECTORS) == set(PICTURES)


@pytest.mark.parametrize("spelling", ["true", "True", "TRUE"])
def test_made_up_paths_are_known_however_a_file_writes_true(spelling: str) -> None:
    own = recipe("path")
    some = Labelled(
        subjects=["a", "b"],
        labels=np.array([0, 1], np.int8),
        sources=["", ""],
        groups=["", ""],
        dates=["", ""],
        apart={"kind": ["file", "file"], "synthetic": [spelling, "false"], "matched": ["", ""]},
        targets=np.array([0, 1], np.float32),
    )
    assert own.set_apart(some)["rows"] == ["made up", "observed"]
