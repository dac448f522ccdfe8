"""Why a record became a dead letter: stable codes, and the columns that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray


class _Code(StrEnum):
    """A stable code that says what it means.

    Attributes:
        meaning: A sentence for people.
    """

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        """The member: a string that is its code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class Stage(_Code):
    """Where on its way a record was refused; the header ``weir-stage``."""

    DECODE = "decode", "Reading the telemetry event."
    SCORE = "score", "Featurising and scoring."
    PUBLISH = "publish", "Sending the verdict on."


class Cause(_Code):
    """What was wrong with a record; the header ``weir-cause``. Codes never change meaning."""

    TOMBSTONE = "tombstone", "The record has no value (null)."
    EMPTY_VALUE = "empty-value", "The value is zero bytes long."
    OVERSIZED = "oversized", "The value is larger than the decoder takes."
    INVALID_UTF8 = "invalid-utf8", "The value is not UTF-8."
    NOT_JSON = (
        "not-json",
        (
            "The value is not JSON (RFC 8259), or nothing that can be exchanged: a lone "
            "surrogate escape (in URL events), a number beyond a double's range, more than "
            "1,024 levels (compare RFC 7493)."
        ),
    )
    NOT_AN_OBJECT = "not-an-object", "The value is JSON, but no object."
    SUBJECT_MISSING = "subject-missing", "The field to be scored is not there."
    NOT_A_STRING = "not-a-string", "The field to be scored is not a string."
    EMPTY = "empty", "The field to be scored is the empty string."
    TOO_LONG = "too-long", "The field to be scored has more characters than its contract allows."
    BAD_ID = "bad-id", "`id` is neither a string of up to 1,024 characters nor a 64-bit integer."
    BAD_KIND = "bad-kind", "`kind` of a path is neither `file` nor `registry`."
    SUBJECT_TWICE = (
        "subject-twice",
        "The page is there both as a string and in base64; which one counts is anybody's guess.",
    )
    BAD_ENCODING = (
        "bad-encoding",
        "`encoding` of a page is unknown, or says that a string is packed.",
    )
    NOT_BASE64 = "not-base64", "The page is not standard base64 with padding (RFC 4648, 4)."
    BAD_PACKING = (
        "bad-packing",
        "The bytes of the page are not, or not wholly, what `encoding` says.",
    )
    PAGE_TOO_LARGE = (
        "page-too-large",
        "The page has more bytes, after decompression, than the setting allows.",
    )
    BAD_URL = "bad-url", "`url` of a page is no string, or has more than 65,536 characters."
    NOT_FINITE = "not-finite", "The network gave no finite logit."
    UNSCORABLE = "unscorable", "The detector refused the subject."
    UNPUBLISHABLE = "unpublishable", "The log refused the verdict for good."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rejects:
    """k refused rows of a batch, as parallel columns, in order of row.

    Attributes:
        rows: int64[k], indexes into the batch.
        causes: k codes.
        details: k sentences for the operator. They quote nothing of the record but numbers and
            the names of JSON types, and where the model refused a record, what the model said.
    """

    rows: NDArray[np.int64]
    causes: Sequence[Cause]
    details: Sequence[str]

    def __len__(self) -> int:
        return len(self.causes)

    def joined(self, other: Rejects) -> Rejects:
        """These rows and those of ``other``, no row being in both."""
        if not len(other):
            return self
        rows = np.concatenate([self.rows, other.rows])
        order = np.argsort(rows, kind="stable")
        causes, details = [*self.causes, *other.causes], [*self.details, *other.details]
        return Rejects(
            rows=rows[order],
            causes=[causes[i] for i in order.tolist()],
            details=[details[i] for i in order.tolist()],
        )


NONE_REFUSED = Rejects(rows=np.array([], np.int64), causes=(), details=())


class RefusedError(Exception):
    """One record is refused; caught where its batch is decoded."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Refusals:
    """Gathers refused rows, one at a time and in order, into the columns of `Rejects`."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._causes: list[Cause] = []
        self._details: list[str] = []

    def add(self, row: int, refused: RefusedError) -> None:
        """Refuse one row."""
        self._rows.append(row)
        self._causes.append(refused.cause)
        self._details.append(refused.detail)

    def columns(self) -> Rejects:
        """What was gathered."""
        return Rejects(
            rows=np.array(self._rows, np.int64), causes=self._causes, details=self._details
        )
