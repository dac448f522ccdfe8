"""Run one Kafka node in the foreground, for trials and tests.

    python deploy/kafka/launcher.py fetch
    python deploy/kafka/launcher.py run --port 9092

`run` prints one line once the node serves, ``serving 127.0.0.1:9092 process 4711``, and then
waits for SIGTERM or Ctrl-C. Storage goes to a temporary folder that is removed at the end, unless
``--data-dir`` names one, which is kept and used again.

Exit codes: 0 stopped as asked, 1 the node failed, 2 usage, 3 Maven is missing, 4 Java is missing,
5 the jars could not be fetched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from artefacts import LauncherError, fetch_jars, find_java
from node import HOST, Node, NodeFailedError, NodeSettings, free_port, parent_is

# Between choosing a free port and binding it another process may take it.
START_ATTEMPTS = 3
WATCH_SECONDS = 0.5


class StopRequestedError(Exception):
    """SIGTERM, SIGINT or SIGHUP arrived."""


def main() -> int:
    """Parse the command line, do it, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch Kafka's jars through Maven, once; check for Java")
    run = commands.add_parser("run", help="run a node until interrupted")
    run.add_argument("--port", type=int, default=9092, help="port for clients; 0 picks a free one")
    run.add_argument("--data-dir", type=Path, help="keep storage here instead of a temporary one")
    run.add_argument("--heap", default="512m", help="Java heap (default 512m)")
    run.add_argument(
        "--set",
        dest="properties",
        metavar="NAME=VALUE",
        type=_property,
        action="append",
        default=[],
        help="a further broker property; may be repeated",
    )
    run.add_argument(
        "--with-parent",
        action="store_true",
        help="stop as well when the process that started this one is gone",
    )
    arguments = parser.parse_args()
    try:
        if arguments.command == "fetch":
            find_java()
            print(fetch_jars())
        else:
            _run(arguments)
    except LauncherError as error:
        print(f"kafka: {error}", file=sys.stderr)
        return error.exit_code
    except StopRequestedError:
        pass
    return 0


def _run(arguments: argparse.Namespace) -> None:
    parent = os.getppid() if arguments.with_parent else None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _request_stop)
    folder = arguments.data_dir or Path(tempfile.mkdtemp(prefix="kafka-"))
    try:
        node = _start(arguments, folder.resolve())
        try:
            print(f"serving {HOST}:{node.settings.port} process {node.process.pid}", flush=True)
            _watch(node, parent)
        finally:
            node.stop()
    finally:
        if arguments.data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)


def _start(arguments: argparse.Namespace, folder: Path) -> Node:
    java, jars = find_java(), fetch_jars()
    attempts = START_ATTEMPTS if arguments.port == 0 else 1
    while True:
        attempts -= 1
        settings = NodeSettings(
            java=java,
            jars=jars,
            folder=folder,
            port=arguments.port or free_port(),
            heap=arguments.heap,
            properties=dict(arguments.properties),
        )
        try:
            return _start_once(settings)
        except NodeFailedError:
            if not attempts:
                raise


def _start_once(settings: NodeSettings) -> Node:
    node = Node.start(settings)
    try:
        node.await_serving()
    except BaseException:
        node.stop()
        raise
    return node


def _watch(node: Node, parent: int | None) -> None:
    """Return when the parent is gone; raise when the node is."""
    while parent is None or parent_is(parent):
        try:
            code = node.process.wait(WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        raise NodeFailedError(f"Kafka ended by itself (exit code {code}):\n{node.log_tail()}")


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not cut the stop short, or the node and its folder would be left over.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise StopRequestedError


def _property(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
