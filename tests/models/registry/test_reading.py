"""A registry as readers find it, whatever somebody made of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.artefact import MANIFEST, WEIGHTS, find
from models.errors import DigestError, RegistryError, RegistryUnavailableError
from models.registry import POINTER, Change, Pin, Pointer, Reference, Registry
from models.registry.pointer import (
    LARGEST_POINTER,
    MOST_HISTORY,
    MOST_PREVIOUS,
    encode_pointer,
    parse_pointer,
)
from models.registry.promoting import name_candidate, promote
from tests.models.registry.stores import artefact, store

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBERS = st.integers(1, 2**31 - 1)
TEXTS = st.text(max_size=40)
PINS = st.builds(Pin, version=NUMBERS, digest=DIGESTS, at=TEXTS)
CHANGES = st.builds(
    Change,
    at=TEXTS,
    action=st.sampled_from(["promote", "rollback", "candidate", "prune"]),
    version=st.none() | NUMBERS,
    by=TEXTS,
)
POINTERS = st.builds(
    Pointer,
    revision=st.integers(0, 2**31 - 1),
    live=st.none() | PINS,
    candidate=st.none() | PINS,
    previous=st.lists(PINS, max_size=5).map(tuple),
    history=st.lists(CHANGES, max_size=5).map(tuple),
)


@given(POINTERS)
def test_a_pointer_is_read_as_it_was_written(pointer: Pointer) -> None:
    assert parse_pointer(encode_pointer(pointer)) == pointer


def test_the_longest_pointer_can_be_read_and_forgets_what_is_oldest() -> None:
    pin = Pin(version=2**31 - 1, digest="f" * 64, at="\U0001f600" * 200)
    change = Change(at="\U0001f600" * 200, action="candidate", version=7, by="\U0001f600" * 200)
    first = Change(at="", action="promote", version=1, by="")
    raw = encode_pointer(
        Pointer(previous=(pin,) * 100, history=(first, *((change,) * MOST_HISTORY)))
    )
    assert len(raw) < LARGEST_POINTER
    read = parse_pointer(raw)
    assert len(read.previous) == MOST_PREVIOUS
    assert read.history == (change,) * MOST_HISTORY


def test_what_is_live_is_loaded_by_its_name(registry: Registry) -> None:
    promote(registry, "url", 2)
    name_candidate(registry, "url", 3)
    assert registry.names() == ["url"]
    assert registry.versions("url") == [1, 2, 3]
    assert registry.load(registry.live("url")).version == 2
    candidate = registry.candidate("url")
    assert candidate is not None
    assert registry.load(candidate).version == 3
    resolved = {text: str(registry.resolve(text)) for text in ("url", "url@live", "url@1")}
    assert resolved == {"url": "url@2", "url@live": "url@2", "url@1": "url@1"}
    assert str(registry.resolve("url@candidate")) == "url@3"


def test_a_promotion_shows_in_the_pointers_content(registry: Registry) -> None:
    promote(registry, "url", 1)
    seen = registry.pointer("url")
    path = registry.model("url") / POINTER
    os.utime(path, (1, 1))
    assert registry.pointer("url") == seen
    before = path.stat()
    promote(registry, "url", 2)
    os.utime(path, ns=(before.st_atime_ns, 1_000_000_000))
    assert registry.pointer("url") != seen


def test_before_the_first_promotion_the_error_tells_what_there_is(registry: Registry) -> None:
    assert registry.pointer("url") == Pointer()
    with pytest.raises(RegistryError, match=r"no version of 'url' is live.* url@1, url@2, url@3"):
        registry.live("url")
    with pytest.raises(RegistryError, match="no candidate"):
        registry.resolve("url@candidate")
    with pytest.raises(RegistryError, match=r"no url@9; versions of 'url': 1, 2, 3"):
        registry.resolve("url@9")
    with pytest.raises(RegistryError, match=r"no path@1; versions of 'path': none"):
        registry.resolve("path@1")


@pytest.mark.parametrize(
    "text",
    [
        *("", "@1", "../url@1", "/etc@1", "url/1", ".url@1", "-x@1", "u rl@1", "url\n@1", "url\0"),
        *("url@", "url@0", "url@-1", "url@01", "url@1.0", "url@../1", "url@2147483648", "url@1@2"),
        *("url@\u0661", "url@LIVE", "\u00fcrl@1", "x" * 101),
    ],
)
def test_what_is_no_version_is_refused(registry: Registry, text: str) -> None:
    with pytest.raises(RegistryError, match="give "):
        registry.resolve(text)


@given(st.text())
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except RegistryError:
        return
    assert Reference.parse(str(reference)) == reference
    assert "/" not in reference.name
    assert not reference.name.startswith(".")


def test_odd_folders_are_no_versions(registry: Registry) -> None:
    for odd in ("01", "0", "latest", ".adding-1", "1x", "-1"):
        (registry.folder / "url" / odd).mkdir()
    (registry.folder / "url" / "4").write_text("no folder")
    for odd in (".hidden", "with space"):
        artefact(registry.folder / odd / "1", 1)
    assert registry.names() == ["url"]
    assert registry.versions("url") == [1, 2, 3]


def test_artefacts_that_are_hidden_are_not_found(registry: Registry) -> None:
    shutil.copytree(registry.folder / "url" / "1", registry.folder / ".adding-ab")
    shutil.copytree(registry.folder / "url" / "1", registry.folder / "url" / ".removing-ab")
    assert find(registry.folder) == [registry.folder / "url" / n for n in "123"]


def test_a_signed_for_version_cannot_pose_as_another(registry: Registry) -> None:
    shutil.rmtree(registry.folder / "url" / "3")
    shutil.copytree(registry.folder / "url" / "1", registry.folder / "url" / "3")
    with pytest.raises(RegistryError, match="holds url@1, as its manifest says, and not url@3"):
        registry.load(registry.resolve("url@3"))
    shutil.copytree(registry.folder / "url" / "1", registry.folder / "other" / "1")
    with pytest.raises(RegistryError, match="and not other@1"):
        registry.load(registry.resolve("other@1"))


def test_a_version_that_was_exchanged_since_its_promotion_is_refused(registry: Registry) -> None:
    promote(registry, "url", 2)
    shutil.rmtree(registry.folder / "url" / "2")
    artefact(registry.folder / "url" / "2", 2, seed=99)
    with pytest.raises(DigestError, match="exchanged since"):
        registry.load(registry.live("url"))


@pytest.mark.parametrize("what", ["model", "version", "manifest", "weights", "pointer"])
def test_links_out_of_the_registry_are_not_followed(registry: Registry, what: str) -> None:
    promote(registry, "url", 2)
    model = registry.folder / "url"
    path = {
        "model": model,
        "version": model / "2",
        "manifest": model / "2" / MANIFEST,
        "weights": model / "2" / WEIGHTS,
        "pointer": model / POINTER,
    }[what]
    outside = registry.folder.parent / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(RegistryError, match="outside of the registry"):
        registry.load(registry.live("url"))


def test_links_within_the_registry_are_followed_as_volumes_are_made_of_them(
    registry: Registry, tmp_path: Path
) -> None:
    """Kubernetes mounts a ConfigMap as links to a folder ``..data``, itself a link."""
    promote(registry, "url", 1)
    data = registry.folder / "..2026_11_26"
    (registry.folder / "url").rename(data)
    (registry.folder / "..data").symlink_to(data.name)
    (registry.folder / "url").symlink_to("..data")
    mounted = tmp_path / "mounted"
    mounted.symlink_to(registry.folder)
    for folder in (registry.folder, mounted):
        assert Registry(folder).load(Registry(folder).live("url")).version == 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"format": 1, "format": 1}', "twice"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "format 1"),
        (b'{"format": 2}', "format 1"),
        (b'{"format": 1}', "revision is None"),
        (b" " * (LARGEST_POINTER + 1), "longer"),
    ],
)
def test_a_pointer_that_is_none_is_named(registry: Registry, raw: bytes, message: str) -> None:
    path = registry.folder / "url" / POINTER
    path.write_bytes(raw)
    with pytest.raises(RegistryError, match=message) as caught:
        registry.live("url")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(revision=True), "revision is True"),
        (lambda p: p.update(live=[]), "live is"),
        (lambda p: p["live"].update(version=0), "version of live is 0"),
        (lambda p: p["live"].update(version="../1"), "version of live is"),
        (lambda p: p["live"].update(digest="x"), "digest of live"),
        (lambda p: p["live"].pop("at"), "at of live"),
        (lambda p: p.update(previous={}), "previous is"),
        (lambda p: p.update(previous=[None]), "previous is None"),
        (lambda p: p["history"][0].update(action="delete"), "action of a change"),
        (lambda p: p["history"][0].update(action=[]), "action of a change"),
        (lambda p: p["history"][0].update(by="x" * 999), "by of a change"),
    ],
)
def test_a_field_of_a_pointer_that_is_wrong_is_named(
    registry: Registry, change: Callable[[dict[str, object]], object], message: str
) -> None:
    promote(registry, "url", 1)
    path = registry.folder / "url" / POINTER
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RegistryError, match=message):
        registry.pointer("url")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_pointer_or_an_error(raw: bytes) -> None:
    with pytest.raises(RegistryError):
        parse_pointer(raw)


def test_what_is_no_folder_or_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no such folder"):
        Registry(tmp_path / "nowhere").names()
    registry = store(tmp_path / "models", versions=(1,))
    os.mkfifo(registry.folder / "url" / POINTER)
    with pytest.raises(RegistryError, match="not a regular file"):
        registry.pointer("url")
    (registry.folder / "path").write_text("")
    with pytest.raises(RegistryError, match="Not a directory") as caught:
        registry.pointer("path")
    assert not caught.value.retriable
    (registry.folder / "html").symlink_to("html")
    with pytest.raises(RegistryError, match=r"circle|levels of symbolic links"):
        registry.pointer("html")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_folder_that_may_not_be_read_is_named(registry: Registry) -> None:
    (registry.folder / "url").chmod(0)
    with pytest.raises(RegistryError, match="Permission denied") as caught:
        registry.pointer("url")
    (registry.folder / "url").chmod(0o700)
    assert not caught.value.retriable


def _failing_open(monkeypatch: pytest.MonkeyPatch, number: int, times: int) -> None:
    opened, left = os.open, [times]

    def fail(path: str | Path, *arguments: int) -> int:
        if str(path).endswith(POINTER) and left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", fail)


def test_a_pointer_replaced_while_it_is_looked_up_is_read_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(registry, "url", 1)
    _failing_open(monkeypatch, errno.ESTALE, times=2)
    assert registry.live("url").number == 1


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT])
def test_a_volume_that_does_not_answer_may_answer_later(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    promote(registry, "url", 1)
    _failing_open(monkeypatch, number, times=100)
    with pytest.raises(RegistryUnavailableError) as caught:
        registry.live("url")
    assert caught.value.retriable
