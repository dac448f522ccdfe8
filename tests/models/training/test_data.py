from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from models.errors import DataError
from models.training.data import SPLITS, Columns, fingerprint, load

ROWS: list[dict[str, object]] = [
    {
        "text": f'http://host{number}.example/"a,b"?\u00e9',
        "label": number % 2,
        "split": SPLITS[number % 3],
        "source": f"feed:{number % 4}",
    }
    for number in range(30)
]

Writer = Callable[[Path, list[dict[str, object]]], Path]


def parquet(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "data.parquet"
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def csv(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "data.csv"
    pyarrow.csv.write_csv(pa.Table.from_pylist(rows), path)
    return path


def jsonl(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def zipped(writer: Writer) -> Writer:
    def write(folder: Path, rows: list[dict[str, object]]) -> Path:
        plain = writer(folder, rows)
        path = plain.with_name(f"{plain.name}.gz")
        path.write_bytes(gzip.compress(plain.read_bytes()))
        return path

    return write


WRITERS: dict[str, Writer] = {
    "parquet": parquet,
    "csv": csv,
    "jsonl": jsonl,
    "csv.gz": zipped(csv),
    "jsonl.gz": zipped(jsonl),
}
EVERY_FORMAT = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@EVERY_FORMAT
def test_splits_are_read_as_they_are_named(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, ROWS)
    for split, rows in zip(SPLITS, load(path), strict=True):
        expected = [row for row in ROWS if row["split"] == split]
        assert rows.texts == [row["text"] for row in expected]
        assert rows.labels.tolist() == [row["label"] for row in expected]
        assert rows.labels.dtype == np.int8
        assert rows.sources == [row["source"] for row in expected]
        assert rows.malicious == sum(rows.labels.tolist())
        assert rows.benign + rows.malicious == len(rows)


@EVERY_FORMAT
def test_text_and_label_are_enough(tmp_path: Path, write: Writer) -> None:
    rows = [{"text": row["text"], "label": row["label"]} for row in ROWS]
    splits = load(write(tmp_path, rows))
    assert sorted(text for split in splits for text in split.texts) == sorted(
        str(row["text"]) for row in ROWS
    )
    assert all(source == "" for split in splits for source in split.sources)


@EVERY_FORMAT
def test_columns_may_have_other_names(tmp_path: Path, write: Writer) -> None:
    rows: list[dict[str, object]] = [
        {"url": row["text"], "bad": row["label"], "part": row["split"], "from": row["source"]}
        for row in ROWS
    ]
    columns = Columns(text="url", label="bad", split="part", source="from")
    (test,) = load(write(tmp_path, rows), ["test"], columns)
    (expected,) = load(write(tmp_path, ROWS), ["test"])
    assert (test.texts, test.sources) == (expected.texts, expected.sources)


def test_all_names_every_row_whatever_its_split(tmp_path: Path) -> None:
    rows = [*ROWS, {**ROWS[0], "split": "holdout"}]
    (every,) = load(parquet(tmp_path, rows), ["all"])
    assert len(every) == len(rows)


def test_without_splits_a_row_keeps_its_split_when_rows_are_added(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"text": f"text{number}", "label": number % 2} for number in range(2000)
    ]
    before = load(jsonl(tmp_path, rows[:1000]))
    after = load(jsonl(tmp_path, rows))
    for part, larger in zip(before, after, strict=True):
        assert set(part.texts) <= set(larger.texts)
    shares = [len(part) / len(rows) for part in after]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)


def test_without_splits_a_group_crosses_none(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"text": f"text{number}", "label": 0, "source": f"{number % 20}", "group": number % 20}
        for number in range(400)
    ]
    parts = load(parquet(tmp_path, rows))
    groups = [set(part.sources) for part in parts]
    assert sum(map(len, groups)) == 20


def test_hosts_and_dates_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('text,label\n2024-01-02,0\n17,1\n"two\nlines",1\n')
    (rows,) = load(path, ["all"])
    assert rows.texts == ["2024-01-02", "17", "two\nlines"]


@pytest.mark.parametrize(
    "labels", [["0", "1"], [0.0, 1.0], [False, True]], ids=["texts", "floats", "booleans"]
)
def test_labels_may_be_written_in_other_ways(tmp_path: Path, labels: list[object]) -> None:
    rows: list[dict[str, object]] = [{"text": "a", "label": label} for label in labels]
    (read,) = load(parquet(tmp_path, rows), ["all"])
    assert read.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"url": "a", "label": 0}], "no column 'text' .* --text-column"),
        ([{"text": "a", "class": 0}], "no column 'label'"),
        ([{"text": "a", "label": 2}], "other than 0 and 1"),
        ([{"text": "a", "label": None}, {"text": "b", "label": 1}], "other than 0 and 1"),
        ([{"text": "a", "label": 0.5}], "column 'label' does not hold"),
        ([{"text": "a", "label": "malicious"}], "column 'label' does not hold"),
        ([{"text": None, "label": 0}, {"text": "b", "label": 1}], "empty in 1 rows"),
        ([{"text": ["a"], "label": 0}], "column 'text' does not hold"),
    ],
    ids=[
        "no text",
        "no label",
        "label 2",
        "label missing",
        "label a half",
        "label a word",
        "text missing",
        "text a list",
    ],
)
def test_data_that_does_not_fit_is_refused(
    tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load(parquet(tmp_path, rows))


@pytest.mark.parametrize("name", ["data.parquet", "data.csv", "data.jsonl"])
@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00not it"], ids=["missing", "garbage"])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=name):
        load(path)


def test_an_unknown_suffix_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"suffix '.xlsx' is none of .parquet, .csv"):
        load(tmp_path / "data.xlsx")


def test_the_fingerprint_is_the_sha_256_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"text,label\n")
    assert fingerprint(path) == hashlib.sha256(b"text,label\n").hexdigest()
    with pytest.raises(DataError, match="missing"):
        fingerprint(tmp_path / "missing")
