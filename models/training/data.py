"""Labelled texts from Parquet, CSV or JSON Lines, as columns.

Columns: ``text`` (or as named), ``label`` (0 benign, 1 malicious), optionally ``split`` (train,
validation, test), ``source`` (where the row is from; reported apart) and ``group`` (rows that
belong together, such as one domain's, and must not cross splits). Without ``split``, rows are
split 80/10/10 by a digest of their group, or of their text where there is no group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns of a file hold what; None where there is none."""

    text: str = "text"
    label: str = "label"
    split: str | None = "split"
    source: str | None = "source"
    group: str | None = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """n labelled texts of one split.

    Attributes:
        texts: n texts.
        labels: int8[n], 1 malicious.
        sources: n names of sources, "" where unknown.
    """

    texts: list[str]
    labels: NDArray[np.int8]
    sources: list[str]

    def __len__(self) -> int:
        return len(self.texts)


def load(
    path: Path, splits: Sequence[str] = SPLITS, columns: Columns | None = None
) -> list[Labelled]:
    """Read the named splits of a file.

    Raises:
        DataError: the file cannot be read, a column is missing, or a label is not 0 or 1.
    """
    columns = columns or Columns()
    table = _read(path)
    for needed in (columns.text, columns.label):
        if needed not in table.column_names:
            raise DataError(
                f"{path} has no column '{needed}' (it has {', '.join(table.column_names)}); "
                "name the right one with --text-column and --label-column"
            )
    labels = table[columns.label].cast(pa.int64(), safe=False)
    if not pc.all(pc.is_in(labels, pa.array([0, 1]))).as_py():
        raise DataError(f"{path}: column '{columns.label}' holds values other than 0 and 1")
    split_of_row = _splits(table, columns)
    chosen = []
    for split in splits:
        rows = np.flatnonzero(split_of_row == split)
        part = table.take(pa.array(rows))
        chosen.append(
            Labelled(
                texts=part[columns.text].to_pylist(),
                labels=labels.take(pa.array(rows)).to_numpy().astype(np.int8),
                sources=_texts(part, columns.source),
            )
        )
    return chosen


def fingerprint(path: Path) -> str:
    """SHA-256 of the file, so that a manifest can say what its weights were trained on."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> pa.Table:
    readers = {
        ".parquet": pyarrow.parquet.read_table,
        ".csv": pyarrow.csv.read_csv,
        ".jsonl": pyarrow.json.read_json,
        ".ndjson": pyarrow.json.read_json,
        ".json": pyarrow.json.read_json,
    }
    suffix = path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    if suffix not in readers:
        raise DataError(f"{path}: suffix '{path.suffix}' is none of {', '.join(readers)}")
    try:
        return readers[suffix](path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _texts(table: pa.Table, column: str | None) -> list[str]:
    if column is None or column not in table.column_names:
        return [""] * len(table)
    return [value or "" for value in table[column].cast(pa.string()).to_pylist()]


def _splits(table: pa.Table, columns: Columns) -> NDArray[np.str_]:
    if columns.split and columns.split in table.column_names:
        return np.asarray(_texts(table, columns.split))
    keys = _texts(table, columns.group if columns.group in table.column_names else columns.text)
    firsts = np.fromiter(
        (hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[0] for key in keys),
        np.uint8,
        len(keys),
    )
    return np.where(
        firsts < TRAIN_BELOW, "train", np.where(firsts < VALIDATION_BELOW, "validation", "test")
    )
