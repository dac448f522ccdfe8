"""Models that take over while a worker works: promoted, refused, rolled back."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog

from models.artefact import GOLDEN, MANIFEST, WEIGHTS, Artefact
from tests.workers.artefacts import save_pages
from tests.workers.metrics.scraping import Scrape
from tests.workers.running import World, running, settings
from tests.workers.service.shelf import Shelf
from tests.workers.telemetry import distinct
from workers.judge import Judge
from workers.metrics.meters import Meters
from workers.metrics.service import Role, ServiceMeters
from workers.service.bench import Bench
from workers.service.place import Place
from workers.service.staffing import staffed
from workers.service.watch import Post, Watch
from workers.settings.policies import Settings
from workers.signals import looking_on_hangup
from workers.worker import fresh

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def shelf(tmp_path: Path, artefact: Artefact) -> Shelf:
    """Versions 1 (live) and 2."""
    made = Shelf(tmp_path / "models", artefact)
    made.add(1)
    made.add(2, shift=0.5)
    made.promote(1)
    return made


@dataclass(kw_only=True)
class Staff:
    """A bench with its watch, which looks when a test says so."""

    bench: Bench
    watch: Watch
    meters: Meters
    told: Settings

    @property
    def version(self) -> str:
        return self.bench.judge.model.version

    def tried(self) -> str | None:
        canary = self.bench.canary
        return None if canary is None else canary.judge.model.version

    def look(self) -> list[Any]:
        """Look once; return what the journal says."""
        with structlog.testing.capture_logs() as logs:
            self.watch.once()
        return logs

    def refusals(self) -> dict[tuple[str, ...], int]:
        return Scrape.of(self.meters).counts("weir_model_refusals_total", "role", "refusal")


@contextmanager
def staff(
    load: Callable[[Settings, Meters], Judge] = fresh, world: World | None = None, **options: str
) -> Iterator[Staff]:
    told = settings(max_batch="50", **options)
    meters = Meters("url")
    log = (world or World()).log()
    bench, watch = staffed(told, fresh(told, meters), log.sink, load, meters)
    yield Staff(bench=bench, watch=watch, meters=meters, told=told)
    bench.close(1.0)


def test_models_change_under_load_without_a_gap(shelf: Shelf) -> None:
    shelf.add(3, shift=-0.5)
    world = World()
    loads = 0

    def fed(count: int) -> None:
        nonlocal loads
        world.feed(distinct(count, start=loads))
        loads += count

    with (
        staff(world=world, models=str(shelf.folder)) as at_work,
        running(world.log(), at_work.bench, at_work.told),
    ):
        for version in (2, 3, 1):
            fed(400)
            # Some of them are judged, some are in hand, some are to come.
            world.wait_for(lambda: len(world.verdicts()) > loads - 300)
            shelf.promote(version)
            at_work.look()
            fed(100)
            world.wait_for(
                lambda version=version: any(  # type: ignore[misc]
                    verdict["model"]["version"] == str(version) for verdict in world.verdicts()
                )
            )
        world.wait_all_committed()
        assert at_work.version == "1"
    verdicts = world.verdicts()
    # One each, none lost and none twice.
    assert sorted(verdict["event_id"] for verdict in verdicts) == list(range(loads))
    for partition in range(world.partitions):
        mine = [verdict for verdict in verdicts if verdict["source"]["partition"] == partition]
        mine.sort(key=lambda verdict: verdict["source"]["offset"])
        order = [verdict["model"]["version"] for verdict in mine]
        changes = [after for before, after in pairwise(order) if before != after]
        assert order[0] == "1"
        assert changes == ["2", "3", "1"]
    scrape = Scrape.of(at_work.meters)
    assert scrape.total("weir_model_swaps_total") == 3
    assert scrape.counts("weir_model_info", "version") == {("1",): 1}
    assert scrape.total("weir_model_swap_timestamp_seconds") > 1e9


def _truncated(folder: Path) -> None:
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])


def _not_golden(folder: Path) -> None:
    """Other logits than the weights give, with a manifest that says that all is well."""
    import hashlib  # noqa: PLC0415
    import json  # noqa: PLC0415

    rows = json.loads((folder / GOLDEN).read_bytes())
    content = json.dumps([{**row, "logit": row["logit"] + 1} for row in rows]).encode()
    (folder / GOLDEN).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"][GOLDEN] = {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def _of_pages(folder: Path) -> None:
    shutil.rmtree(folder)
    save_pages(folder)


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (_truncated, "digest"),
        (_not_golden, "golden"),
        (_no_manifest, "other"),
        (_of_pages, "detector"),
    ],
)
def test_a_model_that_is_not_what_it_should_be_is_refused_once_and_the_old_one_goes_on(
    tmp_path: Path, artefact: Artefact, spoil: Callable[[Path], None], cause: str
) -> None:
    versions = Shelf(tmp_path / "models", artefact)
    first, second = versions.add(1), versions.add(2, shift=1.0)
    spoil(second)
    place = tmp_path / "live"
    place.symlink_to(first)
    with staff(model=str(place)) as at_work:
        assert at_work.version == "1"
        # As Kubernetes changes what a volume shows.
        (tmp_path / "next").symlink_to(second)
        (tmp_path / "next").replace(place)
        (told,) = at_work.look()
        assert told["log_level"] == "error"
        assert told["cause"] == cause
        assert "goes on" in told["event"]
        assert at_work.version == "1"
        assert at_work.look() == []
        assert at_work.refusals() == {("service", cause): 1}
        # Asked for expressly it is tried again; repaired, it is taken.
        (tmp_path / "third").symlink_to(versions.add(3))
        (tmp_path / "third").replace(place)
        (told,) = at_work.look()
        assert told["event"].startswith("model changed")
        assert at_work.version == "3"


def test_a_promoted_version_that_was_exchanged_is_refused(shelf: Shelf) -> None:
    with staff(models=str(shelf.folder)) as at_work:
        shelf.promote(2)
        folder = shelf.folder / "url" / "2"
        shutil.rmtree(folder)
        shelf.add(2, shift=4.0)
        (told,) = at_work.look()
        assert told["cause"] == "digest"
        assert at_work.version == "1"


def test_a_pointer_that_cannot_be_read_changes_nothing(shelf: Shelf) -> None:
    with staff(models=str(shelf.folder)) as at_work:
        pointer = shelf.folder / "url" / "live.json"
        good = pointer.read_bytes()
        pointer.write_bytes(good[:50])
        (told,) = at_work.look()
        assert told["log_level"] == "warning"
        assert "live.json" in told["error"]
        assert at_work.version == "1"
        pointer.write_bytes(good)
        shelf.promote(2)
        at_work.look()
        assert at_work.version == "2"


def test_a_version_that_is_named_by_its_number_stays_whatever_is_promoted(shelf: Shelf) -> None:
    with staff(models=str(shelf.folder), model="url@1") as at_work:
        shelf.promote(2)
        assert at_work.look() == []
        assert at_work.version == "1"


def test_nothing_is_loaded_while_nothing_changes(shelf: Shelf) -> None:
    loads: list[str] = []

    def counting(told: Settings, meters: Meters) -> Judge:
        judge = fresh(told, meters)
        loads.append(judge.model.version)
        return judge

    with staff(counting, models=str(shelf.folder)) as at_work:
        for _ in range(3):
            at_work.look()
        assert loads == []
        shelf.promote(2)
        for _ in range(3):
            at_work.look()
        assert loads == ["2"]


def test_a_model_that_raises_anything_while_it_loads_is_refused(shelf: Shelf) -> None:
    def exhausted(told: Settings, meters: Meters) -> Judge:
        raise MemoryError

    with staff(exhausted, models=str(shelf.folder)) as at_work:
        shelf.promote(2)
        at_work.look()
        assert at_work.refusals() == {("service", "memory"): 1}
        assert at_work.version == "1"


def test_candidates_come_and_go_with_the_pointer(shelf: Shelf) -> None:
    with staff(
        models=str(shelf.folder), shadow="url@candidate", canary="url@candidate", canary_share="0.1"
    ) as at_work:
        at_work.look()
        assert at_work.tried() is None
        shelf.try_out(2)
        at_work.look()
        assert at_work.tried() == "2"
        assert Scrape.of(at_work.meters).counts("weir_candidate_info", "role", "version") == {
            ("shadow", "2"): 1,
            ("canary", "2"): 1,
        }
        # Promoted, it is a candidate no more.
        shelf.promote(2)
        at_work.look()
        assert at_work.version == "2"
        assert at_work.tried() is None
        assert not Scrape.of(at_work.meters).by("weir_candidate_info", "role")


def test_a_candidate_that_is_refused_leaves_the_model_in_service_alone(shelf: Shelf) -> None:
    shelf.try_out(2)
    _truncated(shelf.folder / "url" / "2")
    with staff(models=str(shelf.folder), canary="url@candidate", shadow="url@2") as at_work:
        logs = at_work.look()
        assert {entry["role"] for entry in logs} == {"canary", "shadow"}
        assert at_work.refusals() == {("canary", "digest"): 1, ("shadow", "digest"): 1}
        assert at_work.version == "1"


def test_sighup_makes_it_look_at_once(shelf: Shelf) -> None:
    told, meters, changed = settings(models=str(shelf.folder)), Meters("url"), threading.Event()
    taken: list[Judge | None] = []

    def take(judge: Judge | None) -> None:
        taken.append(judge)
        changed.set()

    post = Post(
        role=Role.SERVICE,
        place=Place(told.choice, "url"),
        load=lambda: fresh(told, meters),
        take=take,
    )
    watch = Watch([post], 0, ServiceMeters(meters.series))
    with looking_on_hangup(watch.look):
        watch.start()
        assert changed.wait(60)
        changed.clear()
        shelf.promote(2)
        os.kill(os.getpid(), signal.SIGHUP)
        assert changed.wait(60)
    watch.close(10)
    assert [judge and judge.model.version for judge in taken] == ["1", "2"]


def test_the_package_s_own_model_is_not_looked_at() -> None:
    with staff() as at_work:
        before = at_work.bench.judge
        assert at_work.look() == []
        assert at_work.bench.judge is before


def test_settings_that_cannot_be_are_named() -> None:
    from workers.settings.resolve import SettingsError  # noqa: PLC0415

    with pytest.raises(SettingsError) as caught:
        settings(shadow="url@4", canary="url@5", verdict_topic="alerts.shadow")
    assert [problem.split()[1] for problem in caught.value.problems] == [
        "'verdict_topic'",
        "'shadow'",
        "'canary'",
    ]
