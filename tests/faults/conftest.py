"""The judge's model for trials within this process, and a broker behind a network of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.artefact import Artefact, load
from models.detectors import URL

if TYPE_CHECKING:
    from tests.faults.broker import Broker


@pytest.fixture(scope="session")
def artefact() -> Artefact:
    return load(URL.bundled)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    from tests.faults.broker import Broker  # noqa: PLC0415 - imports Kafka's client

    made = Broker(tmp_path / "broker")
    yield made
    made.close()
