"""What the bench, the shadow and the look-out for drift tell of themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.engines.contract import EngineDescription
from schemas.verdict import Model
from workers.metrics import catalogue
from workers.metrics.series import Series


class Role(StrEnum):
    """What a model is there for; the label ``role``."""

    SERVICE = "service"
    SHADOW = "shadow"
    CANARY = "canary"


class Refusal(StrEnum):
    """Why a model was refused; the label ``refusal``."""

    DIGEST = "digest"
    SIGNATURE = "signature"
    SHAPE = "shape"
    GOLDEN = "golden"
    DETECTOR = "detector"
    REGISTRY = "registry"
    MEMORY = "memory"
    OTHER = "other"


class Beside(StrEnum):
    """What became of what a shadow was offered; the label ``outcome``."""

    JUDGED = "judged"
    DROPPED = "dropped"
    FAILED = "failed"


class Agreement(StrEnum):
    """How a shadow's label compares with that of the model in service; the label ``agreement``."""

    SAME = "same"
    NEWLY_MALICIOUS = "newly_malicious"
    NO_LONGER_MALICIOUS = "no_longer_malicious"
    OTHER = "other"


class Measure(StrEnum):
    """What drifts; the label ``measure``."""

    LOGITS = "logits"
    RARE = "rare"


class ServiceMeters:
    """Fills the catalogue's rows on models in service. Thread-safe.

    Args:
        series: Of the worker; one of its own by default.
        now: Seconds since the epoch.

    Attributes:
        series: As given.
    """

    def __init__(self, series: Series | None = None, now: Callable[[], float] = time.time) -> None:
        self.series = series or Series()
        self._now = now
        self._candidates: dict[Role, Model] = {}

    def in_service(self, model: Model, engine: EngineDescription) -> None:
        """This model judges from now on."""
        labels = (
            *(model.name, model.version, model.digest),
            *(engine.engine, engine.device, engine.library),
        )
        self.series.replace(catalogue.MODEL, {labels: 1})

    def swapped(self) -> None:
        """It has taken over from another."""
        self.series.add(catalogue.SWAPS, 1)
        self.series.put(catalogue.SWAPPED_AT, self._now())

    def watched(self, role: Role) -> None:
        """Models are looked for, and may be refused: told now, so that rates see the first."""
        self.series.add_all(
            catalogue.REFUSALS, {(role.value, refusal.value): 0 for refusal in Refusal}
        )

    def refused(self, role: Role, refusal: Refusal) -> None:
        """A model was refused."""
        self.series.add(catalogue.REFUSALS, 1, role.value, refusal.value)

    def canary(self, model: Model | None) -> None:
        """This model judges some keys; None: there is no canary."""
        self._candidate(Role.CANARY, model)

    def canary_failed(self) -> None:
        """A canary has failed."""
        self.series.add(catalogue.CANARY_FAILURES, 1)

    def shadow(self, model: Model | None) -> None:
        """This model looks on; None: there is no shadow."""
        self._candidate(Role.SHADOW, model)
        if model is not None:
            # From the start, so that rates see their first.
            self.series.add_all(catalogue.SHADOW_BATCHES, {(fate.value,): 0 for fate in Beside})
            self.series.add_all(catalogue.SHADOW_EVENTS, {(fate.value,): 0 for fate in Beside})
            self.series.add_all(catalogue.SHADOW_AGREEMENT, {(how.value,): 0 for how in Agreement})

    def shadowed(self, fate: Beside, events: int, *, batches: int = 1) -> None:
        """So much of what the shadow was offered has come to this."""
        self.series.add(catalogue.SHADOW_BATCHES, batches, fate.value)
        self.series.add(catalogue.SHADOW_EVENTS, events, fate.value)

    def agreed(self, counts: Mapping[Agreement, int], differences: NDArray[np.floating]) -> None:
        """The shadow and the model in service have judged the same events.

        Args:
            counts: Events by how their labels compare.
            differences: Float[n], of logits, 0 or more.
        """
        self.series.add_all(
            catalogue.SHADOW_AGREEMENT, {(how.value,): count for how, count in counts.items()}
        )
        self.series.observe(catalogue.SHADOW_DIFFERENCE, differences)

    def drifted(self, logits: float | None, rare: float | None, share: float | None) -> None:
        """How far the last events lie from the reference; None for what is not known (yet).

        Args:
            logits: Index of their distribution.
            rare: Index of the share of rare tokens.
            share: The share itself.
        """
        indexes = {(Measure.LOGITS.value,): logits, (Measure.RARE.value,): rare}
        self.series.replace(catalogue.DRIFT, {k: v for k, v in indexes.items() if v is not None})
        self.series.replace(catalogue.DRIFT_RARE, {} if share is None else {(): share})

    def _candidate(self, role: Role, model: Model | None) -> None:
        self._candidates.pop(role, None)
        if model is not None:
            self._candidates[role] = model
        self.series.replace(
            catalogue.CANDIDATE,
            {
                (kept.value, one.name, one.version, one.digest): 1
                for kept, one in self._candidates.items()
            },
        )
