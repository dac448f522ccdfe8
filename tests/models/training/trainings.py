"""Recipes small enough to train in seconds, data for them, and an observer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from models.characters.architecture import CharacterConvolutions, without_grams
from models.detectors import DETECTORS, Detector, named
from models.html.architecture import InspectorSizes
from models.training.batches import BatchPlan
from models.training.policy import EpochReport, FitPolicy
from models.training.recipe import Recipe
from models.training.run import Trained, train
from models.training.settings import TrainingSettings

Row = dict[str, object]
COUNTS = {"train": 600, "validation": 300, "test": 200}
SMALL = {
    "url": {"embedding": 6, "filter_widths": (2, 4), "filters": 12, "dense": (16,)},
    "path": {"embedding": 6, "filter_widths": (2, 4), "filters": 12, "dense": (16,)},
}
GRAMS: dict[str, Any] = {"gram_orders": (2, 3), "gram_buckets": 64, "gram_units": 3}


def recipe(detector: str) -> Recipe:
    """The detector's own, with a tiny network and few steps."""
    own: Recipe = named(DETECTORS[detector].recipe)
    policy = FitPolicy(epochs=3, learning_rate=0.02, warm_up=4, chosen_rate=0.01)
    plan = BatchPlan(size=64)
    if detector == "html":
        sizes = InspectorSizes(inspector=(12,), master=(8,))
        return replace(own, sizes=sizes, policy=policy, plan=replace(plan, size=16), variants={})
    assert isinstance(own.sizes, CharacterConvolutions)
    small: dict[str, Any] = SMALL[detector]
    characters = replace(own.sizes, **small, **GRAMS)
    return replace(
        own,
        sizes=characters,
        plain=without_grams(characters),
        featuriser=replace(own.featuriser, width=48),  # type: ignore[type-var]
        policy=policy,
        plan=plan,
        variants={
            "without n-grams": lambda own: replace(own, sizes=without_grams(characters)),
            "slower": lambda own: replace(own, policy=replace(own.policy, learning_rate=1e-4)),
        },
    )


def settings(detector: str = "url", **given: Any) -> TrainingSettings:
    return TrainingSettings.of(recipe(detector), **given)


class Witness:
    """Keeps what it is told, and interrupts when it is asked to."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.stages: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.epochs: list[EpochReport] = []
        self._interrupt_at = interrupt_at

    def stage(self, what: str) -> None:
        self.stages.append(what)

    def step(self, done: int, steps: int, loss: float) -> None:
        self.steps.append((done, steps))
        if done == self._interrupt_at:
            raise KeyboardInterrupt

    def epoch(self, ended: EpochReport) -> None:
        self.epochs.append(ended)


def rows(detector: str, count: int, seed: int) -> list[Row]:
    """Malicious ones have a telltale word, mostly."""
    random = np.random.default_rng(seed)
    made = []
    for number, label in enumerate(random.integers(0, 2, count).tolist()):
        word = "login" if label and random.random() < 0.95 else "index"
        letters = "".join(random.choice(list("abcdefgh"), int(random.integers(3, 20))).tolist())
        source = (f"feed-{number % 2}") if label else ("links:a", "telemetry:b")[number % 3 > 1]
        row: Row = {"label": label, "source": source}
        row |= _SUBJECTS[detector](word, letters, number)
        made.append(row)
    return made


def _url(word: str, letters: str, number: int) -> Row:
    return {
        "text": f"http://{letters}.example/{word}{number}",
        "domain": f"{letters}.example",
        "first_seen": f"{2023 + number % 3}-05-06",
    }


def _path(word: str, letters: str, number: int) -> Row:
    kind = "registry" if number % 4 == 0 else "file"
    start = "HKCU\\Software" if kind == "registry" else "C:\\Program Files"
    return {
        "text": f"{start}\\{letters}\\{word}{number}.exe",
        "kind": kind,
        "synthetic": number % 5 == 0,
        "matched": number % 3 == 0,
        "group": letters,
    }


def _page(word: str, letters: str, number: int) -> Row:
    told = " ".join([letters, *(["please", word, "here"] * 12), str(number)])
    return {
        "html": b"\xff<html><p>" + told.encode() + b"</p></html>",
        "matched": number % 3 == 0,
        "date": f"{2020 + number % 4}",
    }


_SUBJECTS = {"url": _url, "path": _path, "html": _page}


def write(path: Path, made: Sequence[Mapping[str, object]]) -> Path:
    pyarrow.parquet.write_table(pa.Table.from_pylist([dict(row) for row in made]), path)
    return path


def data_for(detector: str, folder: Path) -> Path:
    """A file with all three splits."""
    share = 4 if detector == "html" else 1
    return write(
        folder / f"{detector}.parquet",
        [
            {**row, "split": split}
            for seed, (split, count) in enumerate(COUNTS.items())
            for row in rows(detector, count // share, seed)
        ],
    )


def trained(
    data: Path,
    folder: Path,
    *,
    detector: str = "url",
    observer: Witness | None = None,
    own: TrainingSettings | None = None,
    output: str = "artefact",
    **further: Any,
) -> Trained:
    known: Detector = DETECTORS[detector]
    return train(
        data,
        detector=known,
        output=folder / output,
        work=folder / "work",
        settings=own or settings(detector),
        observer=observer or Witness(),
        name="small",
        version=4,
        **further,
    )


def deterministic_digests(data: Path, folder: Path, interrupt_at: int | None) -> list[str]:
    """Digests of artefact and weights of a deterministic training, for a process of its own.

    TensorFlow does not let go of determinism once it is asked for.
    """
    own = settings(deterministic=True)
    if interrupt_at is not None:
        with suppress(KeyboardInterrupt):
            trained(data, folder, own=own, observer=Witness(interrupt_at))
    done = trained(data, folder, own=own)
    return [done.digest, (done.folder / "weights.safetensors").read_bytes().hex()]
