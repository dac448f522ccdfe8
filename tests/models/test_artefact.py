from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, find, load, load_manifest, save, verify
from models.characters.architecture import CharacterConvolutions
from models.detectors import HTML, URL
from models.engines.tables import TablesEngine
from models.errors import ArtefactError, EngineError
from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import ALPHABET
from tests.models.networks import (
    CALIBRATION,
    SIZES,
    SMALL,
    THRESHOLDS,
    WIDTH,
    random_tensors,
    save_artefact,
)
from tests.models.pages import save_pages


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("sizes", SIZES, ids=SIZES)
def test_what_is_saved_is_loaded(tmp_path: Path, sizes: str, precision: str) -> None:
    tensors = save_artefact(tmp_path, SIZES[sizes], precision=precision)
    artefact = load(tmp_path)
    assert (artefact.detector.name, artefact.name, artefact.version) == ("url", "url", 7)
    assert artefact.sizes == SIZES[sizes]
    assert artefact.calibration == CALIBRATION
    assert artefact.thresholds == THRESHOLDS
    assert artefact.featuriser() == UrlFeaturiser(width=WIDTH)
    assert artefact.manifest["created_at"] == "2026-01-02T03:04:05+00:00"
    assert set(artefact.tensors) == set(tensors)
    assert all(np.array_equal(artefact.tensors[name], tensors[name]) for name in tensors)
    assert {tensor.dtype for tensor in artefact.tensors.values()} == {np.dtype(np.float32)}


def test_halves_take_half_the_room_and_say_so(tmp_path: Path) -> None:
    lengths = {}
    for precision in ("float32", "float16"):
        save_artefact(tmp_path / precision, precision=precision)
        lengths[precision] = (tmp_path / precision / WEIGHTS).stat().st_size
        assert load_manifest(tmp_path / precision).precision == precision
    assert lengths["float32"] - lengths["float16"] == pytest.approx(2 * SMALL.weights, abs=100)


