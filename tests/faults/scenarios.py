"""What breaks: each scenario disturbs a trial in which events flow, and says how long for.

The tests run them small, `make soak` large.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tests.contracts.worlds import Client
from tests.faults.broker import Broker
from tests.faults.proxy import Weather
from tests.faults.trial import PATIENT_SESSION_MS, SESSION_MS, Outcome, Trial
from workers.log import topics

Disturb = Callable[[Trial, int], None]
DisturbBroker = Callable[[Trial, Broker, int], None]

_SEED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One fault.

    Attributes:
        title: For people.
        act: Disturbs the trial, so many times.
        replicas: At the start.
        options: Of the worker.
        repeats: Whether at-least-once delivery may repeat events after it.
        static: Whether replicas are members with names of their own.
    """

    title: str
    act: Disturb
    replicas: int = 3
    options: tuple[str, ...] = ()
    repeats: bool = True
    static: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerScenario:
    """One fault of the broker, or of the way to it.

    Attributes:
        title: For people.
        act: Disturbs the trial, so many times.
        repeats: Whether at-least-once delivery may repeat events after it.
    """

    title: str
    act: DisturbBroker
    repeats: bool = True


def kill(trial: Trial, times: int) -> None:
    """Replicas die at random points, and others take their places."""
    chance = random.Random(_SEED)
    for _ in range(times):
        trial.replace(chance.randrange(len(trial.replicas)))
        trial.recovered()


def storm(trial: Trial, times: int) -> None:
    """Replicas are asked to stop one after the other, while the last has hardly come up."""
    for _ in range(times):
        assert trial.retire(0) == 0, trial.journals()
        trial.start(1)
    trial.recovered()


def freeze(trial: Trial, times: int) -> None:
    """A replica stands still for longer than its session, and wakes up as a zombie."""
    for turn in range(times):
        sleeper = turn % len(trial.replicas)
        trial.send(sleeper, signal.SIGSTOP)
        # Its partitions are others' once they move again.
        trial.recovered()
        trial.send(sleeper, signal.SIGCONT)
        trial.recovered()


def scale(trial: Trial, times: int) -> None:
    """From one replica to six and back, one at a time."""
    for _ in range(times):
        while len(trial.replicas) < 6:
            trial.start(1)
            trial.recovered()
        while len(trial.replicas) > 1:
            assert trial.retire(0) == 0, trial.journals()
            trial.recovered()


def add_partitions(trial: Trial, times: int) -> None:
    """The topic gets more partitions while events flow."""
    if trial.client == "confluent":
        # Two rebalances at once: librdkafka was seen to lose all partitions when a commit met the
        # end of one, and events came twice (deploy/guarantees.md).
        trial.settle()
    for _ in range(times):
        known = len(trial.described().partitions)
        topics.extend(trial.fleet.connection, trial.fleet.input, known + 2)
        for number in (known, known + 1):
            trial.feed_partition(number)
        trial.recovered()


def restart_static(trial: Trial, times: int) -> None:
    """Members with names of their own die, and come back before they are missed."""
    # A static member that dies while the group shares out is waited for, for as long as
    # max.poll.interval.ms: that is Kafka's, and another scenario.
    trial.settle()
    for turn in range(times):
        trial.replace(turn % len(trial.replicas))
        trial.recovered()


def lower_the_limit(trial: Trial, times: int) -> None:
    """The verdicts' topic suddenly takes less than some verdicts need."""
    for turn in range(times):
        limit = 1_200 + turn
        topics.configure(
            trial.fleet.connection, trial.fleet.verdicts, {"max.message.bytes": str(limit)}
        )
        trial.recovered()


def kill_broker(trial: Trial, broker: Broker, times: int) -> None:
    """The broker dies and comes back with what it has on disk."""
    for _ in range(times):
        broker.kill()
        broker.start_again()
        trial.recovered()


def fill_disk(trial: Trial, broker: Broker, times: int) -> None:
    """No file of the broker's can grow, so it cannot take a record more and gives up."""
    for _ in range(times):
        broker.limit_files(1)
        trial.until(lambda: broker.node.launcher.poll() is not None)
        broker.kill()
        broker.start_again()
        trial.recovered()


