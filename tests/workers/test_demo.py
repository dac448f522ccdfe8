"""The demonstration accounts for the events of every topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.artefact import load
from schemas.verdict_reader import Verdict
from tests.workers.running import World, running, settings
from tests.workers.telemetry import BAD, distinct
from workers.demo import Account, DemoError, Sample, demonstrate
from workers.judge import Judge
from workers.log.memory import MemoryLog
from workers.log.memory_broker import MemoryBroker
from workers.settings.policies import EvidencePolicy, Topics

VALUES = {
    "url": [*distinct(600), *(value for value in BAD if value)],
    "html": [b'{"html": "<p>"}'] * 40 + [b"{}"] * 3,
    "path": [b'{"path": "C:\\\\x"}'] * 40 + [b'{"path": 1}'],
}


@pytest.fixture
def broker(judge: Judge, page_model: Path, path_model: Path) -> Iterator[MemoryBroker]:
    """All topics, with the three workers at work."""
    broker = MemoryBroker()
    small = {"html": page_model, "path": path_model}
    with ExitStack() as stack:
        for detector in VALUES:
            decides = judge
            if detector in small:
                artefact = load(small[detector])
                decides = Judge(artefact, artefact.engine("tables"), EvidencePolicy())
            world = World(detector=detector, broker=broker)
            stack.enter_context(running(world.log(), decides, settings(detector)))
        yield broker


def samples() -> list[Sample]:
    return [
        Sample(topics=settings(detector).topics, values=values)
        for detector, values in VALUES.items()
    ]


def watching(broker: MemoryBroker) -> MemoryLog:
    return MemoryLog(broker, f"watch-{len(broker.groups)}", auto_offset_reset="latest")


def test_every_event_of_every_topic_is_accounted_for(broker: MemoryBroker) -> None:
    shown: list[Verdict] = []
    accounts: dict[str, Account] = {}
    for state, verdicts in demonstrate(
        samples(),
        log=MemoryLog(broker),
        watching=lambda _topic: watching(broker),
        ready=lambda: True,
    ):
        accounts = dict(zip(VALUES, state, strict=True))
        shown += verdicts

    assert all(account.exact for account in accounts.values())
    assert [(account.verdicts, account.dead) for account in accounts.values()] == [
        (600, len(VALUES["url"]) - 600),
        (40, 3),
        (40, 1),
    ]
    assert accounts["html"].causes == {"subject-missing": 3}
    assert accounts["path"].causes == {"not-a-string": 1}
    assert Counter(verdict["detector"] for verdict in shown) == {"url": 600, "html": 40, "path": 40}
    assert all(account.seconds > 0 for account in accounts.values())


def test_others_on_the_same_topics_do_not_count(broker: MemoryBroker) -> None:
    broker.append("telemetry.html", b'{"html": "not ours"}')
    broker.append("alerts", b"not ours", headers=[("demo-event", b"another/0/0")])
    for _state, _verdicts in demonstrate(
        samples()[1:2],
        log=MemoryLog(broker),
        watching=lambda _topic: watching(broker),
        ready=lambda: True,
    ):
        pass
    ((account,), _) = _state, _verdicts
    assert account.exact


def test_a_worker_that_has_gone_ends_it() -> None:
    broker = MemoryBroker()
    World(broker=broker)

    def gone() -> bool:
        raise DemoError("the worker ended")

    steps = demonstrate(
        [Sample(topics=Topics(), values=[b"{}"])],
        log=MemoryLog(broker),
        watching=lambda _topic: watching(broker),
        ready=gone,
    )
    with pytest.raises(DemoError, match="the worker ended"):
        next(steps)
