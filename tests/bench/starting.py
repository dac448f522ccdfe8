"""How long a start takes: from the command to the first answer, and to a worker that is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from models.detectors import URL
from tests.bench.contestants import ROOT, quiet_environment
from tests.bench.results import Sample

PART: Final = "start"
_TEXT: Final = "https://www.blackhat.com"
_READY: Final = b"model loaded and warm"
# Nobody listens there: what is measured is over before a broker is asked for.
_NOWHERE: Final = "127.0.0.1:1"
_PEER: Final = "import tensorflow, nothing else"
_SLOWEST: Final = "keras"


def starts(rounds: int) -> Iterator[Sample]:
    """Every engine in turn, and the library that the plain way needs."""
    for number in range(rounds):
        for engine in URL.family.engines:
            values = {
                "s to an answer": _seconds("score", "url", "--engine", engine, _TEXT),
                "s to a warm worker": _seconds(
                    *("work", "url", "--engine", engine, "--bootstrap-servers", _NOWHERE),
                    until=_READY,
                ),
            }
            yield Sample(
                part=PART,
                subject="url",
                contestant=f"Fishweir, {engine}",
                round=number,
                values=values,
                baseline=engine == _SLOWEST,
            )
        yield Sample(
            part=PART,
            subject="url",
            contestant=_PEER,
            round=number,
            values={"s to an answer": _timed([sys.executable, "-c", "import tensorflow"])},
        )


def _seconds(*arguments: str, until: bytes | None = None) -> float:
    return _timed([sys.executable, "-m", "workers.cli", *arguments], until)


def _timed(command: list[str], until: bytes | None = None) -> float:
    """Seconds until a process ends well, or until a line of its journal tells so much.

    Raises:
        RuntimeError: it ended before, or badly.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **quiet_environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process:
        told = b""
        for line in process.stdout:
            told += line
            if until is not None and until in line:
                took = time.perf_counter() - began
                process.kill()
                return took
        process.wait()
        took = time.perf_counter() - began
    if until is not None or process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {told.decode(errors='replace')[-2000:]}")
    return took
