"""Every engine of the weights that come with the package, on subjects of every kind.

Also a program, so that it can be asked under another backend of Keras: prints JSON.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, Final

import numpy as np

from models.artefact import load
from models.detectors import DETECTORS
from models.engines.choice import APPROXIMATE
from tests.bench import events
from tests.models.subjects import BAD, ORDINARY, STRANGE

# Few, since on a CPU the graphs take a hundred times as long as the tables.
_FROM_SAMPLE: Final = {"url": 30, "html": 12, "path": 30}


def sample(detector: str, most: int) -> list[Any]:
    """The first subjects of the telemetry that comes with the package."""
    given = events.pages() if detector == "html" else events.texts(detector)
    return list(islice(given, most))


def odd(detector: str) -> list[Any]:
    """Subjects that nobody would send but to see what happens, and such as stand for many."""
    return [*BAD[detector].values(), *ORDINARY[detector], STRANGE[detector]]


def largest_differences() -> dict[str, dict[str, float]]:
    """By detector and exact engine, the largest to the logits of engine ``tables``."""
    found: dict[str, dict[str, float]] = {}
    for name, detector in DETECTORS.items():
        artefact = load(detector.bundled)
        features = artefact.featuriser()([*odd(name), *sample(name, _FROM_SAMPLE[name])])
        expected = artefact.engine("tables").logits(features).astype(np.float64)
        found[name] = {
            engine: float(np.abs(artefact.engine(engine).logits(features) - expected).max())
            for engine in detector.family.engines
            if engine != "tables" and engine not in APPROXIMATE
        }
    return found


if __name__ == "__main__":
    print(json.dumps(largest_differences()))  # noqa: T201 - what it is for
