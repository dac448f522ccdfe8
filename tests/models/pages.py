"""An artefact of a small random network of pages."""

from __future__ import annotations

from pathlib import Path

from models import artefact
from models.detectors import HTML
from models.html.featuriser import PageFeaturiser
from models.html.tables import PagesTablesEngine
from tests.models.html import reference
from tests.models.networks import CALIBRATION, THRESHOLDS


def save_pages(folder: Path) -> list[tuple[str | bytes, float]]:
    """An artefact of pages; returns its golden ones."""
    tensors = reference.random_tensors(reference.SMALL)
    pages = [b"", b"\x00\xff", "<p>Ж".encode(), *reference.PAGES.values()][:6]
    logits = PagesTablesEngine(reference.SMALL, tensors).logits(PageFeaturiser()(pages))
    golden: list[tuple[str | bytes, float]] = list(zip(pages, logits.tolist(), strict=True))
    artefact.save(
        folder,
        detector=HTML,
        name="html",
        version=1,
        sizes=reference.SMALL,
        featuriser=PageFeaturiser(),
        calibration=CALIBRATION,
        thresholds=THRESHOLDS,
        tensors=tensors,
        golden=golden,
        history={},
    )
    return golden
