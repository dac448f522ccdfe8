"""What decides the weights of a training, beside its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from models.characters.architecture import CharacterConvolutions
from models.training.batches import BatchPlan
from models.training.data import Columns
from models.training.policy import FitPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Settings of one training; the defaults are those of the bundled weights.

    Attributes:
        seed: Of the initial weights and of dropout; the order of rows has its own in ``plan``.
        width: Characters of a text that the network sees.
        sizes: Of the network.
        policy: How long and how fast.
        plan: How rows become batches.
        columns: Which columns of the data hold what.
    """

    seed: int = 0
    width: int = 160
    sizes: CharacterConvolutions = field(default_factory=CharacterConvolutions)
    policy: FitPolicy = field(default_factory=FitPolicy)
    plan: BatchPlan = field(default_factory=BatchPlan)
    columns: Columns = field(default_factory=Columns)

    def record(self, fingerprint: str) -> dict[str, object]:
        """All of it and the data's SHA-256, as JSON takes it."""
        return {"data_sha256": fingerprint, **asdict(self)}
