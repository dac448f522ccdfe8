"""What a teacher from elsewhere makes of texts, read from a file.

A slow network of another kind (a transformer, say) can be taught here without being run here: its
logits are all that is wanted of it. Those of rows of train should come from networks that had not
seen these rows (cross-fitting), for of what it was trained on a network only repeats the labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from models.errors import DataError
from models.training.data import fingerprint

TEXT, LOGIT = COLUMNS = ("text", "logit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Texts with a teacher's logits.

    Attributes:
        digest: SHA-256 of the file.
        texts: n, each another.
        logits: float64[n], natural log odds.
    """

    digest: str
    texts: list[str] = field(repr=False)
    logits: NDArray[np.float64] = field(repr=False)


def read(path: Path) -> Judged:
    """Read a Parquet file with the columns ``text`` and ``logit``.

    Raises:
        DataError: it cannot be read, lacks a column, holds a text twice, or a logit that is no
            number.
    """
    try:
        table = pyarrow.parquet.read_table(path, columns=list(COLUMNS))
        texts = table[TEXT].cast(pa.string()).to_pylist()
        logits = table[LOGIT].cast(pa.float64()).to_numpy()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read as Parquet with the columns {TEXT} and {LOGIT}: {error}"
        ) from error
    if None in texts or not np.isfinite(logits).all():
        raise DataError(f"{path} holds rows without a text, or logits that are no finite numbers")
    if len(set(texts)) < len(texts):
        raise DataError(f"{path} holds {len(texts) - len(set(texts)):,} texts a second time")
    return Judged(digest=fingerprint(path), texts=texts, logits=logits)
