"""Artefacts come into a registry whole, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, Trust, load
from models.artefact.keys import load_private_key, trusted_keys, write_key_pair
from models.artefact.signing import sign
from models.errors import ArtefactError, DigestError, RegistryError, SignatureError
from models.registry import Registry
from models.registry.adding import add
from models.registry.promoting import name_candidate, promote
from models.registry.pruning import prune
from tests.models.registry.stores import artefact, visible_files


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """An artefact of url@4 that is not in the registry yet."""
    folder = artefact(tmp_path / "new", 4)
    (folder / "report.md").write_text("# Report\n")
    return folder


def test_an_artefact_is_copied_to_where_its_manifest_belongs(registry: Registry, new: Path) -> None:
    added = add(registry, new)
    assert (str(added.version), added.new, added.left_out) == ("url@4", True, ())
    copied = registry.folder / "url" / "4"
    assert added.version.folder == copied
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == {
        path.name: path.read_bytes() for path in new.iterdir()
    }
    assert registry.load(registry.resolve("url@4")).digest == added.digest == load(new).digest
    assert registry.pointer("url").live is None


def test_the_first_version_of_a_model_makes_its_folder(tmp_path: Path, new: Path) -> None:
    (tmp_path / "empty").mkdir()
    registry = Registry(tmp_path / "empty")
    add(registry, new)
    assert (registry.names(), registry.versions("url")) == (["url"], [4])


def test_the_same_artefact_may_be_added_again_and_another_may_not(
    registry: Registry, new: Path, tmp_path: Path
) -> None:
    add(registry, new)
    before = visible_files(registry.folder)
    assert not add(registry, new).new
    with pytest.raises(RegistryError, match=r"url@4 is there already and is another"):
        add(registry, artefact(tmp_path / "other", 4, seed=99))
    assert visible_files(registry.folder) == before
    assert registry.load(registry.resolve("url@4")).digest == load(new).digest


@pytest.mark.parametrize("what", ["flipped", "no weights", "no manifest", "no folder", "a pipe"])
def test_what_is_not_as_it_should_be_leaves_no_trace(
    registry: Registry, new: Path, what: str
) -> None:
    before = visible_files(registry.folder)
    weights = new / WEIGHTS
    match what:
        case "flipped":
            weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
        case "no weights":
            weights.unlink()
        case "no manifest":
            (new / MANIFEST).unlink()
        case "a pipe":
            weights.unlink()
            os.mkfifo(weights)
        case _:
            shutil.rmtree(new)
    with pytest.raises((ArtefactError, RegistryError), match=str(new)) as caught:
        add(registry, new)
    assert isinstance(caught.value, DigestError) == (what == "flipped")
    assert ".adding" not in str(caught.value)
    assert visible_files(registry.folder) == before
    assert [path.name for path in registry.folder.iterdir() if path.is_dir()] == ["url"]


def test_a_name_that_is_no_folders_is_refused(registry: Registry, new: Path) -> None:
    manifest = (new / MANIFEST).read_text()
    (new / MANIFEST).write_text(manifest.replace('"name": "url"', '"name": "../../url"'))
    with pytest.raises(RegistryError, match="no model's name in a registry"):
        add(registry, new)
    assert registry.names() == ["url"]


def test_links_are_followed_where_loading_follows_them_and_nowhere_else(
    registry: Registry, new: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (new / "notes").symlink_to(tmp_path / "secret")
    (new / "pictures").mkdir()
    (new / ".hidden").write_text("")
    (new / GOLDEN).rename(tmp_path / GOLDEN)
    (new / GOLDEN).symlink_to(tmp_path / GOLDEN)
    added = add(registry, new)
    assert added.left_out == (".hidden", "notes", "pictures")
    files = {path.name: path.is_symlink() for path in added.version.folder.iterdir()}
    assert files == dict.fromkeys((GOLDEN, MANIFEST, WEIGHTS, "report.md"), False)


def test_where_signatures_are_required_an_unsigned_artefact_is_not_added(
    registry: Registry, new: Path, tmp_path: Path
) -> None:
    write_key_pair(tmp_path / "key", tmp_path / "key.pub")
    strict = Registry(
        registry.folder, Trust(keys=trusted_keys([tmp_path / "key.pub"]), required=True)
    )
    with pytest.raises(SignatureError, match=f"{new}: not signed"):
        add(strict, new)
    sign(new, load_private_key(tmp_path / "key"))
    assert strict.load(add(strict, new).version).signer is not None


def test_pruning_keeps_the_newest_and_what_is_in_use(tmp_path: Path, registry: Registry) -> None:
    for number in range(4, 9):
        artefact(registry.folder / "url" / str(number), number)
    for number in (1, 4, 2, 3):
        promote(registry, "url", number)
    name_candidate(registry, "url", 5)
    before = registry.pointer("url")
    # Live is 3, a rollback leads to 2, 5 is candidate, and 7 and 8 are the two highest.
    assert prune(registry, "url", 2, dry_run=True) == [1, 4, 6]
    assert registry.pointer("url") == before
    assert registry.versions("url") == [1, 2, 3, 4, 5, 6, 7, 8]
    assert prune(registry, "url", 2) == [1, 4, 6]
    assert registry.versions("url") == [2, 3, 5, 7, 8]
    assert [pin.version for pin in registry.pointer("url").previous] == [2]
    assert prune(registry, "url", 0) == [7, 8]
    assert prune(registry, "url", 99) == []


def test_a_version_that_is_a_link_goes_and_what_it_leads_to_stays(registry: Registry) -> None:
    shutil.move(registry.folder / "url" / "1", registry.folder / "elsewhere")
    (registry.folder / "url" / "1").symlink_to("../elsewhere")
    assert prune(registry, "url", 2) == [1]
    assert load(registry.folder / "elsewhere").version == 1


def test_a_model_that_is_not_there_is_not_pruned(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="no model 'path'"):
        prune(registry, "path", 1)
