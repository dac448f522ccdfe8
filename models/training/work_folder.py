"""The folder of one training: its checkpoints, and the record of what they were trained with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from models.errors import ResumeError

RECORD = "training.json"
EPOCHS = "epochs.json"
BEST = "best.weights.h5"
TRIALS = "trials"


def claim(folder: Path, record: Mapping[str, object]) -> None:
    """Make ``folder`` the work folder of a training, or see that it is.

    Args:
        folder: Made if it is missing.
        record: What decides the weights: data, sizes, settings, seed.

    Raises:
        ResumeError: the folder holds another training, or checkpoints of an unknown one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECORD
    if not path.exists():
        if (folder / EPOCHS).exists():
            raise ResumeError(
                f"{folder} holds checkpoints but no {RECORD} that says what they were trained "
                "with; give another work folder"
            )
        write(folder, record)
        return
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ResumeError(f"{path} cannot be read: {error}; give another work folder") from error
    different = _differences(found, _plain(record))
    if different:
        raise ResumeError(
            f"{folder} holds the checkpoints of another training: {'; '.join(different)}. "
            "Training goes on only with the same data and settings; give another work folder"
        )


def write(folder: Path, record: Mapping[str, object]) -> None:
    """Write the record into ``folder``, unseen what the folder holds."""
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(_plain(record), indent=1) + "\n")
    part.replace(folder / RECORD)


def _plain(record: Mapping[str, object]) -> object:
    """As it comes back from JSON: tuples as lists, keys as text."""
    return json.loads(json.dumps(record))


def _differences(found: object, wanted: object, key: str = "") -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [
            line
            for name in dict.fromkeys([*found, *wanted])
            for line in _differences(
                found.get(name), wanted.get(name), f"{key}.{name}" if key else name
            )
        ]
    return [] if found == wanted else [f"{key or 'record'} was {found!r} and is now {wanted!r}"]
