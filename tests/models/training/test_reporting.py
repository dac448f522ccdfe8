"""Reports of artefacts that are there already."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from models.artefact import Artefact, load
from models.errors import ArtefactError, DataError
from models.training.card import CARD
from models.training.data import Labelled
from models.training.data import load as load_data
from models.training.report import JSON, MARKDOWN
from models.training.reporting import report_on
from tests.models.networks import save_artefact
from tests.models.training.trainings import (
    COUNTS,
    data_for,
    recipe,
    rows,
    settings,
    trained,
    write,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

COLUMNS = recipe("url").columns


class Known(NamedTuple):
    """A trained artefact, and the data that it was trained on."""

    data: Path
    artefact: Artefact
    first: Path

    def test(self) -> Labelled:
        (part,) = load_data(self.data, ["test"], COLUMNS)
        return part


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("known")
    data = data_for("url", folder)
    own = settings(policy=replace(recipe("url").policy, epochs=2))
    done = trained(data, folder, own=own)
    return Known(data, load(done.folder), done.folder)


def report(known: Known, data: Path, folder: Path) -> tuple[str, dict[str, object]]:
    (part,) = load_data(data, ["test"], COLUMNS)
    report_on(known.artefact, data, COLUMNS, part, None, folder)
    return (folder / MARKDOWN).read_text(), json.loads((folder / JSON).read_text())


def test_on_its_own_data_it_is_the_report_of_the_training(known: Known, tmp_path: Path) -> None:
    markdown, told = report(known, known.data, tmp_path)
    assert markdown == (known.first / MARKDOWN).read_text()
    before = json.loads((known.first / JSON).read_text())
    assert told["metrics"] == before["metrics"]
    assert told["findings"] == before["findings"]
    for picture in known.first.glob("*.png"):
        assert (tmp_path / picture.name).read_bytes() == picture.read_bytes()
    assert (tmp_path / CARD).read_text().startswith("# Model card: small 4\n")


def test_on_other_data_it_says_so_and_tells_no_origins(known: Known, tmp_path: Path) -> None:
    made = [
        {**row, "split": split}
        for seed, split in enumerate(COUNTS, start=50)
        for row in rows("url", 120, seed)
    ]
    data = write(tmp_path / "others.parquet", made)
    markdown, told = report(known, data, tmp_path / "report")
    assert markdown.startswith("# small 4 on others.parquet\n")
    assert "By kind of benign rows: not run." in markdown
    assert f"{known.artefact.thresholds.malicious.logit:.4f}, set for 0.1 %" in markdown
    findings = told["findings"]
    assert isinstance(findings, dict)
    assert findings["choice"] is None
    assert findings["origins"] is None
    assert "Sources and licences: not run." in (tmp_path / "report" / CARD).read_text()


def test_data_without_validation_rows_is_refused(known: Known, tmp_path: Path) -> None:
    made = [{**row, "split": "test"} for row in rows("url", 40, seed=3)]
    data = write(tmp_path / "data.parquet", made)
    with pytest.raises(DataError, match="split 'validation' has 0 benign and 0 malicious rows"):
        report(known, data, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_an_artefact_that_tells_nothing_of_its_training_is_refused(
    known: Known, tmp_path: Path
) -> None:
    save_artefact(tmp_path / "bare")
    bare = load(tmp_path / "bare")
    with pytest.raises(ArtefactError, match="does not tell parameters, data, training, libraries"):
        report_on(bare, known.data, COLUMNS, known.test(), None, tmp_path / "report")
