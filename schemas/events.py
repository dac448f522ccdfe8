"""Telemetry events as columns: what decoders give and detectors judge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.causes import NONE_REFUSED, Rejects


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Events:
    """m accepted events of a batch of n records, as parallel columns in the order of the batch.

    Attributes:
        rows: int64[m], indexes into the batch.
        subjects: m subjects: texts (str) exactly as they came, or pages (bytes) unpacked.
        event_ids: m ids of the producer's own, None where there was none.
        observed_at: m times (RFC 3339), None where there was none.
        further: m objects of small further fields, None where there were none.
        omitted: m tuples of names of further fields that were left out (`schemas.further`).
        rejects: the other n - m rows.
        kinds: m kinds of path (``file`` or ``registry``); None where subjects are no paths.
        urls: m addresses of pages, None where the producer did not know one; None where
            subjects are no pages.
        digests: m SHA-256 of pages, as 64 lowercase hexadecimal digits; None where subjects are
            no pages.
    """

    rows: NDArray[np.int64]
    subjects: list[str] | list[bytes]
    event_ids: list[str | int | None]
    observed_at: list[str | None]
    further: list[dict[str, Any] | None]
    omitted: list[tuple[str, ...]]
    rejects: Rejects
    kinds: list[str] | None = None
    urls: list[str | None] | None = None
    digests: list[str] | None = None

    @classmethod
    def of_texts(
        cls,
        texts: list[str],
        rows: NDArray[np.int64] | None = None,
        rejects: Rejects = NONE_REFUSED,
        *,
        kinds: list[str] | None = None,
    ) -> Events:
        """Bare texts, with nothing around them; by default the rows 0 to m - 1."""
        return cls._bare(texts, rows, rejects, kinds=kinds)

    @classmethod
    def of_pages(
        cls,
        pages: list[bytes],
        urls: list[str | None] | None = None,
        rows: NDArray[np.int64] | None = None,
        rejects: Rejects = NONE_REFUSED,
    ) -> Events:
        """Bare pages, as files have them; by default of unknown address, the rows 0 to m - 1."""
        return cls._bare(
            pages,
            rows,
            rejects,
            urls=[None] * len(pages) if urls is None else urls,
            digests=[page_digest(page) for page in pages],
        )

    @classmethod
    def _bare(
        cls,
        subjects: list[str] | list[bytes],
        rows: NDArray[np.int64] | None,
        rejects: Rejects,
        **columns: Any,
    ) -> Events:
        m = len(subjects)
        return cls(
            rows=np.arange(m, dtype=np.int64) if rows is None else rows,
            subjects=subjects,
            event_ids=[None] * m,
            observed_at=[None] * m,
            further=[None] * m,
            omitted=[()] * m,
            rejects=rejects,
            **columns,
        )

    def __len__(self) -> int:
        return len(self.subjects)

    def take(self, some: NDArray[np.integer]) -> Events:
        """Some of the accepted events, by index among them."""
        kept = some.tolist()

        def of(column: Sequence[Any]) -> list[Any]:
            return [column[i] for i in kept]

        return Events(
            rows=self.rows[some],
            subjects=of(self.subjects),
            event_ids=of(self.event_ids),
            observed_at=of(self.observed_at),
            further=of(self.further),
            omitted=of(self.omitted),
            rejects=self.rejects,
            kinds=None if self.kinds is None else of(self.kinds),
            urls=None if self.urls is None else of(self.urls),
            digests=None if self.digests is None else of(self.digests),
        )


def page_digest(page: bytes) -> str:
    """SHA-256 (FIPS 180-4) of a page's bytes after unpacking, by which equal pages are found."""
    return hashlib.sha256(page).hexdigest()
