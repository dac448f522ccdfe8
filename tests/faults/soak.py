"""`make soak`: every fault, large, as a table; then memory over millions of events.

Takes about an hour on two cores. Rows are written as they come, so that an interrupted soak is
not lost; `--only NAME` runs some, `--scale 0.1` runs small ones, `--client confluent` those of
workers with the second client.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import orjson

from tests.broker.node import RunningNode
from tests.contracts.worlds import CLIENTS, Client
from tests.faults.memory import watch_memory
from tests.faults.scenarios import (
    BROKER_SCENARIOS,
    SCENARIOS,
    BrokerScenario,
    Scenario,
    run_on_broker,
    run_on_workers,
)
from tests.faults.trial import Outcome

DELIVERIES = ("at-least-once", "exactly-once")
EVENTS = 100_000
# How often each fault comes; of the others once.
TIMES = {"sigkill": 20, "sigterm": 20, "sigstop": 5, "killed": 3, "cut": 10, "refusing": 3}
MEMORY_EVENTS = 5_000_000
HEADS = (
    "fault",
    "times",
    "delivery",
    "events",
    "verdicts",
    "dead letters",
    "missing",
    "unknown",
    "repeated",
    "recovery in s, median and longest",
)


def main() -> int:
    """Run the soak; the exit code says whether everything held."""
    arguments = _arguments()
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    held = True
    rows: list[dict[str, object]] = []
    print("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS), flush=True)  # noqa: T201
    for name, title, delivery, times, run in _runs(arguments):
        with _trial_folder() as place:
            outcome = run(place)
        rows.append(_row(name, title, delivery, times, outcome))
        (folder / "faults.json").write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        print(_line(rows[-1]), flush=True)  # noqa: T201
        held &= outcome.account.holds(exactly_once=outcome.exact)
    if not arguments.only or "memory" in arguments.only:
        with _trial_folder() as place:
            samples = watch_memory(place, int(MEMORY_EVENTS * arguments.scale))
        told = [asdict(sample) for sample in samples]
        (folder / "memory.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        for sample in samples:
            print(sample, flush=True)  # noqa: T201
    return 0 if held else 1


_Run = Callable[[Path], Outcome]


def _runs(arguments: argparse.Namespace) -> Iterator[tuple[str, str, str, int, _Run]]:
    """Name, title, delivery, times, and what runs it in a folder."""
    events = int(EVENTS * arguments.scale)
    for delivery in DELIVERIES:
        scenarios: dict[str, Scenario | BrokerScenario] = {**SCENARIOS, **BROKER_SCENARIOS}
        for name, scenario in scenarios.items():
            if arguments.only and name not in arguments.only:
                continue
            times = max(1, round(TIMES.get(name, 1) * arguments.scale))
            run = partial(
                _run,
                scenario,
                delivery=delivery,
                events=events,
                times=times,
                client=arguments.client,
            )
            yield name, scenario.title, delivery, times, run


def _run(
    scenario: Scenario | BrokerScenario,
    folder: Path,
    *,
    delivery: str,
    events: int,
    times: int,
    client: Client,
) -> Outcome:
    if isinstance(scenario, BrokerScenario):
        return run_on_broker(
            scenario, folder, delivery=delivery, events=events, times=times, client=client
        )
    node = RunningNode("--port", "0", "--data-dir", str(folder / "node"))
    try:
        return run_on_workers(
            scenario,
            node.bootstrap_servers,
            folder,
            delivery=delivery,
            events=events,
            times=times,
            client=client,
        )
    finally:
        node.kill()


def _row(name: str, title: str, delivery: str, times: int, outcome: Outcome) -> dict[str, object]:
    seconds = [round(one, 1) for one in outcome.recovery_seconds]
    return {
        "name": name,
        "fault": title,
        "times": times,
        "delivery": delivery,
        **asdict(outcome.account.counts),
        "recovery_s": seconds,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _line(row: dict[str, object]) -> str:
    keys = ("events", "verdicts", "dead_letters", "missing", "unknown", "repeated")
    numbers = [f"{row[key]:,}" for key in keys]
    seconds = row["recovery_s"]
    assert isinstance(seconds, list)
    recovery = f"{statistics.median(seconds):.1f}, {max(seconds):.1f}" if seconds else ""
    cells = [str(row["fault"]), str(row["times"]), str(row["delivery"]), *numbers, recovery]
    return "| " + " | ".join(cells) + " |"


@contextmanager
def _trial_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="weir-soak-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/soak"), metavar="FOLDER")
    parser.add_argument("--only", action="append", metavar="NAME", help="repeatable")
    parser.add_argument("--client", choices=CLIENTS, default=CLIENTS[0], help="of the workers")
    parser.add_argument("--scale", type=float, default=1.0, metavar="SHARE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
