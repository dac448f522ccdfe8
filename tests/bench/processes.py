"""What processes take: CPU time and memory, as Linux tells them in /proc."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name in brackets, from 0: user and system time in ticks.
_USER, _SYSTEM = 11, 12


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that these processes have taken so far, all their threads together."""
    return sum(_of_stat(f"/proc/{pid}/stat") for pid in pids)


def resident_mb(pid: int) -> float:
    """Memory of a process now, MiB."""
    return _of_status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most memory that a process has had, MiB."""
    return _of_status(pid, "VmHWM")


def hold(pid: int, held: bool) -> None:
    """Let a process stand still, or go on."""
    os.kill(pid, signal.SIGSTOP if held else signal.SIGCONT)


class Running:
    """Processes that end with this context, each with its output in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._names: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> int:
        """Start a process; return its number."""
        journal = self._folder / f"{name}.log"
        with journal.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        self._processes.append(process)
        self._names.append(journal)
        return process.pid

    def check(self) -> None:
        """See that none has ended.

        Raises:
            RuntimeError: one has; the message has the end of its output.
        """
        for process, journal in zip(self._processes, self._names, strict=True):
            if process.poll() is not None:
                told = journal.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{journal.stem} ended with {process.returncode}:\n{told}")


def _of_stat(path: str) -> float:
    fields = Path(path).read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS


def _of_status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/status does not tell {name}")
