"""How it was measured, in words: the machine, the versions, what was done."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from tests.bench.peers import environment
from tests.bench.scaling import cores_here

_DISTRIBUTIONS: Final = (
    *("kafka-python", "confluent-kafka", "keras", "tensorflow", "numpy", "numba", "onnxruntime"),
    "orjson",
)
_FACTS: Final = re.compile(r"^(model name)\s*:\s*(.+)$", re.MULTILINE)

TEXT: Final = """\
# How it was measured
- Machine: {cores} cores ({processor}), {memory:.0f} GiB, {system}. Load when it began: {load}.
- Python {python}; {libraries}. Peers: {peers}.
- {date}, scale {scale:g}, {rounds} rounds; figures are medians of the rounds, in brackets the least
  and the greatest. In each round every contestant runs once, one after the other, so that a slow
  hour meets all alike. Ratios are between medians of the same run.
- One Kafka node ({partitions} partitions a topic) runs on the same cores; all verdicts are
  published (evidence from `suspicious` on, as by default, where nothing else is said). The input
  topic is full before a worker starts. A worker is measured from two seconds after its first
  verdicts, of several replicas after all of them have partitions, for {seconds:.0f} seconds by what
  arrives on its verdict topic; CPU time is that of its processes and of the node in the same span.
- Of the events about one in eight is suspicious or worse, and gets evidence; telemetry has some in
  a hundred. Peers give none: what is like theirs is "no evidence".
- Events are distinct: hosts and paths of the {real_urls} real URLs in deploy/sample put together
  anew, each pair once, and folders and names of its paths; its pages get a number each. No text is
  judged twice by one worker.
- Peers get the same topics. Quix Streams gathers windows of 1,024 events a key on one key a
  partition, without changelog topics, and judges with `predict_on_batch`; loops poll 1,024 records
  at a time with kafka-python. The plain network is that of the talk (100 characters), with its
  first weights.
- A start is a process of its own, from the command on: to the end of `weir score url TEXT`, and to
  a worker whose model is warm. Compiled loops and byte code are on disk from before.
- On a GPU as many threads as cores take distinct batches in turn and judge each from its strings
  on, by one engine. Replicas have a core's share of threads each, and a limit of memory.
- Latency is the time of appending on the verdict topic, which the node stamps, minus the time
  of producing, which the verdict states; batches close after 10 ms. The load is sent by one more
  process on the same cores, a few events to a partition every two milliseconds.
"""


def about(scale: float, rounds: int, seconds: float, options: str) -> dict[str, Any]:
    """The facts of this run."""
    found = dict(_FACTS.findall(_read("/proc/cpuinfo")))
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "options": options,
        "scale": scale,
        "rounds": rounds,
        "seconds": seconds,
        "cores": cores_here(),
        "processor": found.get("model name", platform.machine()),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(part, 2) for part in os.getloadavg()],
        "libraries": {name: own for name in _DISTRIBUTIONS if (own := _version(name))},
        "peers": environment.versions(),
    }


def text(facts: dict[str, Any], *, partitions: int, real_urls: int) -> str:
    """For people."""
    listed = {
        key: ", ".join(f"{name} {version}" for name, version in facts[key].items())
        for key in ("libraries", "peers")
    }
    return TEXT.format(
        cores=facts["cores"],
        processor=facts["processor"],
        memory=facts["memory_gib"],
        system=facts["system"],
        load=" ".join(map(str, facts["load"])),
        python=facts["python"],
        date=facts["date"],
        scale=facts["scale"],
        rounds=facts["rounds"],
        seconds=facts["seconds"],
        partitions=partitions,
        real_urls=real_urls,
        **listed,
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""
