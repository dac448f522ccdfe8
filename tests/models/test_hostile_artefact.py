"""Whatever lies in the folder, loading ends in an `ArtefactError` and allocates little."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, load
from models.errors import ArtefactError
from models.url.normaliser import ALPHABET
from tests.models.networks import SMALL, random_tensors, save_artefact
from tests.models.pages import save_pages

# Far more than the small artefact needs, far less than a lying manifest asks for.
LITTLE = 32 << 20

Json = dict[str, Any]


def rewrite(folder: Path, change: Callable[[Json], object]) -> None:
    """Change the manifest as one who can write the folder would."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Change a file and make the manifest vouch for it."""
    (folder / name).write_bytes(content)

    def vouch(manifest: Json) -> None:
        manifest["files"][name] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    rewrite(folder, vouch)


def refused(folder: Path) -> str:
    """Load, expecting refusal without large allocations; gives the message."""
    tracemalloc.start()
    try:
        with pytest.raises(ArtefactError) as caught:
            load(folder)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert str(folder) in message
    assert len(message) < 2000
    return message


def put(*keys: str, value: object) -> Callable[[Json], None]:
    def change(manifest: Json) -> None:
        inner = manifest
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


def drop(*keys: str) -> Callable[[Json], None]:
    def change(manifest: Json) -> None:
        inner = manifest
        for key in keys[:-1]:
            inner = inner[key]
        del inner[keys[-1]]

    return change


def with_grams(**sizes: object) -> Callable[[Json], None]:
    """A network with n-grams, as given or else as may be."""

    def change(manifest: Json) -> None:
        manifest["network"] |= {"gram_orders": [3], "gram_buckets": 4, "gram_units": 4, **sizes}

    return change


