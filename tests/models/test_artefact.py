from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, find, load, load_manifest, save
from models.detectors import URL
from models.engines.tables import TablesEngine
from models.errors import ArtefactError, EngineError
from models.url.featuriser import CharacterFeaturiser
from tests.models.networks import (
    SIZES,
    SMALL,
    THRESHOLDS,
    WIDTH,
    random_tensors,
    save_artefact,
)


@pytest.mark.parametrize("sizes", SIZES, ids=SIZES)
def test_what_is_saved_is_loaded(tmp_path: Path, sizes: str) -> None:
    tensors = save_artefact(tmp_path, SIZES[sizes])
    artefact = load(tmp_path)
    assert (artefact.detector.name, artefact.name, artefact.version) == ("url", "url", 7)
    assert artefact.sizes == SIZES[sizes]
    assert artefact.thresholds == THRESHOLDS
    assert artefact.featuriser() == CharacterFeaturiser(width=WIDTH)
    assert artefact.manifest["created_at"] == "2026-01-02T03:04:05+00:00"
    assert set(artefact.tensors) == set(tensors)
    assert all(np.array_equal(artefact.tensors[name], tensors[name]) for name in tensors)


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
        artefact.check_golden(Wrong(artefact.sizes, artefact.tensors))


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name is ''"),
        ({"name": "a\nb"}, "name is"),
        ({"version": 0}, "version is 0"),
        ({"golden": []}, "golden"),
        ({"golden": [("a", float("nan"))]}, "golden"),
        ({"history": {"thresholds": {}}}, "history may not set thresholds"),
        ({"history": {"loss": float("nan")}}, "cannot be written as JSON"),
        ({"tensors": {}}, "do not fit"),
    ],
    ids=[
        "empty name",
        "name of two lines",
        "version 0",
        "no golden texts",
        "golden logit not a number",
        "history over a field",
        "history with NaN",
        "no tensors",
    ],
)
def test_what_would_not_load_is_not_saved(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    tensors = random_tensors(SMALL)
    given: dict[str, object] = {
        "detector": URL,
        "name": "url",
        "version": 1,
        "sizes": SMALL,
        "featuriser": CharacterFeaturiser(width=WIDTH),
        "thresholds": THRESHOLDS,
        "tensors": tensors,
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
