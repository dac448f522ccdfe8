"""Targets from a file of logits that a teacher from elsewhere gave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from models.artefact import load
from models.calibration import sigmoid
from models.errors import DataError
from models.training import judged
from models.training.data import Labelled, fingerprint
from models.training.data import load as load_data
from models.training.teaching import INVENTED, taught_by_file
from tests.models.training.trainings import data_for, recipe, settings, trained

FURTHER = ["http://made.example/up", "http://other.example/"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_for("url", tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def rows(data: Path) -> Labelled:
    (train,) = load_data(data, ["train"])
    return train


def written(folder: Path, texts: list[str | None], logits: list[float]) -> Path:
    path = folder / "logits.parquet"
    pyarrow.parquet.write_table(pa.table({"text": texts, "logit": logits}), path)
    return path


def drawn(count: int) -> list[float]:
    logits: list[float] = np.random.default_rng(0).normal(size=count).tolist()
    return logits


def unique(rows: Labelled) -> list[str | None]:
    return list(dict.fromkeys(rows.subjects))


def test_rows_are_found_by_their_text_whatever_the_order(rows: Labelled, tmp_path: Path) -> None:
    texts = [*FURTHER, *reversed(unique(rows))]
    logits = drawn(len(texts))
    said = dict(zip(texts, sigmoid(np.array(logits)).tolist(), strict=True))
    path = written(tmp_path, texts, logits)
    read = judged.read(path)
    assert read.digest == fingerprint(path)
    told = taught_by_file(rows, read, weight=0.75)
    known = len(rows)
    expected = [
        0.25 * label + 0.75 * said[text]
        for text, label in zip(rows.subjects, rows.labels.tolist(), strict=True)
    ]
    assert told.targets[:known] == pytest.approx(expected, abs=1e-6)
    assert told.labels[:known].tolist() == rows.labels.tolist()
    assert told.subjects[known:] == FURTHER
    assert told.sources[known:] == [INVENTED] * 2
    assert told.targets[known:] == pytest.approx([said[text] for text in FURTHER], abs=1e-6)


def test_a_file_made_for_other_rows_is_refused(rows: Labelled, tmp_path: Path) -> None:
    texts = unique(rows)[1:]
    read = judged.read(written(tmp_path, texts, drawn(len(texts))))
    with pytest.raises(DataError, match=r"lacks \d+ of the 600 rows of train"):
        taught_by_file(rows, read, weight=0.5)


@pytest.mark.parametrize(
    ("texts", "logits", "told"),
    [
        (["a", "a"], [0.0, 1.0], "1 texts a second time"),
        (["a", None], [0.0, 1.0], "without a text"),
        (["a", "b"], [0.0, float("nan")], "no finite numbers"),
        (["a", "b"], [0.0, float("inf")], "no finite numbers"),
    ],
)
def test_bad_rows_of_the_file_are_told(
    texts: list[str | None], logits: list[float], told: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=told):
        judged.read(written(tmp_path, texts, logits))


def test_what_is_no_such_file_is_told(tmp_path: Path, data: Path) -> None:
    (tmp_path / "text").write_text("text,logit\n")
    for path in (tmp_path / "none", tmp_path / "text", data):
        with pytest.raises(DataError, match="cannot be read as Parquet with the columns"):
            judged.read(path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.usefixtures("without_report")
def test_the_manifest_names_the_file(data: Path, rows: Labelled, tmp_path: Path) -> None:
    texts = unique(rows)
    read = judged.read(written(tmp_path, texts, drawn(len(texts))))
    own = settings(
        judged=read.digest, distillation=0.9, policy=replace(recipe("url").policy, epochs=1)
    )
    done = trained(data, tmp_path, own=own, judged=read)
    told = load(done.folder).manifest["training"]
    assert (told["judged"], told["distillation"]) == (read.digest, 0.9)