MANIFESTS: dict[str, tuple[Callable[[Json], object], str]] = {
    "another format": (put("format", value=3), "format 3 is unknown"),
    "format true": (put("format", value=True), "format True is unknown"),
    "no format": (drop("format"), "format None"),
    "unknown detector": (put("detector", value="x"), "detector 'x' is unknown"),
    "detector a list": (put("detector", value=["url"]), "detector is"),
    "name a number": (put("name", value=5), "name is 5, expected str"),
    "name of a mebibyte": (put("name", value="a" * 900_000), "expected 1 to 100"),
    "name that turns the terminal": (put("name", value="\x1b[31m"), "printable"),
    "version a text": (put("version", value="1"), "version is '1', expected int"),
    "version true": (put("version", value=True), "version is True"),
    "version negative": (put("version", value=-1), "version is -1"),
    "version huge": (put("version", value=10**4000), "expected 1 to"),
    "thresholds missing": (drop("thresholds"), "thresholds is None"),
    "threshold a text": (
        put("thresholds", "malicious", "logit", value="high"),
        "threshold 'malicious' is 'high'",
    ),
    "threshold too large for a float": (
        put("thresholds", "malicious", "logit", value=10**400),
        "expected a finite number",
    ),
    "thresholds crossed": (
        put("thresholds", "suspicious", "logit", value=99),
        "lies above 'malicious'",
    ),
    "rate above 1": (
        put("thresholds", "malicious", "false_positive_rate", value=2),
        "expected 0 to 1",
    ),
    "calibration missing": (drop("calibration"), "calibration is None"),
    "calibration a number": (put("calibration", value=1), "calibration is 1, expected an object"),
    "scale missing": (drop("calibration", "scale"), "scale of the calibration is None"),
    "scale zero": (put("calibration", "scale", value=0), "scale has value 0"),
    "scale negative": (put("calibration", "scale", value=-1), "scale has value -1"),
    "scale too large for a float": (
        put("calibration", "scale", value=10**400),
        "scale of the calibration .* expected a finite number",
    ),
    "scale true": (put("calibration", "scale", value=True), "scale of the calibration is True"),
    "offset a text": (put("calibration", "offset", value="0"), "offset of the calibration is '0'"),
    "prior zero": (put("calibration", "prior", value=0), "prior has value 0"),
    "prior one": (put("calibration", "prior", value=1), "prior has value 1"),
    "precision missing": (drop("precision"), "precision is None"),
    "precision unknown": (put("precision", value="int8"), "precision is 'int8'"),
    "precision a list": (put("precision", value=["float16"]), "precision is"),
    "precision of other weights": (put("precision", value="float16"), "is not float16"),
    "network missing": (drop("network"), "network is None"),
    "network a list": (put("network", value=[]), r"network is \[\]"),
    "network of another kind": (put("network", "kind", value="pickle"), "'pickle' is unknown"),
    "network with more": (put("network", "hook", value="os.system"), "hook"),
    "network with less": (drop("network", "dense"), r"\['dense'\] are unknown or missing"),
    "embedding a fraction": (put("network", "embedding", value=1.5), "embedding is not"),
    "embedding zero": (put("network", "embedding", value=0), "embedding is not"),
    "filters negative": (put("network", "filters", value=-1), "filters is not"),
    "filters too many": (put("network", "filters", value=10**12), "filters is not"),
    "dense too wide": (
        put("network", "dense", value=[40_000_000, 40_000_000]),
        "at most 50000000 are taken",
    ),
    "dense too deep": (put("network", "dense", value=[1] * 100_000), "dense is not a list"),
    "no filters": (put("network", "filter_widths", value=[]), "filter_widths"),
    "a filter twice": (put("network", "filter_widths", value=[2, 2]), "filter_widths"),
    "a filter far too wide": (put("network", "filter_widths", value=[100_000]), "filter_widths"),
    "n-grams in a table of three": (
        with_grams(gram_buckets=3),
        r"gram_buckets 3 with gram_orders \(3,\) and gram_units 4",
    ),
    "n-grams without a table": (with_grams(gram_buckets=0), "gram_buckets 0"),
    "a table without n-grams": (with_grams(gram_orders=[]), r"gram_orders \(\)"),
    "n-grams without numbers": (with_grams(gram_units=0), "gram_units 0"),
    "n-grams of one": (with_grams(gram_orders=[1, 3]), "order below 2"),
    "n-grams far too long": (with_grams(gram_orders=[10**6]), "gram_orders is not"),
    "n-grams of too many orders": (with_grams(gram_orders=[3] * 1000), "gram_orders is not"),
    "n-grams of half an order": (with_grams(gram_orders=[2.5]), "gram_orders is not"),
    "a negative table": (with_grams(gram_buckets=-4), "gram_buckets is not"),
    "a table that is true": (with_grams(gram_buckets=True), "gram_buckets is not"),
    "a huge table": (with_grams(gram_buckets=1 << 40), "gram_buckets is not"),
    "vectors far too long": (with_grams(gram_units=1 << 30), "gram_units is not"),
    "a table of too many numbers": (
        with_grams(gram_buckets=1 << 25, gram_units=4096),
        "at most 50000000 are taken",
    ),
    "a table larger than the file": (
        with_grams(gram_buckets=1 << 20, gram_units=16),
        "grams/vectors",
    ),
    "fewer codes than the featuriser gives": (
        put("network", "alphabet", value=128),
        f"alphabet of the network is 128, its featuriser gives {ALPHABET}",
    ),
    "more codes than a byte holds": (put("network", "alphabet", value=257), "alphabet is not"),
    "scale a text": (put("network", "pooling_scale", value="1"), "pooling_scale"),
    "dropout of more than all": (put("network", "dropout", value=1.1), "dropout"),
    "featuriser missing": (drop("featuriser"), "featuriser is None"),
    "featuriser far too wide": (put("featuriser", "width", value=10**9), "width is not"),
    "featuriser of width true": (put("featuriser", "width", value=True), "width is not"),
    "featuriser of another kind": (put("featuriser", "kind", value="x"), "is unknown here"),
    "featuriser of another normal form": (
        put("featuriser", "normal_form", value=2),
        "is unknown here",
    ),
    "files missing": (drop("files"), "files is None"),
    "files elsewhere": (
        put("files", "../../etc/passwd", value={"bytes": 1, "sha256": "0" * 64}),
        "files are",
    ),
    "weights said to be huge": (put("files", WEIGHTS, "bytes", value=1 << 40), "bytes is"),
    "weights said to be negative": (put("files", WEIGHTS, "bytes", value=-1), "bytes is -1"),
    "golden said to be huge": (put("files", GOLDEN, "bytes", value=1 << 30), "bytes is"),
    "digest a path": (put("files", WEIGHTS, "sha256", value="../x"), "expected 64 digits"),
    "digest of another file": (put("files", WEIGHTS, "sha256", value="0" * 64), "altered"),
}


