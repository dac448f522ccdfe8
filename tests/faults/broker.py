"""A broker that can be killed and started again, and a way to it that can be disturbed."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.broker.node import RunningNode
from tests.faults.proxy import HOST, Proxy


class Broker:
    """A node of its own, with two listeners: one direct, and one behind a proxy.

    Args:
        folder: Where it keeps its data over restarts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.proxy = Proxy()
        behind = Proxy().port  # a port that is free
        self._behind = behind
        self._port = Proxy().port
        self.node = self._start()
        self.proxy.start(behind)

    @property
    def direct(self) -> str:
        """Servers for whoever is not to be disturbed."""
        return f"{HOST}:{self._port}"

    @property
    def disturbed(self) -> str:
        """Servers behind the proxy."""
        return f"{HOST}:{self.proxy.port}"

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        self.node.kill()

    def start_again(self) -> None:
        """From what it has on disk."""
        self.node = self._start()

    def limit_files(self, size: int) -> None:
        """Let no file of the broker's grow beyond this from now on: what a full disk does."""
        resource.prlimit(self.node.broker_pid, resource.RLIMIT_FSIZE, (size, size))

    def close(self) -> None:
        """End broker and proxy."""
        self.proxy.close()
        self.node.kill()

    def _start(self) -> RunningNode:
        mapped = ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT", "PROXIED:PLAINTEXT"]
        properties = {
            "extra.listeners": f"PROXIED://{HOST}:{self._behind}",
            "advertised.listeners": (
                f"PLAINTEXT://{HOST}:{self._port},PROXIED://{HOST}:{self.proxy.port}"
            ),
            "listener.security.protocol.map": ",".join(mapped),
        }
        settings = [f"--set={name}={value}" for name, value in properties.items()]
        return RunningNode("--port", str(self._port), "--data-dir", str(self._folder), *settings)
