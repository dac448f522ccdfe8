"""The model stage alone, from texts or pages to logits: here, and with the network in Keras.

``python -m tests.bench.model_stage --json`` prints what `measure` returns. All contenders judge the
same distinct subjects in rounds, one after another, so that whatever else the machine does hits
all of them; figures are medians over the rounds. CPU time is that of all threads of the process.

How an engine is made, for whoever else measures one::

    artefact = load(DETECTORS["url"].bundled)
    engine = artefact.engine("tables-int8", EngineOptions(threads=2))   # checked on golden subjects
    engine.warm(rows)                                                   # rows of the largest batch
    logits = engine.logits(artefact.featuriser()(texts))

Peers take the same weights and the same features; only what evaluates the network differs.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from statistics import median
from typing import Any, Final

import numpy as np

from models.artefact import Artefact, load
from models.backend import load_keras
from models.detectors import DETECTORS, named
from models.engines.contract import EngineOptions
from tests.bench import events

TF_FUNCTION: Final = "tf.function"
PREDICT: Final = "model.predict"
_NETWORKS: Final = {
    "url": "models.characters.network:build",
    "path": "models.characters.network:build",
    "html": "models.html.network:build",
}
# Subjects that peers judge in a round, and how many times as many the engines on the CPU judge:
# some thousand texts are over in no time. Pages differ in length too much for that.
_ROWS: Final = {"url": 1024, "path": 1024, "html": 64}
_TIMES: Final = {"url": 8, "path": 8, "html": 1}

Judge = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one contender took.

    Attributes:
        per_second: Subjects in a second of the clock.
        cpu_microseconds: CPU time of a subject, all threads together.
        times_tf_function: As fast as `TF_FUNCTION`, by CPU time where both have one thread a core.
        difference: Largest to the logits of `TF_FUNCTION` on the same subjects.
    """

    per_second: float
    cpu_microseconds: float
    times_tf_function: float
    difference: float


def measure(
    detector: str, *, batch: int, rounds: int = 5, threads: int = 0, peers: bool = True
) -> dict[str, Figure]:
    """Figures by contender.

    Args:
        detector: Whose weights and subjects.
        batch: Subjects of a batch.
        rounds: Of all contenders, each in its turn.
        threads: Of our engines; 0 for what they choose.
        peers: Whether Keras takes part; without it nothing is held against `TF_FUNCTION`.
    """
    artefact = load(DETECTORS[detector].bundled)
    featurise = artefact.featuriser()
    few = max(1, _ROWS[detector] // batch) * batch
    subjects = _subjects(detector, few * _TIMES[detector])
    contenders: dict[str, tuple[Judge, int]] = {}
    if peers:
        contenders |= {name: (judge, few) for name, judge in _peers(artefact, batch).items()}
    for name in artefact.detector.family.engines:
        if name == "keras":
            continue
        engine = artefact.engine(name, EngineOptions(threads=threads))
        engine.warm(batch)
        contenders[name] = (engine.logits, few * _TIMES[detector])
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    cpus: dict[str, list[float]] = {name: [] for name in contenders}
    logits: dict[str, Any] = {}
    for number in range(rounds + 1):
        for name, (judge, rows) in contenders.items():
            began, cpu = time.perf_counter(), time.process_time()
            given = [
                judge(featurise(subjects[first : first + batch])) for first in range(0, rows, batch)
            ]
            if number:  # the first round compiles
                walls[name].append((time.perf_counter() - began) / rows)
                cpus[name].append((time.process_time() - cpu) / rows)
            logits[name] = np.concatenate(given)[:few]
    reference = TF_FUNCTION if peers else next(iter(contenders))
    return {
        name: Figure(
            per_second=1 / median(walls[name]),
            cpu_microseconds=1e6 * median(cpus[name]),
            times_tf_function=median(
                one / other for one, other in zip(cpus[reference], cpus[name], strict=True)
            ),
            difference=float(np.abs(logits[name] - logits[reference]).max()),
        )
        for name in contenders
    }


def _subjects(detector: str, rows: int) -> Sequence[Any]:
    given = events.pages() if detector == "html" else events.texts(detector)
    return list(islice(given, rows))


def _peers(artefact: Artefact, batch: int) -> dict[str, Judge]:
    load_keras()
    import tensorflow as tf  # noqa: PLC0415 - seconds

    network = named(_NETWORKS[artefact.detector.name])(artefact.sizes)
    for variable in network.weights:
        variable.assign(artefact.tensors[variable.path])
    function = tf.function(lambda inputs: network(inputs, training=False))

    def inputs(features: Any) -> Any:
        if artefact.detector.subject == "page":
            return features.counts.astype(np.float32)
        return features.codes.astype(np.int32)

    def predict(features: Any) -> Any:
        return network.predict(inputs(features), batch_size=batch, verbose=0)[:, 0]

    def call(features: Any) -> Any:
        return function(tf.constant(inputs(features))).numpy()[:, 0]

    return {PREDICT: predict, TF_FUNCTION: call}


def main() -> None:
    """Print the figures as JSON or as a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true")
    options.add_argument("--detector", choices=tuple(DETECTORS), action="append")
    options.add_argument("--batch", type=int, help="default: 1024 texts, 64 pages")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=0)
    options.add_argument("--no-peers", dest="peers", action="store_false")
    given = options.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = {
        detector: measure(
            detector,
            batch=given.batch or _ROWS[detector],
            rounds=given.rounds,
            threads=given.threads,
            peers=given.peers,
        )
        for detector in given.detector or DETECTORS
    }
    if given.json:
        plain = {
            detector: {name: asdict(figure) for name, figure in figures.items()}
            for detector, figures in found.items()
        }
        print(json.dumps(plain, indent=1))  # noqa: T201 - what it is for
        return
    for detector, figures in found.items():
        for name, figure in figures.items():
            print(  # noqa: T201 - likewise
                f"{detector:5} {name:14} {figure.per_second:10,.0f}/s "
                f"{figure.cpu_microseconds:9.1f} us of CPU  {figure.times_tf_function:6.1f} times  "
                f"largest difference {figure.difference:.1e}"
            )


if __name__ == "__main__":
    main()