def test_golden_pages_are_bytes_again(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    golden = save_pages(folder)
    assert b"\x00\xff" in [page for page, _ in golden]
    artefact = load(folder)
    assert (artefact.detector, artefact.golden) == (HTML, golden)
    assert {check.engine: check.failed for check in verify(artefact)} == {
        "keras": False,
        "tables": False,
    }


def test_the_digest_is_that_of_the_manifest_which_has_those_of_the_files(
    artefact_folder: Path,
) -> None:
    manifest = artefact_folder / MANIFEST
    assert load(artefact_folder).digest == hashlib.sha256(manifest.read_bytes()).hexdigest()
    files = json.loads(manifest.read_text())["files"]
    for name in (WEIGHTS, GOLDEN):
        content = (artefact_folder / name).read_bytes()
        assert files[name] == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def test_the_manifest_alone_can_be_read(artefact_folder: Path) -> None:
    (artefact_folder / WEIGHTS).unlink()
    manifest = load_manifest(artefact_folder)
    assert (manifest.name, manifest.version, manifest.sizes) == ("url", 7, SMALL)


def test_an_engine_of_an_artefact_has_passed_its_golden_texts(artefact_folder: Path) -> None:
    artefact = load(artefact_folder)
    features = artefact.featuriser()([text for text, _ in artefact.golden])
    logits = artefact.engine("tables").logits(features)
    assert np.allclose(logits, [logit for _, logit in artefact.golden], rtol=0, atol=1e-6)


@pytest.mark.parametrize("wrong", [0.01, float("nan"), float("inf")], ids=str)
def test_an_engine_that_disagrees_is_refused(artefact_folder: Path, wrong: float) -> None:
    class Wrong(TablesEngine):
        def logits(self, features: object) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
            given = super().logits(features)  # type: ignore[arg-type]
            given[-1] += wrong
            return given

    artefact = load(artefact_folder)
    with pytest.raises(EngineError, match=r"engine 'tables' gives logit .* golden"):
        artefact.check_golden(Wrong(SMALL, artefact.tensors))


def test_an_unknown_engine_is_named_with_those_there_are(artefact_folder: Path) -> None:
    with pytest.raises(EngineError, match="'abacus' is unknown; give one of keras, tables"):
        load(artefact_folder).engine("abacus")


def test_an_artefact_is_never_overwritten(artefact_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in artefact_folder.iterdir()}
    with pytest.raises(ArtefactError, match="holds an artefact already"):
        save_artefact(artefact_folder, seed=1)
    assert before == {path.name: path.read_bytes() for path in artefact_folder.iterdir()}


def test_a_folder_half_written_can_be_written_again(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"half")
    save_artefact(tmp_path)
    assert load(tmp_path).version == 7


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    folder = tmp_path / "artefact"
    folder.mkdir()
    for name in (WEIGHTS, GOLDEN, f"{MANIFEST}.part"):
        (folder / name).symlink_to(victim)
    save_artefact(folder)
    assert victim.read_text() == "untouched"
    assert load(folder).version == 7


def changed(name: str, value: object) -> dict[str, object]:
    """Weights with one tensor made anew."""
    return {"tensors": {**random_tensors(SMALL), name: value}}


NO_TABLE = CharacterConvolutions(alphabet=ALPHABET, gram_units=5)
FEW_CODES = CharacterConvolutions(alphabet=ALPHABET - 1)
WOULD_NOT_LOAD: dict[str, tuple[dict[str, object], str]] = {
    "empty name": ({"name": ""}, "name is ''"),
    "name of two lines": ({"name": "a\nb"}, "name is"),
    "version 0": ({"version": 0}, "version is 0"),
    "no golden texts": ({"golden": []}, "golden"),
    "golden logit not a number": ({"golden": [("a", float("nan"))]}, "golden"),
    "golden pages for a detector of texts": ({"golden": [(b"a", 0.0)]}, "'url' must be str"),
    "golden texts beyond what is read": ({"golden": [("a" * (1 << 20), 0.0)]}, "bytes is"),
    "history over a field": ({"history": {"thresholds": {}}}, "history may not set thresholds"),
    "history over the calibration": (
        {"history": {"calibration": {}}},
        "history may not set calibration",
    ),
    "history with NaN": ({"history": {"loss": float("nan")}}, "cannot be written as JSON"),
    "no tensors": ({"tensors": {}}, "do not fit"),
    "doubles": (
        {"tensors": {k: v.astype(np.float64) for k, v in random_tensors(SMALL).items()}},
        r"tensors are \['float64'\]",
    ),
    "halves among the whole": (changed("logit/bias", np.zeros(1, np.float16)), "expected one of"),
    "a weight not a number": (
        changed("logit/bias", np.full(1, np.nan, np.float32)),
        "'logit/bias' is not all finite",
    ),
    "units of n-grams without a table": (
        {"sizes": NO_TABLE, "tensors": random_tensors(NO_TABLE)},
        "gram_units 5",
    ),
    "fewer codes than the featuriser gives": (
        {"sizes": FEW_CODES, "tensors": random_tensors(FEW_CODES)},
        f"alphabet of the network is {ALPHABET - 1}",
    ),
}


@pytest.mark.parametrize(("changes", "message"), WOULD_NOT_LOAD.values(), ids=WOULD_NOT_LOAD)
def test_what_would_not_load_is_not_saved(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    given: dict[str, object] = {
        "detector": URL,
        "name": "url",
        "version": 1,
        "sizes": SMALL,
        "featuriser": UrlFeaturiser(width=WIDTH),
        "calibration": CALIBRATION,
        "thresholds": THRESHOLDS,
        "tensors": random_tensors(SMALL),
        "golden": [("a", 0.0)],
        "history": {},
    }
    with pytest.raises(ArtefactError, match=message):
        save(tmp_path / "artefact", **{**given, **changes})  # type: ignore[arg-type]
    assert not (tmp_path / "artefact").exists()


def test_artefacts_are_found_below_a_folder(tmp_path: Path) -> None:
    for name in ("url/1", "url/2", "other"):
        save_artefact(tmp_path / name)
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [folder.relative_to(tmp_path).as_posix() for folder in find(tmp_path)]
    assert {"other", "url/1", "url/2"} <= set(found)
    assert find(tmp_path / "url" / "1") == [tmp_path / "url" / "1"]
    assert find(tmp_path / "nothing") == []


def test_links_to_files_are_followed_as_mounted_volumes_are_made_of_them(
    artefact_folder: Path, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for name in (MANIFEST, WEIGHTS, GOLDEN):
        (mounted / name).symlink_to(artefact_folder / name)
    assert load(mounted).digest == load(artefact_folder).digest


def test_the_same_weights_and_history_have_the_same_digest(tmp_path: Path) -> None:
    save_artefact(tmp_path / "one")
    save_artefact(tmp_path / "other")
    save_artefact(tmp_path / "third", seed=1)
    digests = [load(tmp_path / name).digest for name in ("one", "other", "third")]
    assert digests[0] == digests[1] != digests[2]
