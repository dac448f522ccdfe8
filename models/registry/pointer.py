"""The pointer of a model: which version is live, which were before, and who changed it when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from reprlib import repr as shown
from typing import Any, Literal, get_args

from models.artefact.manifest import LATEST_VERSION, loads
from models.errors import ArtefactError, RegistryError

POINTER = "live.json"
FORMAT = 1
# Some 25 kB, if it is long; but with nothing but odd letters in its texts, twelve bytes each as
# JSON escapes them, 600 kB.
LARGEST_POINTER = 1 << 20
# Promotions that can be rolled back, and changes that are remembered.
MOST_PREVIOUS = 32
MOST_HISTORY = 100
_LONGEST_TEXT = 200
_DIGEST = re.compile("[0-9a-f]{64}")

Action = Literal["promote", "rollback", "candidate", "prune"]
_ACTIONS: Mapping[Any, Action] = {action: action for action in get_args(Action)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A version, held fast by its digest.

    Attributes:
        version: Its number.
        digest: SHA-256 of its manifest.
        at: When it was named, ISO 8601 in UTC.
    """

    version: int
    digest: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the pointer, for people.

    Attributes:
        at: When, ISO 8601 in UTC.
        action: What was done.
        version: That is live, or candidate, since; None if none is.
        by: Who did it: user and host.
    """

    at: str
    action: Action
    version: int | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What ``live.json`` says; a value, equal to another that says the same.

    Attributes:
        revision: Counts the changes.
        live: The version that works; None before the first promotion.
        candidate: The version that is tried beside it, if any.
        previous: What to roll back to, the next one last.
        history: Changes, the latest last.
    """

    revision: int = 0
    live: Pin | None = None
    candidate: Pin | None = None
    previous: tuple[Pin, ...] = ()
    history: tuple[Change, ...] = ()


def encode_pointer(pointer: Pointer) -> bytes:
    """A pointer as ``live.json`` has it; what lies too far back is left out."""
    content = asdict(pointer)
    content["previous"] = content["previous"][-MOST_PREVIOUS:]
    content["history"] = content["history"][-MOST_HISTORY:]
    return json.dumps({"format": FORMAT, **content}, indent=1).encode() + b"\n"


def parse_pointer(raw: bytes) -> Pointer:
    """Read a pointer.

    Raises:
        RegistryError: it is none; the message does not say where it is from.
    """
    try:
        content = loads(raw)
    except ArtefactError as error:
        raise RegistryError(f"not JSON as a pointer has it: {error.__cause__}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RegistryError(f"not a pointer of format {FORMAT}, which this version reads")
    return Pointer(
        revision=_whole(content.get("revision"), "revision", 0),
        live=_pin_or_none(content.get("live"), "live"),
        candidate=_pin_or_none(content.get("candidate"), "candidate"),
        previous=tuple(_pin(one, "previous") for one in _list(content, "previous")),
        history=tuple(_change(one) for one in _list(content, "history")),
    )


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    if not isinstance(value, list):
        raise RegistryError(f"{key} is {shown(value)}, expected a list")
    return value


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RegistryError(f"{what} is {shown(value)}, expected an object")
    return value


def _pin_or_none(value: object, what: str) -> Pin | None:
    return None if value is None else _pin(value, what)


def _pin(value: object, what: str) -> Pin:
    told = _object(value, what)
    digest = told.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise RegistryError(f"digest of {what} is {shown(digest)}, expected 64 digits")
    return Pin(
        version=_whole(told.get("version"), f"version of {what}", 1),
        digest=digest,
        at=_text(told.get("at"), f"at of {what}"),
    )


def _change(value: object) -> Change:
    told = _object(value, "a change of the history")
    action, version = told.get("action"), told.get("version")
    if not isinstance(action, str) or action not in _ACTIONS:
        raise RegistryError(f"action of a change is {shown(action)}, which is unknown")
    return Change(
        at=_text(told.get("at"), "at of a change"),
        action=_ACTIONS[action],
        version=None if version is None else _whole(version, "version of a change", 1),
        by=_text(told.get("by"), "by of a change"),
    )


def _whole(value: object, what: str, least: int) -> int:
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not least <= value <= (LATEST_VERSION)
    ):
        raise RegistryError(f"{what} is {shown(value)}, expected {least} to {LATEST_VERSION}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise RegistryError(f"{what} is {shown(value)}, expected a short text")
    return value
