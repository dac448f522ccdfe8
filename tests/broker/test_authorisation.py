"""What a worker may do, and what becomes of its events when that is taken away while it works."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson
import pytest
from kafka.admin import ACLOperation, ResourceType

from models.artefact import load
from models.detectors import URL
from tests.broker.secured import Right, SecuredNode
from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import CLIENTS
from tests.workers.running import running, settings, start
from tests.workers.telemetry import distinct
from workers.errors import AuthorisationError
from workers.judge import Judge
from workers.log import topics
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.opening import open_log
from workers.settings.policies import EvidencePolicy, Settings

pytestmark = pytest.mark.kafka

BAD = b"no json"


@dataclass
class Place:
    """Topics and a group of one worker, whose user may do just what it must."""

    node: SecuredNode
    told: Settings
    connection: Connection

    @property
    def rights(self) -> dict[str, Right]:
        names = self.told.topics
        return {
            "reading": Right(ACLOperation.READ, ResourceType.TOPIC, names.input_topic),
            "group": Right(ACLOperation.READ, ResourceType.GROUP, self.connection.group_id),
            "verdicts": Right(ACLOperation.WRITE, ResourceType.TOPIC, names.verdict_topic),
            "dead letters": Right(ACLOperation.WRITE, ResourceType.TOPIC, names.dead_letter_topic),
        }

    def feed(self, values: list[bytes]) -> None:
        sink = open_log(self.node.operator).sink()
        topic = self.told.topics.input_topic
        delivery = sink.publish(Outgoing(topic=topic, keys=[None] * len(values), values=values))
        assert delivery.wait(PATIENCE)
        assert delivery.failures() == {}
        sink.close(PATIENCE)

    def committed(self) -> int:
        asked = replace(self.node.operator, group_id=self.connection.group_id)
        (found,) = topics.describe(asked, [self.told.topics.input_topic])
        return sum(partition.committed or 0 for partition in found.partitions)


@pytest.fixture(params=CLIENTS)
def place(request: pytest.FixtureRequest, secured_node: SecuredNode) -> Iterator[Place]:
    tag = uuid.uuid4().hex[:8]
    names = {
        "input_topic": f"in-{tag}",
        "verdict_topic": f"out-{tag}",
        "dead_letter_topic": f"dead-{tag}",
    }
    topics.create(secured_node.operator, dict.fromkeys(names.values(), 1))
    user = f"clerk-{tag}"
    secured_node.add_user(user)
    connection = replace(
        secured_node.scram("SASL_PLAINTEXT", user),
        client=request.param,
        group_id=f"group-{tag}",
        # One that may not leave the group any more is in it for so long.
        session_timeout_ms=1_500,
        overrides={"heartbeat.interval.ms": "300"},
    )
    made = Place(secured_node, settings(**names), connection)
    secured_node.grant(user, *made.rights.values())
    yield made
    secured_node.remove_user(user)


@pytest.fixture(scope="module")
def judge() -> Judge:
    artefact = load(URL.bundled)
    return Judge(artefact, artefact.engine("tables"), EvidencePolicy())


class Outcomes:
    """Ids of the events that have a verdict, and how many have a dead letter."""

    def __init__(self, place: Place) -> None:
        self._place = place
        group = replace(place.node.operator, group_id=f"reader-{uuid.uuid4().hex}")
        self._verdicts = Reader(open_log(group), place.told.topics.verdict_topic)
        self._letters = Reader(
            open_log(replace(group, group_id=f"{group.group_id}-dead")),
            place.told.topics.dead_letter_topic,
        )

    def until(self, verdicts: int, letters: int) -> None:
        """Read until there are so many, and all of their events are committed."""
        deadline = time.monotonic() + PATIENCE
        while (
            len(self.ids()) < verdicts
            or len(self._letters.rows) < letters
            or self._place.committed() < verdicts + letters
        ):
            assert time.monotonic() < deadline
            self._verdicts.poll()
            self._letters.poll()

    def ids(self) -> set[int]:
        return {orjson.loads(value or b"")["event_id"] for value in self._verdicts.values}

    def close(self) -> None:
        self._verdicts.source.close()
        self._letters.source.close()


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("reading", "Read"),
        ("group", "group"),
        ("verdicts", "Write"),
        ("dead letters", "Write"),
    ],
)
def test_a_right_that_is_taken_away_ends_the_worker_and_loses_nothing(
    place: Place, judge: Judge, lost: str, told: str
) -> None:
    outcomes = Outcomes(place)
    place.feed([*distinct(20), BAD])
    worker = start(open_log(place.connection), judge, place.told)
    outcomes.until(20, 1)
    right = place.rights[lost]
    place.node.revoke(place.connection.sasl_username or "", right)
    place.feed([*distinct(40)[20:], BAD])
    with pytest.raises(AuthorisationError) as refused:
        worker.join()
    assert right.name in str(refused.value)
    assert told in str(refused.value)
    # What has no outcome is not committed.
    assert place.committed() < 42

    place.node.grant(place.connection.sasl_username or "", right)
    with running(open_log(place.connection), judge, place.told):
        outcomes.until(40, 2)
    assert place.committed() == 42
    assert outcomes.ids() == set(range(40))
    outcomes.close()
