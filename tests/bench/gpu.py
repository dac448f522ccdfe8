"""The model stage on a GPU, from texts or pages to logits, and what bounds it.

``python -m tests.bench.gpu`` prints what it measures; KERAS_BACKEND names the backend.
As many threads as there are cores take distinct batches in turn and judge each from its strings on:
while one has its batch featurised, another's is copied, computed or copied back. The ceilings are
those of this card under this backend: chains of matrix products by the same class that runs the
network, in the same precision, and a sum over some gigabytes.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact, load
from models.characters.architecture import CharacterConvolutions
from models.detectors import DETECTORS, ENGINES
from models.engines.contract import EngineOptions
from tests.bench import card_ceilings, card_replicas, events
from tests.bench.in_threads import Rate, in_threads
from tests.bench.results import Sample

PART: Final = "gpu"
PRECISIONS: Final = ("float32", "tf32", "bfloat16")
NO_GPU: Final = "no GPU here"
# Subjects that are held against the CPU, and that batches are made of; pages take 50 KB each.
_COMPARED: Final = {"url": 20_000, "path": 20_000, "html": 1_000}
_SUBJECTS: Final = {"url": 2**19, "path": 2**19, "html": 2**11}
_BATCHES: Final = {
    "url": (1024, 8192, 32_768),
    "path": (1024, 8192, 32_768),
    "html": (64, 256),
}
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is asked for.

    Attributes:
        detectors: Their names.
        precisions: That the card is to multiply in.
        seconds: That each rate is measured.
        scale: Of the number of subjects.
        threads: That judge at once.
        replicas: Processes that share the card in turn; none for 0.
        anywhere: Whether to measure a CPU if there is no GPU, to see that all this runs.
    """

    detectors: Sequence[str]
    precisions: Sequence[str]
    seconds: float
    scale: float
    threads: int
    replicas: Sequence[int]
    anywhere: bool


def measure(job: Job) -> Iterator[Sample]:
    """Samples as they come; none where there is no GPU."""
    ceilings: dict[str, float] = {}
    for detector in job.detectors:
        artefact = load(DETECTORS[detector].bundled)
        subjects = _subjects(detector, int(_SUBJECTS[detector] * job.scale))
        gc.freeze()  # nobody is to look at half a million strings again and again
        cpu = artefact.engine("tables")
        few = artefact.featuriser()(subjects[: int(_COMPARED[detector] * job.scale)])
        expected = cpu.logits(few)
        told = False
        for precision in job.precisions:
            options = EngineOptions(precision=precision)  # type: ignore[arg-type]
            began = time.perf_counter()
            engine: Any = artefact.engine("keras", options)
            about = engine.describe()
            if about.device == "cpu" and not job.anywhere:
                return
            loaded = time.perf_counter() - began
            batches = _batches(detector, subjects)
            engine.warm(max(batches))
            warmed = time.perf_counter() - began - loaded
            if precision not in ceilings:
                ceilings[precision] = card_ceilings.flops(options, small=job.anywhere)
            sample = _Samples(detector=detector, contestant=f"keras, {about.library}")
            yield sample(
                "equality",
                {
                    "largest difference": float(np.abs(engine.logits(few) - expected).max()),
                    "labels changed": _changed(artefact, engine.logits(few), expected),
                    "of subjects": len(few),
                    "golden difference": artefact.check_golden(engine),
                    "seconds to load": loaded,
                    "seconds to warm": warmed,
                },
            )
            yield from _on_the_card(sample, artefact, engine, subjects, ceilings[precision], job)
            if not told:
                told = True
                yield from _host(artefact, subjects, job)
            for size in batches:
                for threads in _counts(job.threads) if size == max(batches) else (job.threads,):
                    found = in_threads(
                        _judge(artefact, engine), _cut(subjects, size), threads, job.seconds
                    )
                    yield sample(
                        "from strings to logits",
                        _figures(found) | {"batch": size, "threads": threads},
                        f"{size} a batch, {threads} threads",
                    )
        yield from _cpu(artefact, subjects, job)
    if job.replicas:
        yield from card_replicas.measure(job.replicas, job.seconds, scale=job.scale)
    yield Sample(
        part=f"{PART}: ceilings",
        subject="this card",
        contestant=_card(),
        round=0,
        values={f"TFLOP/s in {name}": flops / 1e12 for name, flops in ceilings.items()}
        | {"TB/s read": card_ceilings.bytes_read(small=job.anywhere) / 1e12},
    )


