"""What training needs of a detector beyond the row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from models.features import Featuriser
from models.sizes import Sizes
from models.training.batches import BatchPlan
from models.training.data import Columns, Labelled
from models.training.policy import FitPolicy

Change = Callable[[str], str]
Batch = tuple[Any, NDArray[np.float32], NDArray[np.float32]]
"""Inputs, targets float32[n, 1], weights float32[n]."""


class Trainee(Protocol):
    """A network in training."""

    @property
    def network(self) -> keras.Model:
        """What is fitted and checkpointed."""
        ...

    def epoch(self, rows: Labelled, plan: BatchPlan, number: int) -> Iterator[Batch]:
        """Batches of one epoch; the same whenever they are asked for."""
        ...

    def logits(self, subjects: Sequence[Any]) -> NDArray[np.float32]:
        """Logits float32[n] of n subjects with the weights as they are."""
        ...

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """The weights as the artefact stores them, float32, by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a detector is trained; all of it can be given otherwise.

    Attributes:
        sizes: Of the network.
        featuriser: What it sees.
        policy: How long and how fast.
        plan: How rows become batches.
        trainee: Makes the network, given sizes, featuriser and seed.
        golden: Subjects whose logits an artefact carries, given the featuriser.
        columns: Of the data, by its names.
        additions: What to test a network with that only looks harmless, by name.
        changes: What to test it with that carries no meaning, by name.
        set_apart: Further columns by which figures are given, from the rows; "" for rows to leave
            out.
        invent: Makes texts of those given, so many and by a seed, for teachers to judge; None where
            there is no way to.
        spell: What a code of the featuriser stands for, and its group, for pictures; None where
            there are no codes.
        plain: Sizes of the plain network of the paper, to compare with; None for none.
        plain_trainee: Makes that network, if another way than ``trainee``.
        variants: The recipe with one thing changed, by name, to see what that thing is worth.
    """

    sizes: Sizes
    featuriser: Featuriser
    policy: FitPolicy
    plan: BatchPlan
    trainee: Callable[[Any, Any, int], Trainee]
    golden: Callable[[Any], Sequence[str | bytes]]
    columns: Columns = field(default_factory=Columns)
    additions: Mapping[str, Change] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    set_apart: Callable[[Labelled], Mapping[str, Sequence[str]]] = lambda rows: rows.apart
    invent: Callable[[Sequence[str], int, int], list[str]] | None = None
    spell: Callable[[int], tuple[str, str]] | None = None
    plain: Sizes | None = None
    plain_trainee: Callable[[Any, Any, int], Trainee] | None = None
    variants: Mapping[str, Callable[[Recipe], Recipe]] = field(default_factory=dict)

    @property
    def record(self) -> Mapping[str, object]:
        """Sizes and featuriser, as JSON takes them."""
        return {"network": self.sizes.parameters, "featuriser": self.featuriser.parameters}
