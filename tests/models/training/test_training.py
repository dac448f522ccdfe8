"""Trainings from a file to an artefact, small enough to take seconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from models.artefact import WEIGHTS, load, verify
from models.characters.architecture import CharacterConvolutions
from models.detectors import URL
from models.errors import ArtefactError, DataError, LogitError, ResumeError
from models.training.batches import BatchPlan
from models.training.data import fingerprint
from models.training.data import load as load_data
from models.training.evaluation import evaluate, score
from models.training.policy import EpochReport, FitPolicy
from models.training.report import JSON, MARKDOWN
from models.training.run import Trained, train
from models.training.settings import TrainingSettings

# Keras 3 saves TensorFlow's variables through an interface that NumPy 2 is moving away from.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SETTINGS = TrainingSettings(
    seed=3,
    width=40,
    sizes=CharacterConvolutions(embedding=6, filter_widths=(2, 4), filters=12, dense=(16,)),
    policy=FitPolicy(epochs=4, learning_rate=0.02),
    plan=BatchPlan(size=64, seed=3),
)
EPOCHS = SETTINGS.policy.epochs


class Witness:
    """Keeps what it is told, and interrupts when it is asked to."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.stages: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.epochs: list[EpochReport] = []
        self._interrupt_at = interrupt_at

    def stage(self, what: str) -> None:
        self.stages.append(what)

    def step(self, done: int, steps: int, loss: float) -> None:
        self.steps.append((done, steps))
        if done == self._interrupt_at:
            raise KeyboardInterrupt

    def epoch(self, ended: EpochReport) -> None:
        self.epochs.append(ended)


def texts(count: int, seed: int) -> list[dict[str, object]]:
    """Malicious ones have a telltale word in their path, mostly."""
    random = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number, label in enumerate(random.integers(0, 2, count).tolist()):
        word = "login" if label and random.random() < 0.9 else "index"
        letters = "".join(random.choice(list("abcdefgh"), int(random.integers(3, 20))).tolist())
        rows.append(
            {
                "text": f"http://{letters}.example/{word}{number}",
                "label": label,
                "source": "feed" if label else ("links:a", "telemetry:b")[number % 2],
            }
        )
    return rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {**row, "split": split}
        for seed, (split, count) in enumerate(
            {"train": 600, "validation": 300, "test": 200}.items()
        )
        for row in texts(count, seed)
    ]
    return write(tmp_path_factory.mktemp("data") / "data.parquet", rows)


def write(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    pyarrow.parquet.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def trained(
    data: Path,
    folder: Path,
    observer: Witness | None = None,
    settings: TrainingSettings = SETTINGS,
    output: str = "artefact",
) -> Trained:
    return train(
        data,
        detector=URL,
        output=folder / output,
        work=folder / "work",
        settings=settings,
        observer=observer or Witness(),
        name="small",
        version=4,
    )


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Witness]:
    """A training that nothing interrupted."""
    witness = Witness()
    return trained(data, tmp_path_factory.mktemp("whole"), witness), witness


def test_it_learns(whole: tuple[Trained, Witness]) -> None:
    test = whole[0].test
    assert test is not None
    assert test.everything.area is not None
    assert test.everything.area > 0.9


def test_the_artefact_passes_its_golden_texts_on_every_engine(
    whole: tuple[Trained, Witness],
) -> None:
    artefact = load(whole[0].folder)
    assert (artefact.name, artefact.version) == ("small", 4)
    assert artefact.digest == whole[0].digest
    assert not any(check.failed for check in verify(artefact))


def test_the_thresholds_hold_the_promised_rates_on_validation(
    whole: tuple[Trained, Witness], data: Path
) -> None:
    artefact = load(whole[0].folder)
    (rows,) = load_data(data, ["validation"])
    for engine in ("tables", "keras"):
        logits = score(artefact.engine(engine), artefact.featuriser(), rows.texts)
        benign = logits[rows.labels == 0]
        assert np.mean(benign >= artefact.thresholds.malicious.logit) <= 1e-3
        assert np.mean(benign >= artefact.thresholds.suspicious.logit) <= 1e-2


def test_the_manifest_tells_how_the_weights_came_about(
    whole: tuple[Trained, Witness], data: Path
) -> None:
    told = load(whole[0].folder).manifest
    assert told["data"]["sha256"] == fingerprint(data)
    rows = told["data"]["rows"]
    assert {split: sum(counts.values()) for split, counts in rows.items()} == {
        "train": 600,
        "validation": 300,
        "test": 200,
    }
    assert told["training"]["seed"] == 3
    assert told["training"]["plan"]["size"] == 64
    assert len(told["training"]["epochs"]) == EPOCHS
    assert told["parameters"] == SETTINGS.sizes.weights
    assert {"keras", "tensorflow", "python"} <= set(told["libraries"])
    assert set(told["metrics"]) == {"validation", "test"}
    assert set(told["metrics"]["test"]["kinds"]) == {"collected", "telemetry"}


def test_the_manifest_s_figures_are_those_that_evaluation_gives(
    whole: tuple[Trained, Witness], data: Path
) -> None:
    artefact = load(whole[0].folder)
    (rows,) = load_data(data, ["test"])
    logits = score(artefact.engine("tables"), artefact.featuriser(), rows.texts)
    figures = evaluate(logits, rows.labels, rows.sources, artefact.thresholds).as_json()
    assert artefact.manifest["metrics"]["test"]["all"] == figures["all"]


