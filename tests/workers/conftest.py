"""Judges for all: the weights of the package, and small ones, on the engine that starts fastest."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.artefact import Artefact, load
from models.detectors import URL
from tests.workers.artefacts import save_pages, save_paths
from workers.judge import Judge
from workers.settings.policies import EvidencePolicy


@pytest.fixture(scope="session")
def artefact() -> Artefact:
    return load(URL.bundled)


@pytest.fixture(scope="session")
def judge(artefact: Artefact) -> Judge:
    return Judge(artefact, artefact.engine("tables"), EvidencePolicy())


@pytest.fixture(scope="session")
def page_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_pages(tmp_path_factory.mktemp("models") / "html")


@pytest.fixture(scope="session")
def path_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_paths(tmp_path_factory.mktemp("models") / "path")
