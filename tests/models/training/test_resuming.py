"""Trainings that are interrupted go on as if they had not been, and repeat to the bit."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import pytest

from models.artefact import WEIGHTS, load
from models.errors import ResumeError
from models.training.run import Trained
from tests.models.training.trainings import (
    COUNTS,
    Witness,
    data_for,
    deterministic_digests,
    recipe,
    settings,
    trained,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("without_report"),
]

EPOCHS = recipe("url").policy.epochs
STEPS = recipe("url").plan.steps(COUNTS["train"])
SOME_TIME_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Unbroken(NamedTuple):
    """A training that nothing interrupted."""

    data: Path
    done: Trained


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    folder = tmp_path_factory.mktemp("unbroken")
    data = data_for("url", folder)
    return Unbroken(data, trained(data, folder))


@pytest.mark.parametrize("step", [5, STEPS + 3, EPOCHS * STEPS - 1], ids="at step {}".format)
def test_interrupted_it_goes_on_to_the_same_weights(
    url: Unbroken, tmp_path: Path, step: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(url.data, tmp_path, observer=Witness(interrupt_at=step))
    assert not (tmp_path / "artefact").exists()
    witness = Witness()
    resumed = trained(url.data, tmp_path, observer=witness)
    assert len(witness.epochs) == EPOCHS - (step - 1) // STEPS
    assert resumed.epochs == url.done.epochs
    assert (resumed.folder / WEIGHTS).read_bytes() == (url.done.folder / WEIGHTS).read_bytes()


def test_pages_go_on_to_the_same_weights(tmp_path: Path) -> None:
    data = data_for("html", tmp_path)
    unbroken = trained(data, tmp_path / "unbroken", detector="html")
    steps = recipe("html").plan.steps(COUNTS["train"] // 4)
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path, detector="html", observer=Witness(interrupt_at=steps + 2))
    resumed = trained(data, tmp_path, detector="html")
    assert (resumed.folder / WEIGHTS).read_bytes() == (unbroken.folder / WEIGHTS).read_bytes()


def test_called_again_when_done_it_only_writes_the_artefact(url: Unbroken, tmp_path: Path) -> None:
    witness = Witness()
    work = url.done.folder.parent
    again = trained(url.data, work, observer=witness, output=str(tmp_path / "again"))
    assert witness.steps == []
    assert (again.folder / WEIGHTS).read_bytes() == (url.done.folder / WEIGHTS).read_bytes()


def test_another_seed_gives_other_weights(url: Unbroken, tmp_path: Path) -> None:
    other = trained(url.data, tmp_path, own=settings(seed=1))
    assert (other.folder / WEIGHTS).read_bytes() != (url.done.folder / WEIGHTS).read_bytes()
    assert load(other.folder).manifest["training"]["seed"] == 1


def test_other_settings_do_not_go_on_from_the_same_folder(url: Unbroken, tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match="seed was 0 and is now 4"):
        trained(
            url.data,
            url.done.folder.parent,
            own=settings(seed=4),
            output=str(tmp_path / "artefact"),
        )
    assert not (tmp_path / "artefact").exists()


def test_a_checkpoint_that_is_gone_is_named(url: Unbroken, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(url.data, tmp_path, observer=Witness(interrupt_at=STEPS + 1))
    (tmp_path / "work" / "epoch-1.weights.h5").unlink()
    with pytest.raises(ResumeError, match=r"epoch-1.weights.h5 is missing"):
        trained(url.data, tmp_path)


def test_a_deterministic_training_has_one_digest_however_it_came_about(
    url: Unbroken, tmp_path: Path
) -> None:
    spawned = get_context("spawn")
    digests = []
    for name, interrupt_at in (("one", None), ("broken", STEPS + 3)):
        with ProcessPoolExecutor(1, mp_context=spawned) as process:
            done = process.submit(deterministic_digests, url.data, tmp_path / name, interrupt_at)
            digests.append(done.result())
    assert digests[0] == digests[1]
    told = json.loads((tmp_path / "one" / "artefact" / "manifest.json").read_text())
    assert "created_at" not in told
    assert told["training"]["deterministic"] is True


def test_the_date_of_an_artefact_may_be_stated(
    url: Unbroken, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert datetime.fromisoformat(load(url.done.folder).manifest["created_at"]) > SOME_TIME_AGO
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    again = trained(url.data, url.done.folder.parent, output="dated")
    assert load(again.folder).manifest["created_at"] == "1970-01-02T00:00:00+00:00"