@dataclass(frozen=True, kw_only=True)
class _Samples:
    """Makes samples of one contestant."""

    detector: str
    contestant: str

    def __call__(self, matter: str, values: dict[str, float], also: str = "") -> Sample:
        return Sample(
            part=f"{PART}: {matter}",
            subject=self.detector,
            contestant=f"{self.contestant}, {also}" if also else self.contestant,
            round=0,
            values=values,
        )


def _on_the_card(
    sample: _Samples,
    artefact: Artefact,
    engine: Any,
    subjects: Sequence[Any],
    ceiling: float,
    job: Job,
) -> Iterator[Sample]:
    """The engine alone: inputs on the card already, then with copies there and back."""
    import keras  # noqa: PLC0415 - seconds

    size = max(_batches(artefact.detector.name, subjects))
    features = artefact.featuriser()(subjects[:size])
    pieces = [inputs for _, inputs in engine._pieces(features)]
    graph = engine._graph
    there = [keras.ops.convert_to_tensor(inputs) for inputs in pieces]

    def on_the_card() -> None:
        for result in [graph.start(inputs) for inputs in there]:
            np.asarray(result)

    taken = _seconds(on_the_card, job.seconds)
    done = sum(len(inputs) * arithmetic(artefact.sizes, inputs.shape[1]) for inputs in pieces)
    values = {
        "subjects/s": size / taken,
        "TFLOP/s": done / taken / 1e12,
        "share of the ceiling": done / taken / ceiling,
        "MFLOP/subject": done / size / 1e6,
        "characters or bytes/subject": float(features.lengths.mean()),
    }
    if isinstance(artefact.sizes, CharacterConvolutions):
        cells = sum(inputs.size for inputs in pieces)
        row = 4 * sum(artefact.sizes.filter_widths) * artefact.sizes.filters
        values["TB/s of table rows"] = cells * row / taken / 1e12
        values["codes/subject, padded"] = cells / size
        values["codes/subject"] = float(features.seen.mean())  # type: ignore[attr-defined]
    yield sample("network alone, inputs on the card", values)
    largest = {inputs.shape[1:]: inputs for inputs in sorted(pieces, key=len)}
    for inputs in largest.values():
        given = keras.ops.convert_to_tensor(inputs)
        taken = _seconds(lambda: np.asarray(graph.start(given)), job.seconds / 4)  # noqa: B023
        many = _seconds(
            lambda: [np.asarray(r) for r in [graph.start(given) for _ in range(8)]],  # noqa: B023
            job.seconds / 4,
        )
        yield sample(
            "one piece, input on the card",
            {"subjects/s": 8 * len(inputs) / many, "ms alone": 1e3 * taken, "ms of 8": 1e3 * many},
            "x".join(map(str, inputs.shape)),
        )
    copied = _seconds(lambda: engine.logits(features), job.seconds)
    yield sample("from features to logits, one thread", {"subjects/s": size / copied})


def _host(artefact: Artefact, subjects: Sequence[Any], job: Job) -> Iterator[Sample]:
    """The featuriser alone."""
    size = max(_batches(artefact.detector.name, subjects))
    for threads in _counts(job.threads):
        found = in_threads(artefact.featuriser(), _cut(subjects, size), threads, job.seconds)
        yield Sample(
            part=f"{PART}: from strings to features",
            subject=artefact.detector.name,
            contestant=f"{threads} threads",
            round=0,
            values=_figures(found),
        )


def _cpu(artefact: Artefact, subjects: Sequence[Any], job: Job) -> Iterator[Sample]:
    """The engines on the CPU, in as many threads: each has one of its own."""
    size = min(_batches(artefact.detector.name, subjects))
    for name in artefact.detector.family.engines:
        if name == ENGINES[0]:
            continue
        engine = artefact.engine(name, EngineOptions(threads=1))
        judge = _judge(artefact, engine)  # these have no state that a batch changes
        found = in_threads(judge, _cut(subjects, size), job.threads, job.seconds)
        yield Sample(
            part=f"{PART}: from strings to logits",
            subject=artefact.detector.name,
            contestant=f"{name} on the CPU, {size} a batch, {job.threads} threads",
            round=0,
            values=_figures(found) | {"batch": size, "threads": job.threads},
        )


