"""All engines give the same logits of the weights that come with the package; labels, always."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.artefact import Artefact, load
from models.detectors import DETECTORS
from models.engines.choice import candidates
from models.engines.contract import EngineOptions
from models.errors import EngineError
from tests.models.agreement import largest_differences, odd, sample

ROOT = Path(__file__).parents[2]
EXACT = 1e-4


@pytest.fixture(scope="module")
def urls() -> Artefact:
    return load(DETECTORS["url"].bundled)


def _check(differences: dict[str, dict[str, float]]) -> None:
    assert set(differences) == set(DETECTORS)
    for of_engines in differences.values():
        assert set(of_engines) == {"keras"}
        assert of_engines["keras"] <= EXACT


def test_engines_agree_on_tensorflow() -> None:
    _check(largest_differences())


def test_engines_agree_on_jax() -> None:
    pytest.importorskip("jax")
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.models.agreement"],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    _check(json.loads(ended.stdout))


def test_keras_in_bfloat16_is_off_by_hundredths(urls: Artefact) -> None:
    # On a CPU as on a GPU: it is the graph that computes in narrow numbers.
    engine = urls.engine("keras", EngineOptions(precision="bfloat16"))
    assert "bfloat16" in engine.describe().library
    features = urls.featuriser()(sample("url", 16))
    off = np.abs(engine.logits(features) - urls.engine("tables").logits(features))
    assert 0 < off.max() < 0.2
    # The next network of the process computes in float32 again.
    exact = urls.engine("keras").logits(features)
    assert np.allclose(exact, urls.engine("tables").logits(features), rtol=0, atol=EXACT)


@pytest.mark.parametrize("detector", ["url", "path"])
def test_narrow_numbers_change_no_label(detector: str) -> None:
    artefact = load(DETECTORS[detector].bundled)
    features = artefact.featuriser()([*odd(detector), *sample(detector, 1000)])
    exact = artefact.engine("tables").logits(features)
    # Thresholds amidst the logits, so that many are near; and amidst the odd ones.
    for threshold in (*np.sort(exact)[::100].tolist(), *exact[:8].tolist()):
        engine = artefact.detector.engine(
            "tables-int8",
            artefact.sizes,
            artefact.tensors,
            artefact.featuriser(),
            EngineOptions(thresholds=(threshold + 1e-3,), known=features.rows(slice(100, 150))),
        )
        given = engine.logits(features)
        assert np.array_equal(given >= threshold + 1e-3, exact >= threshold + 1e-3)
        assert not np.array_equal(given, exact)


def test_the_rest_is_off_by_hundredths(urls: Artefact) -> None:
    features = urls.featuriser()(sample("url", 2000))
    off = urls.engine("tables-int8").logits(features) - urls.engine("tables").logits(features)
    assert 0 < np.sqrt(np.square(off.astype(np.float64)).mean()) < 0.02


def test_a_batch_is_the_same_however_many_threads_compute_it(urls: Artefact) -> None:
    features = urls.featuriser()(sample("url", 1100))
    for name in ("tables", "tables-int8"):
        one, three = (
            urls.engine(name, EngineOptions(threads=threads)).logits(features) for threads in (1, 3)
        )
        assert np.array_equal(one, three)


def test_auto_goes_on_to_float32_where_bytes_are_too_far_off(
    urls: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.engines.choice._GPU_DEVICES", ())
    assert urls.engine("auto").describe().engine == "tables-int8"
    monkeypatch.setattr("models.engines.tables_int8.LARGEST_DIFFERENCE", 1e-6)
    assert urls.engine("auto").describe().engine == "tables"
    with pytest.raises(EngineError, match="engine 'tables-int8' gives logit"):
        urls.engine("tables-int8")


def test_auto_is_keras_where_there_is_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.engines.choice._GPU_DEVICES", (str(tmp_path),))
    assert candidates("auto", DETECTORS["url"].family.engines) == ("keras",)
    assert candidates("tables", DETECTORS["url"].family.engines) == ("tables",)


def test_weights_without_end_are_refused_in_bytes(urls: Artefact) -> None:
    kernel = urls.tensors["convolution_2/kernel"].copy()
    kernel[0, 0, 0] = np.inf
    with pytest.raises(EngineError, match="no finite number"), np.errstate(invalid="ignore"):
        urls.detector.engine(
            "tables-int8",
            urls.sizes,
            {**urls.tensors, "convolution_2/kernel": kernel},
            urls.featuriser(),
        )


@pytest.mark.parametrize(
    ("detector", "engine"), [("url", "tables"), ("path", "tables-int8"), ("html", "tables")]
)
def test_neither_tensorflow_nor_what_comes_with_it_is_imported(detector: str, engine: str) -> None:
    # As a worker does it: load, check, warm, score and explain.
    program = f"""
import sys
from workers.settings.resolve import Given, load
from workers.worker import judge_of, load_engine
given = Given(options={{'engine': '{engine}'}})
settings = load(given, detector='{detector}', environ={{}}).settings
artefact, engine = load_engine(settings)
engine.warm(settings.batch.max_batch)
features = artefact.featuriser()([subject for subject, _ in artefact.golden])
engine.logits(features)
judge_of(settings, artefact, engine)
heavy = {{'tensorflow', 'keras', 'h5py', 'jax', 'onnx'}} & set(sys.modules)
sys.exit(f'imported {{heavy}}' if heavy else 0)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