def test_the_reports_lie_beside_the_artefact(whole: tuple[Trained, Witness]) -> None:
    folder = whole[0].folder
    report = (folder / MARKDOWN).read_text()
    assert report.startswith("# small 4\n")
    for heading in ("## Test", "## Validation", "## Epochs"):
        assert heading in report
    # 150 benign rows of validation cannot tell a rate of one in a thousand.
    assert "too few" in report
    told = json.loads((folder / JSON).read_text())
    assert set(told["metrics"]["test"]["sources"]) == {"feed", "links", "telemetry"}


def test_progress_is_told_step_by_step(whole: tuple[Trained, Witness]) -> None:
    witness = whole[1]
    steps = EPOCHS * SETTINGS.plan.steps(600)
    assert witness.steps == [(done, steps) for done in range(1, steps + 1)]
    assert [report.epoch for report in witness.epochs] == list(range(1, EPOCHS + 1))
    assert witness.stages[0].startswith("Reading ")
    assert witness.stages[-1].startswith("Writing ")


@pytest.mark.parametrize("step", [9, 22], ids=lambda step: f"at step {step}")
def test_interrupted_it_goes_on_to_the_same_weights(
    whole: tuple[Trained, Witness], data: Path, tmp_path: Path, step: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path, Witness(interrupt_at=step))
    assert not (tmp_path / "artefact").exists()
    witness = Witness()
    resumed = trained(data, tmp_path, witness)
    before = (step - 1) // SETTINGS.plan.steps(600)
    assert len(witness.epochs) == EPOCHS - before
    assert resumed.epochs == whole[0].epochs
    assert (resumed.folder / WEIGHTS).read_bytes() == (whole[0].folder / WEIGHTS).read_bytes()


def test_called_again_when_done_it_only_writes_the_artefact(data: Path, tmp_path: Path) -> None:
    one_epoch = replace(SETTINGS, policy=FitPolicy(epochs=1))
    first = trained(data, tmp_path, settings=one_epoch)
    witness = Witness()
    again = trained(data, tmp_path, witness, settings=one_epoch, output="again")
    assert witness.steps == []
    assert (first.folder / WEIGHTS).read_bytes() == (again.folder / WEIGHTS).read_bytes()


def test_it_stops_when_nothing_gets_better(data: Path, tmp_path: Path) -> None:
    frozen = FitPolicy(epochs=9, patience=2, learning_rate=0.0, weight_decay=0.0)
    done = trained(data, tmp_path, settings=replace(SETTINGS, policy=frozen))
    assert len(done.epochs) == 3


def test_other_settings_do_not_go_on_from_the_same_folder(
    whole: tuple[Trained, Witness], data: Path, tmp_path: Path
) -> None:
    work = whole[0].folder.parent / "work"
    with pytest.raises(ResumeError, match="seed was 3 and is now 4"):
        train(
            data,
            detector=URL,
            output=tmp_path / "artefact",
            work=work,
            settings=replace(SETTINGS, seed=4),
            observer=Witness(),
        )


def test_a_checkpoint_that_is_gone_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path, Witness(interrupt_at=10))
    (tmp_path / "work" / "epoch-1.weights.h5").unlink()
    with pytest.raises(ResumeError, match=r"epoch-1.weights.h5 is missing"):
        trained(data, tmp_path)


def test_an_artefact_is_not_overwritten_nor_waited_for(
    whole: tuple[Trained, Witness], data: Path
) -> None:
    witness = Witness()
    with pytest.raises(ArtefactError, match="holds an artefact already"):
        trained(data, whole[0].folder.parent, witness)
    assert witness.stages == []


def test_a_loss_that_is_no_number_stops_it(data: Path, tmp_path: Path) -> None:
    wild = replace(SETTINGS, policy=FitPolicy(epochs=2, learning_rate=1e30))
    with pytest.raises(LogitError, match="give a lower learning rate"):
        trained(data, tmp_path, settings=wild)


def test_text_and_label_are_all_that_data_needs(tmp_path: Path) -> None:
    rows = [{"text": row["text"], "label": row["label"]} for row in texts(400, seed=9)]
    done = trained(
        write(tmp_path / "data.parquet", rows),
        tmp_path,
        settings=replace(SETTINGS, policy=FitPolicy(epochs=1)),
    )
    assert done.test is not None
    assert done.test.kinds == done.test.sources == ()


def test_without_a_test_split_the_report_is_of_validation(tmp_path: Path) -> None:
    rows = [
        {**row, "split": "train" if number % 2 else "validation"}
        for number, row in enumerate(texts(300, seed=9))
    ]
    done = trained(
        write(tmp_path / "data.parquet", rows),
        tmp_path,
        settings=replace(SETTINGS, policy=FitPolicy(epochs=1)),
    )
    assert done.test is None
    assert "## Test" not in (done.folder / MARKDOWN).read_text()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_split_of_one_label_is_refused(tmp_path: Path, split: str) -> None:
    rows = [
        {"text": f"text{number}", "label": number // 2 % 2, "split": part}
        for number, part in enumerate(["train", "validation"] * 20)
    ]
    rows = [{**row, "label": 0} if row["split"] == split else row for row in rows]
    with pytest.raises(DataError, match=f"split '{split}' has 20 benign and 0 malicious"):
        trained(write(tmp_path / "data.parquet", rows), tmp_path)
    assert not (tmp_path / "work").exists()
