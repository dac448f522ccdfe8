"""Promotion, rollback and candidates: what is verified, what changes, who wins."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, Trust
from models.artefact.keys import load_private_key, trusted_keys, write_key_pair
from models.artefact.signing import sign
from models.errors import (
    DigestError,
    GoldenError,
    ModelError,
    RegistryBusyError,
    RegistryError,
    ShapeError,
    SignatureError,
)
from models.registry import POINTER, Registry
from models.registry.promoting import name_candidate, promote, roll_back
from models.registry.writing import locked
from tests.models.networks import random_tensors
from tests.models.registry.stores import TINY, artefact
from tests.models.test_hostile_artefact import replace_file


def live(registry: Registry) -> int | None:
    pin = registry.pointer("url").live
    return pin.version if pin else None


def test_a_promotion_is_remembered_with_who_and_what_was_before(registry: Registry) -> None:
    first = promote(registry, "url", 1)
    second = promote(registry, "url", 3)
    assert (first.revision, second.revision) == (1, 2)
    assert second.live is not None
    assert second.live.digest == registry.load(registry.resolve("url@3")).digest
    assert second.previous == (first.live,)
    assert [(one.action, one.version) for one in second.history] == [("promote", 1), ("promote", 3)]
    assert "@" in second.history[0].by


def test_what_is_live_already_is_not_promoted_again(registry: Registry) -> None:
    before = promote(registry, "url", 1)
    assert promote(registry, "url", 1) == before
    with pytest.raises(RegistryError, match="no version to roll back to"):
        roll_back(registry, "url")


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from([1, 2, 3, None]), max_size=10))
def test_rollbacks_undo_promotions_one_by_one(registry: Registry, steps: list[int | None]) -> None:
    """None is a rollback; a list of what was live, as long as there is something to undo."""
    (registry.folder / "url" / POINTER).unlink(missing_ok=True)
    lived: list[int] = []
    for step in steps:
        if step is not None:
            promote(registry, "url", step)
            if lived[-1:] != [step]:
                lived.append(step)
        elif len(lived) > 1:
            roll_back(registry, "url")
            lived.pop()
        else:
            with pytest.raises(RegistryError, match="no version to roll back to"):
                roll_back(registry, "url")
        assert live(registry) == (lived[-1] if lived else None)


def test_a_candidate_stands_beside_the_live_version_until_it_is_promoted(
    registry: Registry,
) -> None:
    promote(registry, "url", 1)
    named = name_candidate(registry, "url", 2)
    assert name_candidate(registry, "url", 2) == named
    assert live(registry) == 1
    with pytest.raises(RegistryError, match="url@1 is live"):
        name_candidate(registry, "url", 1)
    assert promote(registry, "url", 3).candidate == named.candidate
    assert promote(registry, "url", 2).candidate is None
    name_candidate(registry, "url", 1)
    assert name_candidate(registry, "url", None).candidate is None
    name_candidate(registry, "url", 3)
    assert roll_back(registry, "url").candidate is None


def _flip(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def _other_weights(folder: Path) -> None:
    """All digests right, but the golden logits are those of other weights."""
    other = artefact(folder.parent / ".other", 2, seed=77)
    replace_file(folder, WEIGHTS, (other / WEIGHTS).read_bytes())
    shutil.rmtree(other)


def _other_shape(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["network"]["filters"] -= 1
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (_flip, DigestError),
        (_other_shape, ShapeError),
        (_other_weights, GoldenError),
        (lambda folder: (folder / GOLDEN).unlink(), ModelError),
        (lambda folder: (folder / MANIFEST).write_text("{}"), ModelError),
    ],
    ids=["digest", "shape", "golden", "missing", "manifest"],
)
def test_a_version_that_is_not_what_it_should_be_leaves_the_old_one_live(
    registry: Registry, harm: Callable[[Path], object], kind: type[ModelError]
) -> None:
    promote(registry, "url", 2)
    promote(registry, "url", 1)
    before = registry.pointer("url")
    harm(registry.folder / "url" / "2")
    changes: list[Callable[[], object]] = [
        lambda: promote(registry, "url", 2),
        lambda: roll_back(registry, "url"),
        lambda: name_candidate(registry, "url", 2),
    ]
    for change in changes:
        with pytest.raises(kind):
            change()
        assert registry.pointer("url") == before


def test_a_version_that_was_exchanged_is_not_promoted_again(registry: Registry) -> None:
    promote(registry, "url", 2)
    promote(registry, "url", 1)
    shutil.rmtree(registry.folder / "url" / "2")
    artefact(registry.folder / "url" / "2", 2, seed=99)
    with pytest.raises(DigestError, match="a version never changes"):
        promote(registry, "url", 2)


def test_where_signatures_are_required_what_is_unsigned_is_not_promoted(
    registry: Registry, tmp_path: Path
) -> None:
    write_key_pair(tmp_path / "key", tmp_path / "key.pub")
    trust = Trust(keys=trusted_keys([tmp_path / "key.pub"]), required=True)
    strict = Registry(registry.folder, trust)
    with pytest.raises(SignatureError, match="not signed"):
        promote(strict, "url", 1)
    key = sign(registry.folder / "url" / "1", load_private_key(tmp_path / "key"))
    promote(strict, "url", 1)
    assert strict.load(strict.live("url")).signer == key


def test_a_model_by_a_detectors_name_is_for_that_detector(registry: Registry) -> None:
    manifest = registry.folder / "url" / "1" / MANIFEST
    content = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**content, "name": "path"}))
    (registry.folder / "path").mkdir()
    manifest.parent.rename(registry.folder / "path" / "1")
    with pytest.raises(RegistryError, match="is for detector 'url'"):
        promote(registry, "path", 1)


def test_an_unknown_model_is_named_with_those_there_are(registry: Registry) -> None:
    changes: list[Callable[[], object]] = [
        lambda: promote(registry, "path", 1),
        lambda: roll_back(registry, "path"),
    ]
    for change in changes:
        with pytest.raises(RegistryError, match="no model 'path'; models: url"):
            change()
    assert not (registry.folder / "path").exists()


def test_whoever_comes_second_is_told_who_was_first(registry: Registry) -> None:
    promote(registry, "url", 1)
    before = registry.pointer("url")
    with (
        locked(registry.model("url")),
        pytest.raises(RegistryBusyError, match=r"is being changed by .*, process \d+") as caught,
    ):
        promote(registry, "url", 2)
    assert caught.value.retriable
    assert registry.pointer("url") == before
    promote(registry, "url", 2)


def test_of_promoters_at_once_each_wins_cleanly_or_is_told(registry: Registry) -> None:
    start = threading.Barrier(6)
    results: list[int | RegistryBusyError] = []

    def go(number: int) -> None:
        start.wait()
        try:
            promote(registry, "url", number)
        except RegistryBusyError as error:
            results.append(error)
        else:
            results.append(number)

    threads = [threading.Thread(target=go, args=(i % 3 + 1,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pointer = registry.pointer("url")
    won = [result for result in results if isinstance(result, int)]
    assert len(results) == 6
    assert live(registry) in won
    # Whoever found its version live already has changed nothing.
    assert {one.version for one in pointer.history} == set(won)
    assert pointer.revision == len(pointer.history)


def test_readers_see_nothing_half_written_while_versions_change(registry: Registry) -> None:
    promote(registry, "url", 1)
    done = threading.Event()
    seen: list[int] = []
    loaded: set[int] = set()

    def read() -> None:
        while not done.is_set():
            seen.append(registry.pointer("url").revision)
            loaded.add(registry.load(registry.live("url")).version)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        try:
            while not (loaded >= {2, 3} or reading.done()):
                for number in (2, 3, 1):
                    promote(registry, "url", number)
        finally:
            done.set()
        reading.result()
    assert seen == sorted(seen)


def test_tiny_networks_differ_by_their_seeds() -> None:
    assert any(
        (random_tensors(TINY, 1)[name] != tensor).any()
        for name, tensor in random_tensors(TINY, 2).items()
    )
