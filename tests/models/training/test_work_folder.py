from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import ResumeError
from models.training.batches import BatchPlan
from models.training.policy import FitPolicy
from models.training.settings import TrainingSettings
from models.training.work_folder import EPOCHS, RECORD, claim
from models.url.featuriser import UrlFeaturiser
from models.url.network import SIZES
from models.url.recipe import RECIPE

SETTINGS = TrainingSettings.of(RECIPE, plan=BatchPlan(), policy=FitPolicy())
DIGEST = "0" * 64


def test_the_same_training_may_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    claim(folder, SETTINGS.record(DIGEST))
    (folder / EPOCHS).write_text("[]")
    claim(folder, TrainingSettings.of(RECIPE, plan=BatchPlan(), policy=FitPolicy()).record(DIGEST))


@pytest.mark.parametrize(
    ("settings", "digest", "message"),
    [
        (SETTINGS, "1" * 64, "data_sha256 was '000.* and is now '111"),
        (replace(SETTINGS, seed=1), DIGEST, "seed was 0 and is now 1"),
        (replace(SETTINGS, plan=BatchPlan(size=7)), DIGEST, "plan.size was 1024 and is now 7"),
        (replace(SETTINGS, policy=FitPolicy(epochs=9)), DIGEST, "policy.epochs was 8"),
        (
            replace(SETTINGS, recipe=replace(RECIPE, sizes=replace(SIZES, dense=(8,)))),
            DIGEST,
            r"network.dense was \[512, 512\] and is now \[8\]",
        ),
        (
            replace(SETTINGS, recipe=replace(RECIPE, featuriser=UrlFeaturiser(width=7))),
            DIGEST,
            "featuriser.width was 192 and is now 7",
        ),
        (
            replace(SETTINGS, columns=replace(RECIPE.columns, group="host")),
            DIGEST,
            "columns.group was 'domain' and is now 'host'",
        ),
        (replace(SETTINGS, teachers=("ab",)), DIGEST, r"teachers was \[\] and is now \['ab'\]"),
        (replace(SETTINGS, distillation=0.9), DIGEST, "distillation was 0.5 and is now 0.9"),
        (replace(SETTINGS, deterministic=True), DIGEST, "deterministic was False"),
    ],
    ids=[
        "data",
        "seed",
        "batch size",
        "epochs",
        "network",
        "featuriser",
        "columns",
        "teachers",
        "distillation",
        "determinism",
    ],
)
def test_another_training_may_not(
    tmp_path: Path, settings: TrainingSettings, digest: str, message: str
) -> None:
    claim(tmp_path, SETTINGS.record(DIGEST))
    with pytest.raises(ResumeError, match=f"{message}.*give another work folder"):
        claim(tmp_path, settings.record(digest))
    claim(tmp_path, SETTINGS.record(DIGEST))


def test_checkpoints_of_nobody_knows_what_are_not_gone_on_from(tmp_path: Path) -> None:
    (tmp_path / EPOCHS).write_text("[]")
    with pytest.raises(ResumeError, match=f"no {RECORD}"):
        claim(tmp_path, SETTINGS.record(DIGEST))


@pytest.mark.parametrize("content", ["", "[]", '{"half'], ids=["empty", "a list", "half"])
def test_a_record_that_cannot_be_read_is_not_gone_on_from(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(ResumeError, match="give another work folder"):
        claim(tmp_path, SETTINGS.record(DIGEST))
