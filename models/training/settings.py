"""What decides the weights of a training, beside its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from models.training.batches import BatchPlan
from models.training.data import Columns
from models.training.policy import FitPolicy
from models.training.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Settings of one training.

    Attributes:
        recipe: Sizes, featuriser, what is done to rows.
        seed: Of the initial weights and of dropout; the order of rows has its own in ``plan``.
        policy: How long and how fast.
        plan: How rows become batches.
        columns: Which columns of the data hold what.
        teachers: Digests of the artefacts whose scores are learned beside the labels.
        distillation: Weight of the teachers' scores in the targets, 0 to 1; labels have the rest.
        invented: Texts that the recipe invents for the teachers to judge, a row of train.
        judged: SHA-256 of a file of a teacher's logits; "" for none.
        deterministic: Whether operations that may round differently from run to run are refused.
    """

    recipe: Recipe
    seed: int = 0
    policy: FitPolicy
    plan: BatchPlan = field(default_factory=BatchPlan)
    columns: Columns = field(default_factory=Columns)
    teachers: tuple[str, ...] = ()
    distillation: float = 0.5
    invented: float = 0.0
    judged: str = ""
    deterministic: bool = False

    @classmethod
    def of(cls, recipe: Recipe, **given: Any) -> TrainingSettings:
        """The recipe's own settings but for what is given."""
        own: Mapping[str, Any] = {
            "policy": recipe.policy,
            "plan": recipe.plan,
            "columns": recipe.columns,
        }
        return cls(recipe=recipe, **{**own, **given})

    def record(self, fingerprint: str) -> dict[str, object]:
        """All of it and the data's SHA-256, as JSON takes it."""
        return {
            "data_sha256": fingerprint,
            **self.recipe.record,
            "seed": self.seed,
            "policy": asdict(self.policy),
            "plan": asdict(self.plan),
            "columns": asdict(self.columns),
            "teachers": list(self.teachers),
            "distillation": self.distillation,
            "invented": self.invented,
            "deterministic": self.deterministic,
            # Named where there is one: work folders of before know none.
            **({"judged": self.judged} if self.judged else {}),
        }
