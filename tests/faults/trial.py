"""Replicas at work on topics of their own while things break, and the account of it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.broker.groups import members
from tests.contracts.worlds import Client
from tests.workers.fleet import LONG, Fleet
from tests.workers.telemetry import BAD, distinct
from workers.account import Account
from workers.errors import LogUnavailableError
from workers.log import topics
from workers.log.contract import Outgoing
from workers.log.kafka import KafkaLog
from workers.log.topics import TopicDescription
from workers.settings.policies import Topics
from workers.verifying import verify_kafka

# Events are fed in portions, with a pause between them that a fault is spread over.
PORTION = 100
PAUSE_SECONDS = 0.1
# One event in so many cannot be judged.
BAD_EVERY = 50
SESSION_MS = 6_000
# Where nothing may come twice nobody may be taken for dead: a starved machine is no fault.
PATIENT_SESSION_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was seen of one fault.

    Attributes:
        account: Of every event.
        exact: Whether nothing may come twice.
        recovery_seconds: From the end of each fault until every partition moved again.
        codes: Exit codes of the replicas that were stopped in the end.
        journals: The ends of their journals.
    """

    account: Account
    exact: bool
    recovery_seconds: Sequence[float]
    codes: Sequence[int]
    journals: str


class Trial:
    """One worker's replicas.

    Args:
        servers: Where the workers look for the broker.
        direct: Where we do.
        folder: For journals.
        events: To feed at the least.
        delivery: As the setting.
        options: Further options of the worker.
        static: Whether replicas are members with names of their own (KIP-345).
        client: Of the replicas; we look on with kafka-python.
        session_ms: How long a replica may say nothing before its group lets it go.
    """

    def __init__(
        self,
        servers: str,
        folder: Path,
        *,
        direct: str | None = None,
        events: int = 20_000,
        delivery: str = "at-least-once",
        options: Sequence[str] = (),
        static: bool = False,
        client: Client = "kafka-python",
        session_ms: int = SESSION_MS,
    ) -> None:
        self._static = static
        self.client = client
        self.exact = delivery == "exactly-once"
        told = ["--client", client, "--delivery", delivery]
        told += ["--session-timeout-ms", str(session_ms)]
        told += ["--kafka", "heartbeat.interval.ms=500", "--max-batch", "256", *options]
        self.fleet = Fleet(direct or servers, folder, options=told, workers_servers=servers)
        self.replicas: list[subprocess.Popen[bytes]] = []
        self._events = events
        self._fed = 0
        self._enough = threading.Event()
        self._failure: BaseException | None = None
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._recoveries: list[float] = []

    def start(self, replicas: int) -> None:
        """Start so many more replicas."""
        for _ in range(replicas):
            self.replicas.append(self._start(len(self.replicas)))

    def flow(self) -> None:
        """Let events flow, and wait until replicas judge them.

        All are in their group before anything breaks: one that meets a broker that only ever closes
        its connections when it starts is to end, and to say what it may want.
        """
        self._feeder.start()
        self.until(lambda: self._members() >= len(self.replicas))
        self.until(lambda: any(committed(one) for one in self.described().partitions))

    def send(self, number: int, what: signal.Signals) -> None:
        """Signal one replica."""
        self.replicas[number].send_signal(what)

    def replace(self, number: int) -> None:
        """Kill a replica, and start another in its place."""
        self.send(number, signal.SIGKILL)
        self.replicas[number].wait(LONG)
        self.replicas[number] = self._start(number)

    def retire(self, number: int) -> int:
        """Ask a replica to stop; return its exit code."""
        self._until_up()
        self.send(number, signal.SIGTERM)
        return self.replicas.pop(number).wait(LONG)

    def settle(self) -> None:
        """Wait until all replicas are up and every partition moves."""
        self._until_up()
        self.recovered()
        self.recovered()
        self._recoveries.clear()

    def recovered(self) -> float:
        """Wait until every partition has moved on or has nothing left; return the seconds."""
        began = time.monotonic()
        before = {one.partition: committed(one) for one in self.described().partitions}

        def moved() -> bool:
            return all(
                committed(one) > before.get(one.partition, 0) or committed(one) == one.end
                for one in self.described().partitions
            )

        self.until(moved)
        self._recoveries.append(time.monotonic() - began)
        return self._recoveries[-1]

    def feed_partition(self, number: int) -> None:
        """Feed a portion to one partition, which our producer need not know yet."""
        sink = KafkaLog(self.fleet.connection).sink()
        values = distinct(PORTION)
        rows = Outgoing(
            topic=self.fleet.input,
            keys=[None] * PORTION,
            values=values,
            partitions=[number] * PORTION,
        )
        delivery = sink.publish(rows)
        assert delivery.wait(LONG)
        assert not delivery.failures()
        sink.close(LONG)

    def stand_still(self) -> None:
        """Wait for longer than a session, in which nothing can come through."""
        self._enough.wait(1.5 * SESSION_MS / 1000)

    def until(self, condition: Callable[[], bool]) -> None:
        """Ask again until it holds; each time takes the broker a moment."""
        deadline = time.monotonic() + LONG
        while not condition():
            if self._failure is not None:
                raise self._failure
            assert time.monotonic() < deadline, f"{self.described()}\n{self.journals()}"
            self._enough.wait(0.05)

    def described(self) -> TopicDescription:
        """The input topic as it stands."""
        deadline = time.monotonic() + LONG
        while True:
            try:
                (found,) = topics.describe(self.fleet.connection, [self.fleet.input])
            except LogUnavailableError:
                # Brokers go away in here, and a new one has no coordinator for its first group.
                assert time.monotonic() < deadline, self.journals()
                self._enough.wait(0.1)
            else:
                return found

    def finish(self) -> Outcome:
        """Feed what is left, let all be judged, stop the replicas, and account for every event."""
        self._enough.set()
        self._feeder.join(LONG)
        assert not self._feeder.is_alive()
        if self._failure is not None:
            raise self._failure
        self.until(lambda: all(committed(p) == p.end for p in self.described().partitions))
        self._until_up()
        # Who was taken for dead and has not heard of it yet has nothing left to commit, and says so
        # with its exit code.
        self.until(lambda: self._members() >= len(self.replicas))
        for replica in self.replicas:
            replica.send_signal(signal.SIGTERM)
        codes = [replica.wait(LONG) for replica in self.replicas]
        names = Topics(
            input_topic=self.fleet.input,
            verdict_topic=self.fleet.verdicts,
            dead_letter_topic=self.fleet.dead,
        )
        account = verify_kafka(self.fleet.connection, names, detector="url")
        return Outcome(
            account=account,
            exact=self.exact,
            recovery_seconds=self._recoveries,
            codes=codes,
            journals=self.journals(),
        )

    def _members(self) -> int:
        """Of the group, if it has shared out its partitions."""
        with suppress(LogUnavailableError):
            return len(members(self.fleet.connection))
        return 0

    def journals(self) -> str:
        """The ends of all replicas' journals."""
        count = len(list(self.fleet.folder.glob("worker-*.log")))
        return "\n".join(self.fleet.journal(number)[-2_000:] for number in range(count))

    def close(self) -> None:
        """End everything at once."""
        self._enough.set()
        self.fleet.end()

    def _until_up(self) -> None:
        """Until all replicas hear signals: an interpreter that starts does not yet.

        One that was killed while it started has nothing to say, and is none of them.
        """
        self.until(
            lambda: all("model loaded" in self.fleet.journal_of(one) for one in self.replicas)
        )

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        named = ["--group-instance-id", f"replica-{number}"] if self._static else []
        return self.fleet.start(*named)

    def _feed(self) -> None:
        sink = KafkaLog(self.fleet.connection).sink()
        try:
            while not self._enough.is_set() or self._fed < self._events:
                values = distinct(PORTION, self._fed)
                values[::BAD_EVERY] = [BAD[0]] * len(values[::BAD_EVERY])
                keys = [b"%d" % (self._fed + row) for row in range(PORTION)]
                rows = Outgoing(topic=self.fleet.input, keys=keys, values=values)
                while True:
                    delivery = sink.publish(rows)
                    assert delivery.wait(LONG)
                    if not delivery.failures():
                        break
                self._fed += PORTION
                self._enough.wait(PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits
            self._failure = error
        finally:
            sink.close(0.0)


def committed(partition: object) -> int:
    """What the group has committed of a partition."""
    return getattr(partition, "committed", None) or 0
