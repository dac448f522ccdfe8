"""Processes that share a card, each with a limit of memory: what they get through together.

``python -m tests.bench.card_replicas`` is one of them: it says ``ready``, waits for a line, and
prints what it did.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from models.artefact import load
from models.detectors import DETECTORS
from models.engines.contract import EngineOptions
from tests.bench import events
from tests.bench.in_threads import in_threads
from tests.bench.results import Sample
from workers.metrics.gpu import gpu_memory

_MEMORY_MB: Final = 6144
_BATCH: Final = 8192
_BATCHES: Final = 16
_MIB: Final = 2**20


def measure(counts: Sequence[int], seconds: float, *, scale: float) -> Iterator[Sample]:
    """Rates of so many replicas at once.

    Raises:
        RuntimeError: one of them failed.
    """
    cores = len(os.sched_getaffinity(0))
    for count in counts:
        command = [
            *(sys.executable, "-m", "tests.bench.card_replicas"),
            *("--seconds", str(seconds), "--threads", str(max(1, cores // count))),
            *("--batch", str(max(64, int(_BATCH * scale)))),
        ]
        replicas = [
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        for replica in replicas:
            assert replica.stdout is not None
            replica.stdout.readline()  # all are warm before anyone begins
        told: list[dict[str, Any]] = []
        for replica in replicas:
            assert replica.stdin is not None
            replica.stdin.write("go\n")
            replica.stdin.flush()
        answers = [replica.communicate() for replica in replicas]
        for replica, (out, err) in zip(replicas, answers, strict=True):
            if replica.returncode:
                raise RuntimeError(err[-2000:])
            told.append(json.loads(out))
        yield Sample(
            part="gpu: replicas that share the card",
            subject="url",
            contestant=f"{count} replicas, {max(1, cores // count)} threads each",
            round=0,
            values={
                "subjects/s": sum(one["per_second"] for one in told),
                "CPU µs/subject": sum(one["cpu_microseconds"] for one in told) / count,
                "MiB allowed": _MEMORY_MB,
                "MiB at most": max(one["peak_mb"] for one in told),
            },
        )


def main() -> None:
    """Be one replica."""
    taken = argparse.ArgumentParser(description=__doc__)
    taken.add_argument("--seconds", type=float, required=True)
    taken.add_argument("--threads", type=int, required=True)
    taken.add_argument("--batch", type=int, required=True)
    given = taken.parse_args()
    artefact = load(DETECTORS["url"].bundled)
    featurise = artefact.featuriser()
    options = EngineOptions(precision="bfloat16", memory_mb=_MEMORY_MB)
    engine = artefact.engine("keras", options)
    engine.warm(given.batch)
    texts = list(itertools.islice(events.texts("url"), _BATCHES * given.batch))
    batches = [texts[at : at + given.batch] for at in range(0, len(texts), given.batch)]
    memory = gpu_memory(engine.describe())
    print("ready", flush=True)  # noqa: T201 - what it is for
    sys.stdin.readline()
    found = in_threads(
        lambda batch: engine.logits(featurise(batch)), batches, given.threads, given.seconds
    )
    print(  # noqa: T201 - likewise
        json.dumps(
            {
                "per_second": found.per_second,
                "cpu_microseconds": found.cpu_microseconds,
                "peak_mb": memory()[1] / _MIB if memory else 0.0,
            }
        )
    )


if __name__ == "__main__":
    main()
