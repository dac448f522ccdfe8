"""Manifests: read without trust, every field checked for type and range."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any, NoReturn, TypeVar

from models.artefact.precision import PRECISIONS, bytes_of, layout
from models.calibration import Calibration
from models.detectors import DETECTORS, Detector
from models.errors import ArtefactError
from models.features import Featuriser
from models.sizes import Sizes
from models.thresholds import Threshold, Thresholds

FORMAT = 2
# Without precision, calibration and n-grams.
FIRST_FORMAT = 1
MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
GOLDEN = "golden.json"
LARGEST_MANIFEST = 1 << 20
LARGEST_GOLDEN = 1 << 20
MOST_GOLDEN = 256
# A safetensors header names some dozen tensors in about 100 bytes each.
LARGEST_HEADER = 1 << 16
LONGEST_NAME = 100
LATEST_VERSION = (1 << 31) - 1
# What loading reads; `history` may add anything else.
KEYS = frozenset(
    (
        "format",
        "detector",
        "name",
        "version",
        "network",
        "precision",
        "featuriser",
        "calibration",
        "thresholds",
        "files",
    )
)
_SHA_256 = re.compile("[0-9a-f]{64}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What a manifest says of a file beside it."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest, checked.

    Attributes:
        digest: SHA-256 of its bytes, hexadecimal: the artefact's digest.
        detector: The row of the table that it is for.
        name: Of the model.
        version: Of the model.
        sizes: Of the network.
        precision: How weights are stored, one of ``PRECISIONS``.
        calibration: What makes scores of logits.
        thresholds: That decide labels.
        files: What it says of the two files beside it, by name.
        content: All that it says.
    """

    digest: str
    detector: Detector
    name: str
    version: int
    sizes: Sizes
    precision: str
    calibration: Calibration
    thresholds: Thresholds
    files: Mapping[str, File]
    content: Mapping[str, Any]