@pytest.mark.parametrize(("change", "message"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_lies_is_refused(
    artefact_folder: Path, change: Callable[[Json], object], message: str
) -> None:
    rewrite(artefact_folder, change)
    with pytest.raises(ArtefactError, match=message):
        load(artefact_folder)
    refused(artefact_folder)


RAW = {
    "empty": b"",
    "not JSON": b"not JSON",
    "not UTF-8": b'{"format": 2, "name": "\xff"}',
    "UTF-16": '{"format": 2}'.encode("utf-16"),
    "a list": b"[]",
    "a number": b"1",
    "nested without end": b"[" * 500_000,
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of a million digits": b'{"format": ' + b"2" * 1_000_000 + b"}",
    "not a number": b'{"format": NaN}',
    "infinite": b'{"format": Infinity}',
    "a key twice": b'{"format": 2, "format": 1}',
    "longer than may be": b" " * ((1 << 20) + 1),
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_a_manifest_that_is_none_is_refused(artefact_folder: Path, raw: bytes) -> None:
    (artefact_folder / MANIFEST).write_bytes(raw)
    refused(artefact_folder)


GOLDENS = {
    "not JSON": b"{",
    "an object": b"{}",
    "empty": b"[]",
    "rows of numbers": b"[1]",
    "no text": b'[{"logit": 1}]',
    "text a number": b'[{"text": 1, "logit": 1}]',
    "logit missing": b'[{"text": "a"}]',
    "logit not a number": b'[{"text": "a", "logit": NaN}]',
    "logit too large for a float": b'[{"text": "a", "logit": 1' + b"0" * 400 + b"}]",
    "logit true": b'[{"text": "a", "logit": true}]',
    "more texts than any engine needs": json.dumps([{"text": "", "logit": 0}] * 5000).encode(),
}


@pytest.mark.parametrize("content", GOLDENS.values(), ids=GOLDENS)
def test_golden_texts_that_are_none_are_refused(artefact_folder: Path, content: bytes) -> None:
    replace_file(artefact_folder, GOLDEN, content)
    assert GOLDEN in refused(artefact_folder)


def header_of(content: bytes) -> tuple[Json, bytes]:
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def packed(header: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def changed_header(change: Callable[[Json], object]) -> Callable[[bytes], bytes]:
    def rewritten(content: bytes) -> bytes:
        header, data = header_of(content)
        change(header)
        return packed(json.dumps(header).encode(), data)

    return rewritten


def twice(content: bytes) -> bytes:
    header, data = header_of(content)
    again = json.dumps({"logit/bias": header["logit/bias"]})[1:]
    return packed(json.dumps(header).encode()[:-1] + b"," + again.encode(), data)


WEIGHT_FILES: dict[str, Callable[[bytes], bytes]] = {
    "empty but for a length": lambda _: struct.pack("<Q", 0),
    "too short for a length": lambda _: b"abc",
    "header said to be endless": lambda content: struct.pack("<Q", 1 << 62) + content[8:],
    "header longer than the file": lambda content: struct.pack("<Q", 60_000) + content[8:500],
    "header no JSON": lambda _: packed(b"{]", b""),
    "header a list": lambda _: packed(b"[]", b""),
    "cut off": lambda content: content[:-4],
    "longer than its tensors": lambda content: content + b"1234",
    "a tensor twice": twice,
    "a tensor missing": changed_header(drop("logit/bias")),
    "a tensor more": changed_header(put("more", value={})),
    "a tensor of another shape": changed_header(put("logit/bias", "shape", value=[2])),
    "a tensor of doubles": changed_header(put("logit/bias", "dtype", value="F64")),
    "a tensor that is none": changed_header(put("logit/bias", value=[])),
    "tensors that overlap": changed_header(put("logit/bias", "data_offsets", value=[0, 4])),
    "a tensor beyond the end": changed_header(
        put("logit/bias", "data_offsets", value=[1 << 40, (1 << 40) + 4])
    ),
    "offsets backwards": changed_header(put("logit/bias", "data_offsets", value=[8, 4])),
}


@pytest.mark.parametrize("change", WEIGHT_FILES.values(), ids=WEIGHT_FILES)
def test_weights_that_are_none_are_refused(
    artefact_folder: Path, change: Callable[[bytes], bytes]
) -> None:
    content = (artefact_folder / WEIGHTS).read_bytes()
    replace_file(artefact_folder, WEIGHTS, change(content))
    assert WEIGHTS in refused(artefact_folder)


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
def test_weights_that_are_not_finite_are_refused(
    tmp_path: Path, value: float, precision: str
) -> None:
    save_artefact(tmp_path, precision=precision)
    tensors = {name: tensor.astype(precision) for name, tensor in random_tensors(SMALL).items()}
    tensors["dense_1/bias"][3] = value
    replace_file(tmp_path, WEIGHTS, safetensors.numpy.save(tensors))
    assert "not finite" in refused(tmp_path)


@pytest.mark.parametrize(
    ("said", "stored"), [("float32", "float16"), ("float16", "float32")], ids=str
)
@pytest.mark.parametrize("how_many", ["all", "one"])
def test_weights_of_another_precision_than_the_manifest_says_are_refused(
    tmp_path: Path, said: str, stored: str, how_many: str
) -> None:
    save_artefact(tmp_path, precision=said)
    tensors = {
        name: tensor.astype(stored if how_many == "all" or name == "logit/bias" else said)
        for name, tensor in random_tensors(SMALL).items()
    }
    replace_file(tmp_path, WEIGHTS, safetensors.numpy.save(tensors))
    assert f"is not {said} of the shape" in refused(tmp_path)


GOLDEN_PAGES = {
    "a text": b'[{"text": "a", "logit": 1}]',
    "a page that is no text": b'[{"page": 1, "logit": 1}]',
    "no base64": b'[{"page": "a?b=", "logit": 1}]',
    "base64 cut off": b'[{"page": "YWI", "logit": 1}]',
    "base64 beyond ASCII": '[{"page": "\u00e9\u00e9\u00e9\u00e9", "logit": 1}]'.encode(),
}


@pytest.mark.parametrize("content", GOLDEN_PAGES.values(), ids=GOLDEN_PAGES)
def test_golden_pages_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    save_pages(tmp_path)
    replace_file(tmp_path, GOLDEN, content)
    assert GOLDEN in refused(tmp_path)


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS, GOLDEN])
@pytest.mark.parametrize("what", ["missing", "a folder", "a pipe", "a loop", "a device"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(
    artefact_folder: Path, name: str, what: str
) -> None:
    path = artefact_folder / name
    path.unlink()
    match what:
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "a loop":
            path.symlink_to(path)
        case "a device":
            path.symlink_to("/dev/zero")
    assert name in refused(artefact_folder)


@pytest.mark.parametrize("name", [WEIGHTS, GOLDEN])
@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_byte_altered_is_noticed(
    artefact_folder: Path, name: str, position: int, flip: int
) -> None:
    path = artefact_folder / name
    whole = path.read_bytes()
    altered = bytearray(whole)
    altered[position % len(whole)] ^= flip
    path.write_bytes(altered)
    with pytest.raises(ArtefactError, match="altered or half copied"):
        load(artefact_folder)
    path.write_bytes(whole)


@given(raw=st.binary(max_size=200))
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_weights_of_any_bytes_are_refused(artefact_folder: Path, raw: bytes) -> None:
    replace_file(artefact_folder, WEIGHTS, raw or b"0")
    refused(artefact_folder)
