from __future__ import annotations

from pathlib import Path

import pytest

from models.registry import Registry
from tests.models.registry.stores import store


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with url@1, url@2 and url@3, none of them live."""
    return store(tmp_path / "models", versions=(1, 2, 3))
