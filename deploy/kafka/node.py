"""One Kafka node, broker and controller in one process (KRaft), on the loopback interface."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artefacts import LauncherError

HOST = "127.0.0.1"

# A start takes 3 to 4 seconds on an idle machine; on a busy one it may be many times that.
START_SECONDS = 120.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.1

LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
"""

# Not Kafka's: listeners beside ours, as `listeners` has them (tests of authentication use it).
EXTRA_LISTENERS = "extra.listeners"

# prctl(2): the signal that this process gets when its parent dies.
PR_SET_PDEATHSIG = 1


class NodeFailedError(LauncherError):
    """The node did not start, or went away by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """How to run the node.

    Attributes:
        java: Java executable.
        jars: Folder of Kafka's jars.
        folder: Where storage, settings and the node's own log go.
        port: Port for clients.
        heap: Java heap, as ``-Xmx`` takes it.
        properties: Further broker properties; they win over ours.
    """

    java: str
    jars: Path
    folder: Path
    port: int
    heap: str = "512m"
    properties: Mapping[str, str] = field(default_factory=dict)


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def taken(port: int) -> bool:
    """Whether something listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def broker_properties(settings: NodeSettings) -> dict[str, str]:
    """The node's ``server.properties``.

    Replication factors are 1, as there is one node. Groups form without the usual delay and may
    use short sessions, and a node that was killed registers again soon: for tests and trials.
    """
    controller = free_port()
    properties = dict(settings.properties)
    listeners = [
        f"PLAINTEXT://{HOST}:{settings.port}",
        *filter(None, [properties.pop(EXTRA_LISTENERS, "")]),
    ]
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": (
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,"
            "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"
        ),
        "listeners": ",".join([*listeners, f"CONTROLLER://{HOST}:{controller}"]),
        "advertised.listeners": ",".join(listeners),
        "log.dirs": str(settings.folder / "data"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # The controller refuses a restarted broker until the session of its old self has ended.
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "2000",
        # The default of 128 MiB would take a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        **properties,
    }


class Node:
    """A running node; made by `Node.start`, ended by `stop`."""

    def __init__(self, settings: NodeSettings, process: subprocess.Popen[bytes]) -> None:
        self.settings = settings
        self.process = process

    @classmethod
    def start(cls, settings: NodeSettings) -> Node:
        """Format the storage where that was not done yet, and start the node.

        Raises:
            NodeFailedError: the port is taken, or the storage cannot be formatted.
        """
        if taken(settings.port):
            # The node would end, and whoever asks whether it serves would hear the other one.
            raise NodeFailedError(f"something listens on {HOST}:{settings.port} already")
        folder = settings.folder
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        lines = [f"{key}={value}" for key, value in broker_properties(settings).items()]
        (folder / "server.properties").write_text("\n".join(lines) + "\n")
        (folder / "log4j2.properties").write_text(LOGGING)
        if not (folder / "data" / "meta.properties").exists():
            _format_storage(settings)
        command = _java(settings, f"-Xmx{settings.heap}", "-XX:+UseSerialGC")
        with (folder / "broker.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "kafka.Kafka", str(folder / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C at the terminal is for the launcher, which then stops the node.
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # the launcher has one thread
            )
        return cls(settings, process)

    def await_serving(self) -> None:
        """Return once the node answers a metadata request and names itself as a live broker.

        Raises:
            NodeFailedError: it exited, or did not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while not _serves(self.settings.port):
            if self.process.poll() is not None:
                raise NodeFailedError(f"Kafka ended while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise NodeFailedError(
                    f"Kafka did not answer within {START_SECONDS:.0f} s:\n{self.log_tail()}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask the node to shut down; kill it where it does not within a bounded time."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.process.kill()
        self.process.wait()

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of the node's own log."""
        text = (self.settings.folder / "broker.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def _format_storage(settings: NodeSettings) -> None:
    # Kafka's UUIDs are 22 characters of URL-safe base64, and may not look like an option.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "_")
    arguments = ["format", "-t", cluster, "-c", str(settings.folder / "server.properties")]
    command = _java(settings, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    answer = subprocess.run(
        [*command, "kafka.tools.StorageTool", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise NodeFailedError(f"Kafka's storage was not formatted:\n{answer.stdout}{answer.stderr}")


def _java(settings: NodeSettings, *options: str) -> list[str]:
    return [
        settings.java,
        *options,
        f"-Dlog4j2.configurationFile={settings.folder / 'log4j2.properties'}",
        # Compression codecs unpack native libraries there; so they go when the folder goes.
        f"-Djava.io.tmpdir={settings.folder / 'tmp'}",
        "-cp",
        f"{settings.jars}/*",
    ]


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the launcher dies, even by SIGKILL (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _serves(port: int) -> bool:
    """Whether a Metadata request (version 4, no topics) is answered with at least one broker.

    An open port is not enough: requests are taken before the controller has let the broker in,
    and until then it is not in the metadata.
    """
    # api_key 3, api_version 4, correlation_id, null client_id, topics [], no auto-creation
    request = struct.pack(">hhihi?", 3, 4, 1, -1, 0, False)
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                (size,) = struct.unpack(">i", stream.read(4))
                _correlation, _throttle, brokers = struct.unpack(">iii", stream.read(size)[:12])
    except (OSError, struct.error):
        return False
    return bool(brokers > 0)


def parent_is(pid: int) -> bool:
    """Whether our parent is still the process it was."""
    return os.getppid() == pid
