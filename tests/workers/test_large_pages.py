"""Pages of tens of megabytes on their way through a real broker: fed, judged, or refused whole."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from schemas.dead_letter import CAUSE
from tests.broker.node import RunningNode
from tests.workers.artefacts import BAD_WORD
from tests.workers.fleet import LONG, Fleet, Reader
from workers.cli.main import run
from workers.log.contract import Records

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

MIB = 1024 * 1024


def incompressible(size: int) -> bytes:
    """A page that no codec makes smaller, and that says the bad word."""
    return b"<p> " + BAD_WORD + b" " + random.Random(size).randbytes(size - 5 - len(BAD_WORD))


class Outcomes:
    """Verdicts by the file of their page, and dead letters by their cause."""

    def __init__(self) -> None:
        self.verdicts: dict[str, dict[str, object]] = {}
        self.letters: dict[str, bytes] = {}

    def take_verdicts(self, records: Records) -> None:
        for value in records.values:
            verdict = orjson.loads(value or b"")
            self.verdicts[Path(verdict["event"]["file"]).name] = verdict

    def take_letters(self, records: Records) -> None:
        for value, headers in zip(records.values, records.headers, strict=True):
            self.letters[(dict(headers)[CAUSE] or b"").decode()] = value or b""


@pytest.fixture
def fleet(
    kafka_node: RunningNode, tmp_path: Path, page_model: Path, request: pytest.FixtureRequest
) -> Iterator[Fleet]:
    options = ["--model", str(page_model), *getattr(request, "param", ())]
    made = Fleet(kafka_node.bootstrap_servers, tmp_path, "html", options)
    yield made
    made.end()


def feed(fleet: Fleet, *arguments: str) -> int:
    return run(["feed", fleet.input, *arguments, "--bootstrap-servers", fleet.bootstrap_servers])


def outcomes_of(fleet: Fleet, verdicts: int, letters: int) -> Outcomes:
    """What comes of what was fed, once there is so much of it; the worker has ended clean."""
    outcomes = Outcomes()
    with (
        Reader(fleet.bootstrap_servers, fleet.verdicts) as alerts,
        Reader(fleet.bootstrap_servers, fleet.dead) as dead,
    ):
        alerts.until(lambda: len(outcomes.verdicts) >= verdicts, outcomes.take_verdicts)
        dead.until(lambda: len(outcomes.letters) >= letters, outcomes.take_letters)
    return outcomes


def test_pages_up_to_the_limit_are_judged_and_larger_ones_are_dead_letters_untouched(
    fleet: Fleet, tmp_path: Path
) -> None:
    sizes = {"small.html": 1_000, "large.html": 22 * MIB, "limit.html": 32 * MIB}
    too_large = 32 * MIB + 1
    for name, size in {**sizes, "over.html": too_large}.items():
        (tmp_path / name).write_bytes(incompressible(size))
    worker = fleet.start()

    assert feed(fleet, str(tmp_path)) == 0

    outcomes = outcomes_of(fleet, len(sizes), 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG) == 0, fleet.journal(0)
    for name, size in sizes.items():
        digest = hashlib.sha256(incompressible(size)).hexdigest()
        assert outcomes.verdicts[name]["page"] == {"sha256": digest, "bytes": size}
        assert outcomes.verdicts[name]["label"] == "malicious"
    letter = orjson.loads(outcomes.letters["page-too-large"])
    assert base64.b64decode(letter["html_base64"]) == incompressible(too_large)
    assert fleet.lag() == 0


@pytest.mark.parametrize(
    "fleet", [["--max-page-bytes", "100000"]], indirect=True, ids=["of 100,000 bytes"]
)
def test_the_limit_is_a_setting(fleet: Fleet, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    packed = base64.b64encode(gzip.compress(b"x" * 100_001)).decode()
    events.write_bytes(
        orjson.dumps({"file": "under", "html": "x" * 100_000})
        + b"\n"
        + orjson.dumps({"html_base64": packed, "encoding": "gzip"})
    )
    worker = fleet.start()

    assert feed(fleet, "--input", str(events)) == 0

    outcomes = outcomes_of(fleet, 1, 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONG) == 0, fleet.journal(0)
    assert outcomes.verdicts["under"]["characters_seen"] == 100_000
    assert orjson.loads(outcomes.letters["page-too-large"])["html_base64"] == packed