def parse(raw: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ArtefactError: it is not JSON, of an unknown format, or a field cannot be used; the
            message does not say where the manifest is from.
    """
    content = _object(loads(raw), "the manifest")
    version = content.get("format")
    if version not in (FIRST_FORMAT, FORMAT) or isinstance(version, bool):
        raise ArtefactError(
            f"format {shown(version)} is unknown; this version reads {FIRST_FORMAT} and {FORMAT}"
        )
    if version == FIRST_FORMAT:
        content = _of_today(content)
    named = _field(content, "detector", str)
    detector = DETECTORS.get(named)
    if detector is None:
        raise ArtefactError(
            f"detector {shown(named)} is unknown; this version has {', '.join(DETECTORS)}"
        )
    sizes = detector.family.sizes(_object(content.get("network"), "network"))
    _refuse_unknown_codes(
        sizes, detector.featuriser(_object(content.get("featuriser"), "featuriser"))
    )
    precision = _field(content, "precision", str)
    if precision not in PRECISIONS:
        raise ArtefactError(f"precision is {shown(precision)}, expected {' or '.join(PRECISIONS)}")
    return Manifest(
        digest=hashlib.sha256(raw).hexdigest(),
        detector=detector,
        name=_name(content),
        version=_whole(content, "version", 1, LATEST_VERSION),
        sizes=sizes,
        precision=precision,
        calibration=_calibration(_object(content.get("calibration"), "calibration")),
        thresholds=_thresholds(_object(content.get("thresholds"), "thresholds")),
        files=_files(_object(content.get("files"), "files"), sizes, precision),
        content=content,
    )


def _of_today(content: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of the first format with what was understood then."""
    network = {
        "alphabet": 128,
        "gram_orders": [],
        "gram_buckets": 0,
        "gram_units": 0,
        **_object(content.get("network"), "network"),
    }
    calibration = {"scale": 1.0, "offset": 0.0, "prior": 0.5}
    return {"precision": "float32", "calibration": calibration, **content, "network": network}


def loads(raw: bytes) -> Any:
    """Strict JSON: UTF-8, each key once, no NaN or Infinity, no deeper than the parser goes.

    Raises:
        ArtefactError: it is anything else.
    """
    try:
        return json.loads(
            raw.decode(), object_pairs_hook=_each_key_once, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"not JSON as an artefact has it: {error}") from error


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("an object has a key twice")
    return content


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArtefactError(f"{what} is {shown(value)}, expected an object")
    return value


def _field(content: Mapping[str, Any], key: str, kind: type[T]) -> T:
    value = content.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ArtefactError(f"{key} is {shown(value)}, expected {kind.__name__}")
    return value


def _whole(content: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = _field(content, key, int)
    if not least <= value <= most:
        raise ArtefactError(f"{key} is {shown(value)}, expected {least} to {most}")
    return value


def finite(value: object, what: str) -> float:
    """A number that a float can hold.

    Raises:
        ArtefactError: it is anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            if math.isfinite(number := float(value)):
                return number
        except OverflowError:
            pass
    raise ArtefactError(f"{what} is {shown(value)}, expected a finite number")


def _name(content: Mapping[str, Any]) -> str:
    name = _field(content, "name", str)
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
        raise ArtefactError(
            f"name is {shown(name)}, expected 1 to {LONGEST_NAME} printable characters"
        )
    return name


def _thresholds(given: Mapping[str, Any]) -> Thresholds:
    thresholds = Thresholds(
        suspicious=_threshold(given, "suspicious"), malicious=_threshold(given, "malicious")
    )
    if thresholds.suspicious.logit > thresholds.malicious.logit:
        raise ArtefactError(
            f"threshold 'suspicious' ({thresholds.suspicious.logit}) lies above 'malicious' "
            f"({thresholds.malicious.logit})"
        )
    return thresholds


def _threshold(given: Mapping[str, Any], label: str) -> Threshold:
    one = _object(given.get(label), f"threshold '{label}'")
    rate = finite(one.get("false_positive_rate"), f"false_positive_rate of '{label}'")
    if not 0 <= rate <= 1:
        raise ArtefactError(f"false_positive_rate of '{label}' is {rate}, expected 0 to 1")
    return Threshold(
        logit=finite(one.get("logit"), f"threshold '{label}'"), false_positive_rate=rate
    )


def _calibration(given: Mapping[str, Any]) -> Calibration:
    numbers = {
        key: finite(given.get(key), f"{key} of the calibration")
        for key in ("scale", "offset", "prior")
    }
    try:
        return Calibration(**numbers)
    except ValueError as error:
        raise ArtefactError(f"calibration: {error}") from error


def _refuse_unknown_codes(sizes: Sizes, featuriser: Featuriser) -> None:
    """Compiled loops look codes up without asking whether the tables go that far."""
    known, given = (told.parameters.get("alphabet") for told in (sizes, featuriser))
    if isinstance(given, int) and not (isinstance(known, int) and known >= given):
        raise ArtefactError(f"alphabet of the network is {known}, its featuriser gives {given}")


def _files(given: Mapping[str, Any], sizes: Sizes, precision: str) -> dict[str, File]:
    # The sizes fix the length of the weights but for the header.
    most = {
        WEIGHTS: bytes_of(layout(sizes.shapes(), precision, sizes.tables)) + LARGEST_HEADER,
        GOLDEN: LARGEST_GOLDEN,
    }
    if set(given) != set(most):
        raise ArtefactError(f"files are {shown(list(given))}, expected {', '.join(most)}")
    files = {}
    for name, limit in most.items():
        told = _object(given[name], name)
        sha256 = _field(told, "sha256", str)
        if not _SHA_256.fullmatch(sha256):
            raise ArtefactError(f"sha256 of {name} is {shown(sha256)}, expected 64 digits")
        files[name] = File(bytes=_whole(told, "bytes", 1, limit), sha256=sha256)
    return files
