"""Rows of Parquet become events; verdicts become rows of Parquet, and read back are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.telemetry import in_parts
from schemas.verdict_reader import decode_verdict
from tests.workers.cli.verdicts import page_verdict, verdict
from workers.archives import parquet_rows
from workers.archives.errors import InputError, ResumeError
from workers.archives.parquet_rows import ParquetRows
from workers.archives.parquet_verdicts import convert, packed
from workers.errors import ConfigurationError


def written(path: Path, columns: dict[str, Any], rows: int = 3) -> str:
    pq.write_table(pa.table(columns), path, row_group_size=rows)
    return str(path)


def events(name: str, column: str = "url", field: str = "url", start: int = 0) -> list[Any]:
    rows = ParquetRows(name, column, field).since(start)
    return [orjson.loads(event) for some in rows for event in some]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["http://a/", None, "http://c/"]),
        pa.array(["http://a/", None, "http://c/"], pa.large_string()),
        pa.array([b"http://a/", None, b"http://c/"]),
        pa.array(["http://a/", None, "http://c/"]).dictionary_encode(),
    ],
    ids=["string", "large string", "binary", "dictionary"],
)
def test_columns_of_text(tmp_path: Path, column: pa.Array) -> None:
    name = written(tmp_path / "a", {"text": column, "id": [7, 8, 2**40], "label": [0, 1, 0]})

    assert events(name, "text") == [
        {"url": "http://a/", "id": 7},
        {"id": 8},
        {"url": "http://c/", "id": 2**40},
    ]


@pytest.mark.parametrize("group", range(1, 6))
def test_from_any_row_on(tmp_path: Path, group: int) -> None:
    texts = [f"http://{number}/" for number in range(10)]
    name = written(tmp_path / "a", {"url": texts}, rows=group)

    for start in range(12):
        assert [event["url"] for event in events(name, start=start)] == texts[start:]


def test_a_text_that_is_no_utf8_costs_itself_alone(tmp_path: Path) -> None:
    texts = [b"http://a/", b'http://\xff"\\\n/', b"http://c/"]
    name = written(tmp_path / "a", {"url": texts})
    (values,) = ParquetRows(name, "url", "url").since(0)

    (decoded,) = in_parts("url", values)

    assert decoded.subjects == ["http://a/", "http://c/"]
    assert [cause.value for cause in decoded.rejects.causes] == ["invalid-utf8"]


def test_pages_of_any_bytes(tmp_path: Path) -> None:
    pages = [b"<p>plain</p>", b"\xff\x00<p>"]
    name = written(tmp_path / "a", {"page": pages, "url": ["http://a/", None]})
    (values,) = ParquetRows(name, "page", "html").since(0)

    (decoded,) = in_parts("html", values)

    assert decoded.subjects == pages
    assert decoded.urls == ["http://a/", None]


@pytest.mark.parametrize(
    ("column", "says"),
    [("text", "it has url (string), label (int64)"), ("label", "no such column of text or bytes")],
)
def test_a_column_that_is_not_there(tmp_path: Path, column: str, says: str) -> None:
    name = written(tmp_path / "a", {"url": ["http://a/"], "label": [1]})

    with pytest.raises(ConfigurationError) as caught:
        ParquetRows(name, column, "url")

    assert f"--column has value '{column}'" in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PAR1" + b"nothing" * 9)

    with pytest.raises(InputError, match="is no Parquet file that can be read"):
        ParquetRows(str(tmp_path / "a"), "url", "url")


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"pip install 'fishweir\[parquet\]'"):
        parquet_rows.refuse_without_parquet()


def test_verdicts_are_the_same_from_parquet(tmp_path: Path) -> None:
    values = [
        verdict("http://a.example/", "malicious", [(0, 4, 1.5)]),
        page_verdict(b"<p>", url="http://b/"),
        orjson.dumps(orjson.loads(verdict("http://c/")) | {"event_id": 7, "event": {"a": [1]}}),
        orjson.dumps(
            orjson.loads(verdict("http://d/"))
            | {"source": {"topic": "t", "partition": 1, "offset": 2**40, "timestamp": -1}}
        ),
        b'{"error":{"cause":"empty","detail":"`url` is empty","line":5}}',
    ]
    (tmp_path / "pieces").write_bytes(packed(values[:2]) + packed([]) + packed(values[2:]))

    convert(tmp_path / "pieces", tmp_path / "v.parquet")

    rows = pq.read_table(tmp_path / "v.parquet").to_pylist()
    told = {"cause": "empty", "detail": "`url` is empty", "line": 5}
    assert rows[-1]["error"] == told | {"input": None}
    for row, value in zip(rows, values[:-1], strict=False):
        del row["error"]
        if row["event"] is not None:
            row["event"] = orjson.loads(row["event"])
        expected = decode_verdict(value)
        if expected["event_id"] is not None:
            expected["event_id"] = str(expected["event_id"])
        assert decode_verdict(orjson.dumps(row)) == expected


def test_a_piece_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "pieces").write_bytes(packed([verdict("http://a/")])[:-1])

    with pytest.raises(ResumeError, match="is cut off"):
        convert(tmp_path / "pieces", tmp_path / "v.parquet")
