"""What a manifest tells of how its weights came about, as JSON takes it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata

from models.training.data import Labelled
from models.training.evaluation import Evaluation
from models.training.policy import EpochReport, best
from models.training.settings import TrainingSettings

LIBRARIES = ("fishweir", "keras", "numba", "numpy", "pyarrow", "safetensors", "tensorflow")


def history(
    *,
    digest: str,
    rows: Mapping[str, Labelled],
    settings: TrainingSettings,
    epochs: Sequence[EpochReport],
    validation: Evaluation,
    test: Evaluation | None,
) -> dict[str, object]:
    """The manifest's keys beyond those that loading reads.

    Args:
        digest: SHA-256 of the data.
        rows: Rows of each split.
        settings: Of the training.
        epochs: One report an epoch.
        validation: Figures of the rows that chose.
        test: Figures of the rows that chose nothing.
    """
    metrics = {"validation": _figures(validation)}
    if test:
        metrics["test"] = _figures(test)
    return {
        **_created_at(settings),
        "parameters": settings.recipe.sizes.weights,
        "data": {
            "sha256": digest,
            "rows": {
                split: {"benign": part.benign, "malicious": part.malicious}
                for split, part in rows.items()
            },
        },
        "training": {
            "seed": settings.seed,
            "policy": asdict(settings.policy),
            "plan": asdict(settings.plan),
            "columns": asdict(settings.columns),
            "teachers": list(settings.teachers),
            "distillation": settings.distillation if settings.teachers or settings.judged else 0.0,
            "invented": settings.invented if settings.teachers else 0.0,
            **({"judged": settings.judged} if settings.judged else {}),
            "deterministic": settings.deterministic,
            "epochs": [_epoch(report) for report in epochs],
            "chosen_epoch": best(epochs, settings.policy).epoch,
        },
        "metrics": metrics,
        "libraries": _libraries(),
    }


def _created_at(settings: TrainingSettings) -> dict[str, str]:
    """The time now, or that of ``SOURCE_DATE_EPOCH`` (reproducible-builds.org).

    A deterministic training without that variable tells none: the manifest is part of the digest,
    which is to be the same tomorrow.
    """
    if stated := os.environ.get("SOURCE_DATE_EPOCH"):
        made = datetime.fromtimestamp(int(stated), UTC)
    elif settings.deterministic:
        return {}
    else:
        made = datetime.now(UTC)
    return {"created_at": made.isoformat(timespec="seconds")}


def _figures(evaluation: Evaluation) -> dict[str, object]:
    """Without single sources, feeds and years: the manifest is read at every start."""
    given = evaluation.as_json()
    return {
        name: given[name] for name in ("all", "kinds", "lower_cased", "columns") if given.get(name)
    }


def _epoch(report: EpochReport) -> dict[str, object]:
    return {**asdict(report), "detection": {str(k): v for k, v in report.detection.items()}}


def _libraries() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            # TensorFlow comes under several names, and not at all where Keras runs on JAX.
            continue
    return versions
