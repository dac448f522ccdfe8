"""The real broker that tests marked `kafka` share: one node for the whole session.

Where none can be run these tests are left out, and the summary says so; with CI=true that is a
failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.broker.node import RunningNode, missing

if TYPE_CHECKING:
    from tests.broker.secured import SecuredNode

_LEFT_OUT = pytest.StashKey[tuple[int | str, str | None]]()


def pytest_configure(config: pytest.Config) -> None:
    # kafka-python 3.0.12 reads its schemas in a way that Python 3.11 and 3.12 deprecated, and 3.13
    # took back.
    for function in ("open_text", "read_text"):
        config.addinivalue_line(
            "filterwarnings", f"ignore:{function} is deprecated:DeprecationWarning"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_kafka = [item for item in items if item.get_closest_marker("kafka")]
    if not on_kafka or config.option.collectonly:
        return
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI", "").lower() == "true":
        raise pytest.UsageError(f"CI=true, and the tests on Kafka cannot run: {reason}")
    config.stash[_LEFT_OUT] = (len(on_kafka), reason)
    config.hook.pytest_deselected(items=on_kafka)
    items[:] = [item for item in items if not item.get_closest_marker("kafka")]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count, reason = config.stash.get(_LEFT_OUT, ("THE", None))
    if reason is None and getattr(config.option, "numprocesses", None):
        # They were left out by other processes, each of which knows of its own.
        reason = missing()
    if reason is None:
        return
    terminalreporter.section(f"{count} TESTS ON KAFKA WERE LEFT OUT", sep="!", red=True, bold=True)
    terminalreporter.line(reason)


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[RunningNode]:
    node = RunningNode("--port", "0")
    yield node
    node.stop()


@pytest.fixture(scope="session")
def secured_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredNode]:
    # Not above: it imports the client, whose warnings are let through only by then.
    from tests.broker.secured import SecuredNode  # noqa: PLC0415

    node = SecuredNode(tmp_path_factory.mktemp("secured"))
    yield node
    node.stop()
