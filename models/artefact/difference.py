"""What tells one artefact from another, for whoever decides between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.artefact.artefact import Artefact


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two artefacts differ.

    Attributes:
        what: Its name, parts divided by ``.``: ``network.filters``, ``thresholds.malicious.logit``.
        before: What the first says; None if it says nothing.
        after: What the second says.
    """

    what: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorDifference:
    """A tensor that is not the same in both.

    Attributes:
        name: Of the tensor.
        before: Its shape in the first; None if it has none of that name.
        after: Its shape in the second.
        largest: Largest difference of two weights where the shapes are the same.
        changed: Share of the weights that differ, where the shapes are the same.
    """

    name: str
    before: tuple[int, ...] | None
    after: tuple[int, ...] | None
    largest: float | None = None
    changed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of the reports, side by side.

    Attributes:
        slice: Of the test split: ``all``, or a group and a name as in ``kinds.collected``.
        figure: ``area``, ``detected at 0.001``, ``false positives, malicious``, ...
        before: In the first artefact's manifest; None if it was not measured.
        after: In the second's.
    """

    slice: str
    figure: str
    before: float | None
    after: float | None


def settings_changed(before: Artefact, after: Artefact) -> list[Difference]:
    """What the manifests say otherwise of network, featuriser, calibration and thresholds."""
    told = [dict(_leaves(_settings(artefact))) for artefact in (before, after)]
    return [
        Difference(what=what, before=told[0].get(what), after=told[1].get(what))
        for what in dict.fromkeys((*told[0], *told[1]))
        if told[0].get(what) != told[1].get(what)
    ]


def _settings(artefact: Artefact) -> dict[str, Any]:
    manifest = artefact.manifest
    return {
        "name": artefact.name,
        "version": artefact.version,
        "detector": artefact.detector.name,
        "digest": artefact.digest,
        "created_at": manifest.get("created_at"),
        "format": manifest["format"],
        "precision": manifest.get("precision", "float32"),
        "parameters": artefact.sizes.weights,
        "network": dict(artefact.sizes.parameters),
        "featuriser": dict(manifest["featuriser"]),
        "calibration": artefact.calibration.as_json(),
        "thresholds": asdict(artefact.thresholds),
        "golden subjects": len(artefact.golden),
        "data": manifest.get("data"),
        "training": _without_epochs(manifest.get("training")),
    }


def _without_epochs(training: object) -> object:
    """How it was trained, without what every epoch gave."""
    if not isinstance(training, Mapping):
        return training
    return {key: value for key, value in training.items() if key != "epochs"}


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, Any]]:
    """Everything below a value that is no object, by its name."""
    if not isinstance(value, Mapping):
        yield name, value
        return
    for key, one in value.items():
        yield from _leaves(one, f"{name}.{key}" if name else str(key))


def tensors_changed(before: Artefact, after: Artefact) -> list[TensorDifference]:
    """Tensors that are not the same, as they are computed with (float32)."""
    changed = []
    for name in sorted({*before.tensors, *after.tensors}):
        old, new = before.tensors.get(name), after.tensors.get(name)
        if old is None or new is None or old.shape != new.shape:
            shapes = [None if one is None else one.shape for one in (old, new)]
            changed.append(TensorDifference(name=name, before=shapes[0], after=shapes[1]))
        elif not np.array_equal(old, new):
            changed.append(
                TensorDifference(
                    name=name,
                    before=old.shape,
                    after=new.shape,
                    largest=float(np.abs(new - old).max()),
                    changed=float(np.mean(new != old)),
                )
            )
    return changed


def figures(before: Artefact, after: Artefact) -> list[Figure]:
    """Areas, detection at false-positive rates, and shares at the thresholds, of all slices.

    Of the test splits, as each artefact's manifest tells them; nothing of that is checked by
    loading, and what is no number is taken as not measured.
    """
    told = [dict(_measured(artefact)) for artefact in (before, after)]
    return [
        Figure(slice=at[0], figure=at[1], before=told[0].get(at), after=told[1].get(at))
        for at in dict.fromkeys((*told[0], *told[1]))
    ]


def _measured(artefact: Artefact) -> Iterator[tuple[tuple[str, str], float]]:
    metrics = artefact.manifest.get("metrics")
    if isinstance(metrics, Mapping):
        yield from _slices(metrics.get("test"), "")


def _slices(value: object, name: str) -> Iterator[tuple[tuple[str, str], float]]:
    if not isinstance(value, Mapping):
        return
    if "detection" in value:
        for figure, number in _figures(value):
            if isinstance(number, float | int) and not isinstance(number, bool):
                yield (name, figure), float(number)
        return
    for key, one in value.items():
        yield from _slices(one, f"{name}.{key}" if name else str(key))


def _figures(part: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield "area", part.get("area")
    for rate, share in _objects(part.get("detection")):
        yield f"detected at {rate}", share.get("share")
    for label, at in _objects(part.get("at")):
        for key, share in _objects(at):
            yield f"{key.replace('_', ' ')}, {label}", share.get("share")


def _objects(value: object) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return []
    return [(str(key), one) for key, one in value.items() if isinstance(one, Mapping)]