def slow(trial: Trial, broker: Broker, times: int) -> None:
    """Every answer of the broker is late."""
    for _ in range(times):
        broker.proxy.turn(Weather.SLOW)
        trial.recovered()
        broker.proxy.turn(Weather.FAIR)
        trial.recovered()


def refuse(trial: Trial, broker: Broker, times: int) -> None:
    """Nobody can connect, and whoever was connected no longer is."""
    for _ in range(times):
        broker.proxy.turn(Weather.REFUSING)
        trial.stand_still()
        broker.proxy.turn(Weather.FAIR)
        trial.recovered()


def silence(trial: Trial, broker: Broker, times: int) -> None:
    """Connections stay, and no byte passes, for longer than a session."""
    for _ in range(times):
        broker.proxy.turn(Weather.SILENT)
        trial.stand_still()
        broker.proxy.turn(Weather.FAIR)
        trial.recovered()


def cut(trial: Trial, broker: Broker, times: int) -> None:
    """Connections break in the middle of answers: acknowledgements among them."""
    for _ in range(times):
        broker.proxy.cut_answers(20)
        trial.until(lambda: not broker.proxy.uncut)
        trial.recovered()


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "sigkill": Scenario(title="SIGKILL at random points, replaced", act=kill),
        "sigterm": Scenario(title="SIGTERM storm", act=storm, repeats=False),
        "sigstop": Scenario(
            title=f"SIGSTOP for longer than the session ({SESSION_MS // 1000} s), SIGCONT",
            act=freeze,
        ),
        "static": Scenario(
            title="SIGKILL of static members, restarted under their names",
            act=restart_static,
            options=("--max-poll-interval-ms", "10000"),
            static=True,
        ),
        "scale": Scenario(title="1 to 6 replicas and back", act=scale, replicas=1, repeats=False),
        "partitions": Scenario(
            title="partitions added",
            act=add_partitions,
            replicas=2,
            options=("--kafka", "metadata.max.age.ms=1000"),
            repeats=False,
        ),
        "too-large": Scenario(
            title="verdicts too large for their topic, all of a sudden",
            act=lower_the_limit,
            replicas=2,
            repeats=False,
        ),
    }
)
BROKER_SCENARIOS: Final[Mapping[str, BrokerScenario]] = MappingProxyType(
    {
        "killed": BrokerScenario(title="broker killed and restarted", act=kill_broker),
        "disk-full": BrokerScenario(title="disk full on produce, broker ends", act=fill_disk),
        "slow": BrokerScenario(title="every answer 0.3 s late", act=slow, repeats=False),
        "refusing": BrokerScenario(title="connections refused", act=refuse),
        "silent": BrokerScenario(title="connections silent for longer than a session", act=silence),
        "cut": BrokerScenario(title="connections cut in the middle of answers", act=cut),
    }
)


def _session_ms(scenario: Scenario | BrokerScenario) -> int:
    return SESSION_MS if scenario.repeats else PATIENT_SESSION_MS


def run_on_workers(
    scenario: Scenario,
    servers: str,
    folder: Path,
    *,
    delivery: str,
    events: int,
    times: int,
    client: Client = "kafka-python",
) -> Outcome:
    """Let a fault of workers or of their group come so many times; account for every event."""
    trial = Trial(
        servers,
        folder,
        events=events,
        delivery=delivery,
        options=scenario.options,
        static=scenario.static,
        client=client,
        session_ms=_session_ms(scenario),
    )
    try:
        trial.start(scenario.replicas)
        trial.flow()
        scenario.act(trial, times)
        return trial.finish()
    finally:
        trial.close()


def run_on_broker(
    scenario: BrokerScenario,
    folder: Path,
    *,
    delivery: str,
    events: int,
    times: int,
    client: Client = "kafka-python",
) -> Outcome:
    """Let a fault of the broker come so many times; account for every event."""
    broker = Broker(folder / "broker")
    trial = Trial(
        broker.disturbed,
        folder,
        direct=broker.direct,
        events=events,
        delivery=delivery,
        client=client,
        session_ms=_session_ms(scenario),
    )
    try:
        trial.start(2)
        trial.flow()
        scenario.act(trial, broker, times)
        return trial.finish()
    finally:
        trial.close()
        broker.close()
