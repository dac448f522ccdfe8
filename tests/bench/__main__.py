"""`make bench`: measures, prints tables, and leaves figures, a page and a picture in a folder.

python -m tests.bench --only urls,latency --scale 0.2 --rounds 1
python -m tests.bench --only memory --events 10000000
KERAS_BACKEND=jax python -m tests.bench --only gpu
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench import events, method, picture, printing
from tests.bench.ground import PARTITIONS, ground
from tests.bench.parts import ALONE, ON_A_NODE, PARTS, Plan
from tests.bench.results import Sample, as_json, tables

_FOLDER: Final = Path(__file__).parents[2] / "build" / "bench"
# Of an hour of a core of a large cloud's general-purpose machines, in dollars, in round figures.
_PRICE: Final = 0.05
_SECONDS: Final = 60
_WIDTH: Final = 160


def main() -> int:
    """Measure what was asked for; return the exit code."""
    told = _options()
    # In a file or a pipe a table is to be as wide as it is.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    failures: list[str] = []

    def failed(who: str, error: RuntimeError) -> None:
        """One that fails is to cost the others nothing."""
        failures.append(who)
        console.print(f"[bold]{who}[/bold] failed: {error}", highlight=False, soft_wrap=True)

    plan = Plan(
        scale=told.scale,
        rounds=told.rounds,
        price=told.price,
        events=told.events,
        peers=not told.without_peers,
        done=[],
        failed=failed,
        told=lambda what: console.print(what, highlight=False, soft_wrap=True),
    )
    facts = method.about(told.scale, told.rounds, plan.seconds, " ".join(sys.argv[1:]))
    told.output.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with ExitStack() as stack:
        # A node is started for those who need one, and idles beside nobody else.
        node = cache(lambda: stack.enter_context(ground()))
        for name in told.only:
            try:
                for sample in ALONE[name](plan) if name in ALONE else ON_A_NODE[name](plan, node()):
                    plan.done.append(sample)
                    _tell(sample, console, began)
                    _keep(plan.done, facts, told.output)
            except RuntimeError as error:
                failed(name, error)
    _finish(plan.done, facts, told.output, console)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure Fishweir and what one would do instead, side by side.",
    )
    parser.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=list(PARTS),
        help=f"parts, separated by commas: {', '.join(PARTS)}",
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of the time that is measured")
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    parser.add_argument(
        "--events", type=int, default=0, help="watch a worker's memory over so many events"
    )
    parser.add_argument("--price", type=float, default=_PRICE, help="of a core for an hour")
    parser.add_argument("--without-peers", action="store_true", help="leave other libraries out")
    parser.add_argument("--output", type=Path, default=_FOLDER, help=f"default {_FOLDER}")
    told = parser.parse_args()
    if unknown := set(told.only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if told.scale <= 0 or told.rounds < 1:
        parser.error("--scale must be above 0, --rounds 1 or more")
    if told.events and "memory" not in told.only:
        parser.error("--events needs the part memory")
    return told


def _tell(sample: Sample, console: Console, began: float) -> None:
    """One line while it goes on."""
    minutes, seconds = divmod(int(time.monotonic() - began), _SECONDS)
    figures = ", ".join(f"{printing.shown(value)} {name}" for name, value in sample.values.items())
    matter = f"{sample.subject}: {sample.part}: {sample.contestant}"
    console.print(
        f"{minutes:02}:{seconds:02} {matter}: {figures}",
        highlight=False,
        soft_wrap=True,
    )


def _keep(samples: list[Sample], facts: dict[str, object], folder: Path) -> None:
    """Everything so far, so that an interrupted run is not for nothing."""
    (folder / "results.json").write_text(json.dumps(as_json(samples, facts), indent=1) + "\n")


def _finish(
    samples: list[Sample], facts: dict[str, object], folder: Path, console: Console
) -> None:
    found = tables(samples)
    console.print()
    printing.print_tables(found, console)
    how = method.text(facts, partitions=PARTITIONS, real_urls=events.real("url"))
    (folder / "results.md").write_text(f"{printing.markdown(found)}\n{how}")
    _keep(samples, facts, folder)
    drawn = picture.draw(found, folder)
    console.print()
    console.print(how, highlight=False, markup=False)
    for file in (folder / "results.json", folder / "results.md", *drawn):
        console.print(f"wrote {file}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
