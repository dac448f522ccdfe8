from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.networks import save_artefact


@pytest.fixture
def artefact_folder(tmp_path: Path) -> Path:
    """An artefact to do anything to."""
    folder = tmp_path / "artefact"
    save_artefact(folder)
    return folder
