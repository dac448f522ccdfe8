"""One judge for all: the weights of the package on the engine that starts fastest."""

from __future__ import annotations

import pytest

from models.artefact import Artefact, load
from models.detectors import URL
from workers.judge import Judge
from workers.settings.policies import EvidencePolicy


@pytest.fixture(scope="session")
def artefact() -> Artefact:
    return load(URL.bundled)


@pytest.fixture(scope="session")
def judge(artefact: Artefact) -> Judge:
    return Judge(artefact, artefact.engine("tables"), EvidencePolicy())
