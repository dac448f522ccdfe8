from __future__ import annotations

import pytest

from models.training import publishing


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Artefacts alone: pictures take longer than the training."""
    monkeypatch.setattr(publishing, "tell", lambda *_args, **_named: None)
