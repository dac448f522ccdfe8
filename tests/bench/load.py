"""Puts events on a topic at an even rate, as telemetry comes, until it is stopped.

python -m tests.bench.load --servers HOST:PORT --topic NAME --detector url --rate 10000
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Final

from tests.bench.events import events
from tests.bench.ground import PARTITIONS, fastest_client
from workers.log.connection import Connection
from workers.log.contract import Outgoing
from workers.log.delivery import Delivery
from workers.log.opening import open_log

# Sensors send a few events at a time; a partition gets its turn after so long.
_STEP_S: Final = 0.002
_MOST_UNDER_WAY: Final = 2_000
_WAIT_S: Final = 60.0


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--servers", "--topic", "--detector"):
        parser.add_argument(option, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="events/s; 0 for as fast as it can")
    parser.add_argument("--events", type=int, help="stop after so many")
    told = parser.parse_args()
    connection = Connection(
        bootstrap_servers=told.servers,
        client=fastest_client(),
        client_id="fishweir-bench-load",
        overrides={"linger.ms": "0" if told.rate else "5"},
    )
    feed(connection, told.topic, told.detector, told.rate, told.events)


def feed(connection: Connection, topic: str, detector: str, rate: float, count: int | None) -> None:
    """Send distinct events, a few to one partition after the other.

    Raises:
        RuntimeError: an event could not be sent.
    """
    sink = open_log(connection).sink()
    given = itertools.islice(events(detector), count)
    step = max(1, int(rate * _STEP_S)) if rate else 4096
    under_way: list[Delivery] = []
    began, sent = time.monotonic(), 0
    for turn in itertools.count():
        values: list[bytes | None] = list(itertools.islice(given, step))
        if not values:
            break
        if rate and (early := began + sent / rate - time.monotonic()) > 0:
            time.sleep(early)
        under_way.append(
            sink.publish(
                Outgoing(
                    topic=topic,
                    keys=[None] * len(values),
                    values=values,
                    partitions=[turn % PARTITIONS] * len(values),
                )
            )
        )
        sent += len(values)
        while under_way and (under_way[0].done() or len(under_way) > _MOST_UNDER_WAY):
            _see(under_way.pop(0))
    for delivery in under_way:
        _see(delivery)
    sink.close(_WAIT_S)


def _see(delivery: Delivery) -> None:
    if not delivery.wait(_WAIT_S) or delivery.failures():
        raise RuntimeError(f"events could not be sent: {delivery.failures()}")


if __name__ == "__main__":
    main()
