"""The judge's model for trials within this process."""

from __future__ import annotations

import pytest

from models.artefact import Artefact, load
from models.detectors import URL


@pytest.fixture(scope="session")
def artefact() -> Artefact:
    return load(URL.bundled)
