"""A Fishweir worker that writes down, once a second, what CPU time each of its threads has taken.

python -m tests.bench.observed_worker FILE work url ...
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Final

PERIOD_S: Final = 1.0
OTHERS: Final = "libraries' own threads"


def thread_seconds() -> dict[str, float]:
    """CPU time by the thread's name, so far; of threads that Python knows, and of the others."""
    seconds: dict[str, float] = {}
    for thread in threading.enumerate():
        if thread.ident is None:
            continue
        try:
            took = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        except OSError:
            continue  # it has just ended
        name = thread.name.rstrip("0123456789-_")
        seconds[name] = seconds.get(name, 0.0) + took
    seconds[OTHERS] = time.process_time() - sum(seconds.values())
    return seconds


def _watch(file: Path) -> None:
    while True:
        written = file.with_suffix(".new")
        written.write_text(json.dumps(thread_seconds()))
        written.replace(file)
        time.sleep(PERIOD_S)


def main() -> None:
    file = Path(sys.argv.pop(1))
    threading.Thread(target=_watch, args=(file,), name="watching", daemon=True).start()
    from workers.cli.main import main as weir  # noqa: PLC0415 - is watched from its first moment

    weir()


if __name__ == "__main__":
    main()