def arithmetic(sizes: Any, positions: int) -> float:
    """Floating-point operations that products of the network take for one padded subject.

    Args:
        sizes: Of the network.
        positions: Characters of a text, with padding; of pages, pieces.
    """
    if isinstance(sizes, CharacterConvolutions):
        rows = positions * sum(sizes.filter_widths) * sizes.embedding * sizes.filters
        units = sizes.filters * len(sizes.filter_widths) + sizes.gram_units
        layers = [units, *sizes.dense, 1]
        return 2.0 * (rows + sum(one * other for one, other in itertools.pairwise(layers)))
    windows = 2 * positions - 1
    shapes = [shape for name, shape in sizes.shapes().items() if name.endswith("kernel")]
    of_pieces, of_windows = shapes[:1], shapes[1 : len(sizes.inspector)]
    of_pages = shapes[len(sizes.inspector) :]
    done: int = sum(
        times * prod(shape)
        for times, some in ((positions, of_pieces), (windows, of_windows), (1, of_pages))
        for shape in some
    )
    return 2.0 * done


def _judge(artefact: Artefact, engine: Any) -> Callable[[Sequence[Any]], Any]:
    featurise = artefact.featuriser()
    return lambda subjects: engine.logits(featurise(subjects))


def _changed(
    artefact: Artefact, logits: NDArray[np.float32], expected: NDArray[np.float32]
) -> float:
    """Subjects on the other side of a threshold."""
    thresholds = (artefact.thresholds.suspicious.logit, artefact.thresholds.malicious.logit)
    sides, others = (np.searchsorted(thresholds, some, side="right") for some in (logits, expected))
    return float((sides != others).sum())


def _figures(found: Rate) -> dict[str, float]:
    return {"subjects/s": found.per_second, "CPU µs/subject": found.cpu_microseconds}


def _seconds(work: Callable[[], Any], seconds: float) -> float:
    """Median time of one call."""
    work()
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(taken) < 3:
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _counts(most: int) -> list[int]:
    """Numbers of threads, up to this many."""
    return sorted({min(most, count) for count in (1, 4, 8, most)})


def _batches(detector: str, subjects: Sequence[Any]) -> list[int]:
    """Subjects of the batches."""
    return [size for size in _BATCHES[detector] if size <= len(subjects)] or [len(subjects)]


def _cut(subjects: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [subjects[first : first + size] for first in range(0, len(subjects) - size + 1, size)]


def _subjects(detector: str, rows: int) -> list[Any]:
    given = events.pages() if detector == "html" else events.texts(detector)
    return list(itertools.islice(given, rows))


def _card() -> str:
    """What the backend calls it."""
    import keras  # noqa: PLC0415 - is there by now

    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415

        return str(jax.devices()[0].device_kind)
    import tensorflow as tf  # noqa: PLC0415

    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    return str(details.get("device_name", "CPU"))


def options() -> argparse.ArgumentParser:
    """What this program takes."""
    taken = argparse.ArgumentParser(description=__doc__)
    taken.add_argument("--json", action="store_true", help="samples, each as a line of JSON")
    taken.add_argument("--detector", choices=tuple(DETECTORS), action="append")
    taken.add_argument("--precision", choices=PRECISIONS, action="append")
    taken.add_argument("--seconds", type=float, default=2.0, help="that each rate is measured")
    taken.add_argument("--scale", type=float, default=1.0, help="of the number of subjects")
    taken.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    taken.add_argument(
        "--replicas", type=int, action="append", help="processes that share the card"
    )
    taken.add_argument("--anywhere", action="store_true", help="measure a CPU if there is no GPU")
    return taken


def main() -> int:
    """Print a line for each sample as it comes."""
    given = options().parse_args()
    job = Job(
        detectors=given.detector or tuple(DETECTORS),
        precisions=given.precision or PRECISIONS,
        seconds=given.seconds,
        scale=given.scale,
        threads=given.threads,
        replicas=given.replicas or (),
        anywhere=given.anywhere,
    )
    began = time.perf_counter()
    found = False
    for sample in measure(job):
        found = True
        figures = ", ".join(f"{name} {value:,.6g}" for name, value in sample.values.items())
        print(  # noqa: T201 - what it is for
            f"{time.perf_counter() - began:6.1f} {sample.part}: {sample.subject}: "
            f"{sample.contestant}: {figures}",
            file=sys.stderr,
            flush=True,
        )
        if given.json:
            print(json.dumps(asdict(sample)), flush=True)  # noqa: T201 - likewise
    if not found:
        print(NO_GPU, file=sys.stderr)  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main())
