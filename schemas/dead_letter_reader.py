"""Dead letters as their readers have them: what our headers say, read strictly."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from schemas.causes import Stage
from schemas.dead_letter import (
    CAUSE,
    CONTRACT_VERSION,
    DETAIL,
    ORIGINAL_LENGTH,
    ORIGINAL_NULL,
    ORIGINAL_SHA256,
    PREFIX,
    STAGE,
    TRUNCATED,
    VERSION,
    Header,
    Headers,
    origin,
)
from schemas.origin import Origin

# Codes of later versions have this form too.
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_STAGES: Final = frozenset(stage.value for stage in Stage)


class Told(NamedTuple):
    """What a dead letter's headers tell.

    Attributes:
        cause: A code of `schemas.causes.Cause`, or of a later version.
        stage: A code of `schemas.causes.Stage`.
        detail: A sentence for people; whoever wrote it, it is not made printable here.
        origin: Where the record was first read; None where that is not told, or not well-formed.
        truncated: What was cut or left out, as ``weir-truncated`` says; None if nothing was.
        original_null: Whether the original had no value.
        original_length: Bytes of the original value, as told; None if it is not.
        original_sha256: Digest of the original value, as told; None if it is not.
    """

    cause: str
    stage: str
    detail: str
    origin: Origin | None
    truncated: str | None
    original_null: bool
    original_length: str | None
    original_sha256: str | None


def told(headers: Headers) -> Told | None:
    """What the headers of a record tell; None if it is no dead letter of this contract.

    That is a record that does not have cause, stage and this contract's version once each, or has
    a stage that there is not.
    """
    ours = [(name, value) for name, value in headers if name.startswith(PREFIX)]
    values = {name: (value or b"").decode(errors="replace") for name, value in ours}
    if len(values) != len(ours) or values.get(CONTRACT_VERSION) != str(VERSION):
        return None
    cause, stage = values.get(CAUSE, ""), values.get(STAGE, "")
    if _CODE.fullmatch(cause) is None or stage not in _STAGES:
        return None
    return Told(
        cause=cause,
        stage=stage,
        detail=values.get(DETAIL, ""),
        origin=origin(ours),
        truncated=values.get(TRUNCATED),
        original_null=ORIGINAL_NULL in values,
        original_length=values.get(ORIGINAL_LENGTH),
        original_sha256=values.get(ORIGINAL_SHA256),
    )


def own_headers(headers: Headers) -> list[Header]:
    """The headers that the refused record came with."""
    return [header for header in headers if not header[0].startswith(PREFIX)]
