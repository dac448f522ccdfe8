"""A Kafka node for tests, run by the launcher of deploy/kafka."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).parents[2] / "deploy" / "kafka" / "launcher.py"


class RunningNode:
    """A node in a process of its own; ends with it, or with the tests."""

    def __init__(self, *options: str) -> None:
        self.launcher = subprocess.Popen(
            [sys.executable, str(LAUNCHER), "run", "--with-parent", *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        # "serving 127.0.0.1:40123 process 4711", or nothing when it failed.
        words = self._stdout().readline().split()
        if words[:1] != ["serving"]:
            raise RuntimeError(f"Kafka did not start (exit code {self.launcher.wait()})")
        self.bootstrap_servers = words[1]
        self.port = int(words[1].rpartition(":")[2])
        self.broker_pid = int(words[3])

    def stop(self) -> int:
        """Ask it to stop; return the launcher's exit code."""
        self.launcher.terminate()
        return self._ended()

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        self.launcher.kill()
        self._ended()

    def _ended(self) -> int:
        code = self.launcher.wait(60)
        self._stdout().close()
        return code

    def _stdout(self) -> IO[str]:
        assert self.launcher.stdout is not None
        return self.launcher.stdout


def missing() -> str | None:
    """Why no node can be run here; None if one can. Fetches the jars the first time."""
    answer = subprocess.run(
        [sys.executable, str(LAUNCHER), "fetch"], capture_output=True, text=True, check=False
    )
    return None if answer.returncode == 0 else answer.stderr.strip()
