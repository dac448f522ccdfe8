from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
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
        assert rows.subjects == [row["text"] for row in expected]
        assert rows.labels.tolist() == [row["label"] for row in expected]
        assert rows.labels.dtype == np.int8
        assert rows.sources == [row["source"] for row in expected]
        assert rows.malicious == sum(rows.labels.tolist())
        assert rows.benign + rows.malicious == len(rows)


@EVERY_FORMAT
def test_text_and_label_are_enough(tmp_path: Path, write: Writer) -> None:
    rows = [{"text": row["text"], "label": row["label"]} for row in ROWS]
    splits = load(write(tmp_path, rows))
    assert sorted(text for split in splits for text in split.subjects) == sorted(
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
    assert (test.subjects, test.sources) == (expected.subjects, expected.sources)


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
        assert set(part.subjects) <= set(larger.subjects)
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


PAGES = [b"<p>\xff\x00</p>", b"", "caf\u00e9".encode()]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.binary(), PAGES),
        (pa.large_binary(), PAGES),
        (pa.string(), ["<p>a</p>", "", "caf\u00e9"]),
        (pa.large_string(), ["<p>a</p>", "", "caf\u00e9"]),
    ],
    ids=str,
)
def test_pages_are_bytes_whatever_the_column_is(
    tmp_path: Path, kind: pa.DataType, values: list[str | bytes]
) -> None:
    path = tmp_path / "data.parquet"
    table = pa.table({"html": pa.array(values, kind), "label": [0, 1, 0]})
    pyarrow.parquet.write_table(table, path)
    (rows,) = load(path, ["all"], Columns(text="html"), pages=True)
    assert rows.subjects == [
        value.encode() if isinstance(value, str) else value for value in values
    ]


@pytest.mark.parametrize("write", [csv, jsonl], ids=["csv", "jsonl"])
def test_pages_of_text_files_are_utf_8(tmp_path: Path, write: Writer) -> None:
    made: list[dict[str, object]] = [{"html": "<p>\n\u4f8b</p>", "label": 1}]
    (rows,) = load(write(tmp_path, made), ["all"], Columns(text="html"), pages=True)
    assert rows.subjects == ["<p>\n\u4f8b</p>".encode()]


def test_a_page_of_megabytes_fits_a_line(tmp_path: Path) -> None:
    made: list[dict[str, object]] = [{"text": "x" * (4 << 20), "label": 1}] * 2
    (rows,) = load(jsonl(tmp_path, made), ["all"], pages=True)
    assert [len(page) for page in rows.subjects] == [4 << 20] * 2


def test_groups_dates_and_further_columns_come_as_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": ["a", "b", "c"],
            "label": [0, 1, 1],
            "domain": ["x", None, "y"],
            "first_seen": pa.array([date(2024, 1, 2), None, date(2025, 3, 4)]),
            "synthetic": [True, False, None],
            "unread": [1, 2, 3],
        }
    )
    path = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(table, path)
    columns = Columns(group="domain", apart=("synthetic", "missing"))
    (rows,) = load(path, ["all"], columns)
    assert rows.groups == ["x", "", "y"]
    assert rows.dates == ["2024-01-02", "", "2025-03-04"]
    assert rows.apart == {"synthetic": ["true", "false", ""], "missing": ["", "", ""]}
    (rows,) = load(path, ["all"], Columns(group=None, date=None))
    assert rows.groups == rows.dates == ["", "", ""]
    assert rows.apart == {}


def test_rows_taken_keep_all_that_is_known_of_them(tmp_path: Path) -> None:
    made: list[dict[str, object]] = [
        {
            "text": f"t{number}",
            "label": number % 2,
            "source": f"s{number}",
            "group": f"g{number}",
            "first_seen": f"202{number}",
            "kind": f"k{number}",
        }
        for number in range(4)
    ]
    (rows,) = load(parquet(tmp_path, made), ["all"], Columns(apart=("kind",)))
    assert rows.targets.dtype == np.float32
    assert rows.targets.tolist() == rows.labels.tolist()
    taken = replace(rows, targets=np.array([0.1, 0.2, 0.3, 0.4], np.float32)).take(
        np.array([False, True, False, True])
    )
    assert (taken.subjects, taken.sources, taken.groups) == (
        ["t1", "t3"],
        ["s1", "s3"],
        ["g1", "g3"],
    )
    assert (taken.dates, taken.apart) == (["2021", "2023"], {"kind": ["k1", "k3"]})
    assert taken.targets.tolist() == pytest.approx([0.2, 0.4])
    assert (taken.benign, taken.malicious) == (0, 2)


def test_without_splits_rows_of_no_group_are_split_by_their_text(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"text": f"text{number}", "label": 0, "group": "one" if number % 2 else None}
        for number in range(400)
    ]
    parts = load(parquet(tmp_path, rows))
    assert sum("one" in part.groups for part in parts) == 1
    assert [part.groups.count("") > 0 for part in parts] == [True] * 3


@pytest.mark.parametrize("written", ["nan", "NaT", "None", "unknown", "12/31/2024", "20245"])
def test_what_is_no_date_is_none(tmp_path: Path, written: str) -> None:
    path = tmp_path / "rows.parquet"
    columns = {
        "text": ["a", "b", "c"],
        "label": [1, 1, 0],
        "first_seen": ["2024-01-02", written, "2024"],
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    (rows,) = load(path, ["all"])
    assert rows.dates == ["2024-01-02", "", "2024"]


def test_hosts_and_dates_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('text,label\n2024-01-02,0\n17,1\n"two\nlines",1\n')
    (rows,) = load(path, ["all"])
    assert rows.subjects == ["2024-01-02", "17", "two\nlines"]


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
