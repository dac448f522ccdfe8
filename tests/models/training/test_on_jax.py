"""Training where Keras runs on JAX, as it would on a GPU, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.training.trainings import data_for

ROOT = Path(__file__).parents[3]
TRAIN = """
import json, sys
from pathlib import Path
import keras
from models.training import publishing
from tests.models.training.trainings import deterministic_digests

assert keras.backend.backend() == "jax"
publishing.tell = lambda *_args, **_named: None
data, folder = map(Path, sys.argv[1:])
digests = [
    deterministic_digests(data, folder / name, interrupt_at)[0]
    for name, interrupt_at in (("unbroken", None), ("interrupted", 14))
]
print(json.dumps(digests))
"""


def test_a_training_that_was_interrupted_ends_as_one_that_was_not(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    data = data_for("url", tmp_path)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAIN, str(data), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    unbroken, interrupted = json.loads(ended.stdout.splitlines()[-1])
    assert unbroken == interrupted
