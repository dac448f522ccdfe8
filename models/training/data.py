"""Labelled texts or pages from Parquet, CSV or JSON Lines, as columns.

Columns: ``text`` (or as named), ``label`` (0 benign, 1 malicious), optionally ``split`` (train,
validation, test), ``source`` (where the row is from; reported apart), ``group`` (rows that belong
together, such as one domain's, and must not cross splits), ``first_seen`` (a date) and others by
whose values figures are set apart. Without ``split``, rows are
split 80/10/10 by a digest of their group, or of their text where there is no group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
from numpy.typing import NDArray

from models.errors import DataError

SPLITS = ("train", "validation", "test")
# By the first byte of a digest: 205 of 256 (80 %) train, the next 26 (10 %) validate.
TRAIN_BELOW = 205
VALIDATION_BELOW = 231
# A JSON line must fit into one block: pages of HTML have some megabytes.
JSON_BLOCK = 1 << 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a file hold what; those after the label may be missing, or None.

    ``apart`` names further columns by whose values figures are given.
    """

    text: str = "text"
    label: str = "label"
    split: str | None = "split"
    source: str | None = "source"
    group: str | None = "group"
    date: str | None = "first_seen"
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """n labelled subjects of one split.

    Attributes:
        subjects: n texts, or n pages as bytes.
        labels: int8[n], 1 malicious.
        sources: n names of sources, "" where unknown.
        groups: n names of what belongs together, "" where unknown.
        dates: n dates, "" where unknown.
        apart: Further columns of n values each, by name.
        targets: float32[n], what a network is to learn: the labels, unless a teacher says
            otherwise.
    """

    subjects: list[Any] = field(repr=False)
    labels: NDArray[np.int8]
    sources: list[str] = field(repr=False)
    groups: list[str] = field(repr=False)
    dates: list[str] = field(repr=False)
    apart: Mapping[str, list[str]] = field(repr=False)
    targets: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, kept: NDArray[np.bool_]) -> Labelled:
        """Those of the rows that are kept."""
        rows = np.flatnonzero(kept).tolist()

        def some(values: list[Any]) -> list[Any]:
            return [values[row] for row in rows]

        return Labelled(
            subjects=some(self.subjects),
            labels=self.labels[kept],
            sources=some(self.sources),
            groups=some(self.groups),
            dates=some(self.dates),
            apart={name: some(values) for name, values in self.apart.items()},
            targets=self.targets[kept],
        )

    @property
    def benign(self) -> int:
        """Rows labelled 0."""
        return len(self.labels) - self.malicious

    @property
    def malicious(self) -> int:
        """Rows labelled 1."""
        return int(np.count_nonzero(self.labels))


def load(
    path: Path,
    splits: Sequence[str] = SPLITS,
    columns: Columns | None = None,
    *,
    pages: bool = False,
) -> list[Labelled]:
    """Read the named splits of a file; ``all`` names every row, whatever its split.

    With ``pages`` subjects are bytes: of binary columns as they are, of texts in UTF-8.

    Raises:
        DataError: the file cannot be read, a column is missing, a text is missing, or a label is
            not 0 or 1.
    """
    columns = columns or Columns()
    table = _read(path, columns)
    for needed in (columns.text, columns.label):
        if needed not in table.column_names:
            raise DataError(
                f"{path} has no column '{needed}' (it has {', '.join(table.column_names)}); "
                "name the right one with --text-column and --label-column"
            )
    texts = _cast(table, columns.text, pa.binary() if pages else pa.string(), path)
    if texts.null_count:
        raise DataError(f"{path}: column '{columns.text}' is empty in {texts.null_count} rows")
    labels = _cast(table, columns.label, pa.int64(), path)
    if not pc.all(pc.is_in(labels, pa.array([0, 1]))).as_py():
        raise DataError(f"{path}: column '{columns.label}' holds values other than 0 and 1")
    named = {
        "sources": _optional(table, columns.source, path),
        "groups": _optional(table, columns.group, path),
        "dates": _dated(_optional(table, columns.date, path)),
    }
    apart = {name: _optional(table, name, path) for name in columns.apart}
    split_of_row = _splits(table, texts, columns, path)
    chosen = []
    for split in splits:
        rows = pa.array(np.flatnonzero((split_of_row == split) | (split == "all")))
        own = labels.take(rows).to_numpy().astype(np.int8)
        chosen.append(
            Labelled(
                subjects=texts.take(rows).to_pylist(),
                labels=own,
                apart={name: column.take(rows).to_pylist() for name, column in apart.items()},
                targets=own.astype(np.float32),
                **{name: column.take(rows).to_pylist() for name, column in named.items()},
            )
        )
    return chosen


def fingerprint(path: Path) -> str:
    """SHA-256 of the file, so that a manifest can say what its weights were trained on.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _read(path: Path, columns: Columns) -> pa.Table:
    readers: dict[str, Callable[[Path, Columns], pa.Table]] = {
        ".parquet": _parquet,
        ".csv": _csv,
        ".jsonl": _json,
        ".ndjson": _json,
        ".json": _json,
    }
    suffix = path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    if suffix not in readers:
        raise DataError(f"{path}: suffix '{path.suffix}' is none of {', '.join(readers)}")
    try:
        return readers[suffix](path, columns)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _parquet(path: Path, columns: Columns) -> pa.Table:
    named = {
        columns.text,
        columns.label,
        columns.split,
        columns.source,
        columns.group,
        columns.date,
        *columns.apart,
    }
    present = pyarrow.parquet.read_schema(path).names
    return pyarrow.parquet.read_table(path, columns=[name for name in present if name in named])


def _csv(path: Path, columns: Columns) -> pa.Table:
    texts = [
        columns.text,
        columns.split,
        columns.source,
        columns.group,
        columns.date,
        *columns.apart,
    ]
    return pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        # Unless told, Arrow would read a column of IP hosts or dates as something else.
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in texts if name is not None}
        ),
    )


def _json(path: Path, _columns: Columns) -> pa.Table:
    return pyarrow.json.read_json(path, pyarrow.json.ReadOptions(block_size=JSON_BLOCK))


def _cast(table: pa.Table, column: str, kind: pa.DataType, path: Path) -> pa.ChunkedArray:
    try:
        return table[column].cast(kind)
    except pa.ArrowException as error:
        raise DataError(f"{path}: column '{column}' does not hold {kind}: {error}") from error


def _optional(table: pa.Table, column: str | None, path: Path) -> pa.ChunkedArray:
    """A column of texts, "" where there is none."""
    if column is None or column not in table.column_names:
        return pa.chunked_array([pa.array([""] * len(table), pa.string())])
    return pc.fill_null(_cast(table, column, pa.string(), path), "")


def _dated(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dates as they are, "" for what does not begin with a year: some write "nan" for none."""
    return pc.if_else(pc.match_substring_regex(values, r"^\d{4}(?:-|$)"), values, "")


def _splits(
    table: pa.Table, texts: pa.ChunkedArray, columns: Columns, path: Path
) -> NDArray[np.object_]:
    if columns.split and columns.split in table.column_names:
        return np.array(_optional(table, columns.split, path).to_pylist(), object)
    groups = _optional(table, columns.group, path).cast(pa.binary()).to_pylist()
    own = texts.cast(pa.binary()).to_pylist()
    firsts = np.fromiter(
        (
            hashlib.sha256(group or text).digest()[0]
            for group, text in zip(groups, own, strict=True)
        ),
        np.uint8,
        len(own),
    )
    return np.where(
        firsts < TRAIN_BELOW, "train", np.where(firsts < VALIDATION_BELOW, "validation", "test")
    ).astype(object)
