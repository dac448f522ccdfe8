"""The weights that come with the package."""

from __future__ import annotations

import numpy as np
import pytest

from models.artefact import GOLDEN_TOLERANCE, WEIGHTS, Artefact, load, verify
from models.characters.codes import CharacterCodes
from models.characters.explainer import CharacterExplainer
from models.detectors import DETECTORS, ENGINES
from models.engines.choice import APPROXIMATE
from models.engines.contract import Engine, Tracing
from models.engines.tables_int8 import LARGEST_DIFFERENCE
from tests.models.subjects import ALIKE, BAD, ORDINARY, STRANGE

# Of malicious test rows at 1e-3 false positives: what the models detect on the same rows that the
# detector was to beat.
FLOORS = {"url": 0.551}  # the plain network of the talk; hashed 1- to 4-grams 0.470
MOST_BYTES = 10_000_000


@pytest.fixture(scope="module", params=DETECTORS)
def artefact(request: pytest.FixtureRequest) -> Artefact:
    return load(DETECTORS[request.param].bundled)


@pytest.fixture(scope="module")
def name(artefact: Artefact) -> str:
    return artefact.detector.name


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, artefact: Artefact) -> Engine:
    if request.param not in artefact.detector.family.engines:
        pytest.skip("its kind of network has no such engine")
    return artefact.engine(request.param)


def test_it_is_the_detector_s_own(artefact: Artefact, name: str) -> None:
    bundled = DETECTORS[name].bundled
    assert artefact.detector is DETECTORS[name]
    assert (bundled.parent.name, bundled.name) == (name, str(artefact.version))


def test_golden_logits_hold_on_every_engine(artefact: Artefact) -> None:
    differences = {check.engine: check.difference for check in verify(artefact)}
    assert set(differences) == set(artefact.detector.family.engines)
    for engine, given in differences.items():
        assert given is not None
        assert given <= (LARGEST_DIFFERENCE / 4 if engine in APPROXIMATE else GOLDEN_TOLERANCE)


def test_its_weights_are_small_as_stored(name: str) -> None:
    assert (DETECTORS[name].bundled / WEIGHTS).stat().st_size <= MOST_BYTES


def test_its_thresholds_held_their_rates_on_validation(artefact: Artefact) -> None:
    metrics = artefact.manifest["metrics"]["validation"]
    parts = {
        "all": metrics["all"],
        **metrics.get("kinds", {}),
        **metrics.get("lower_cased", {}),
    }
    for label in ("suspicious", "malicious"):
        threshold = getattr(artefact.thresholds, label)
        for part, figures in parts.items():
            at = figures["at"][label]
            assert at["logit"] == threshold.logit
            # Of fewer rows than that, one alone is more than the rate.
            if at["false_positives"]["of"] * threshold.false_positive_rate >= 1:
                assert at["false_positives"]["share"] <= threshold.false_positive_rate, part


def test_it_does_better_than_the_models_it_was_to_beat(artefact: Artefact, name: str) -> None:
    detection = artefact.manifest["metrics"]["test"]["all"]["detection"]
    assert detection["0.001"]["share"] > FLOORS.get(name, 0.0)


def test_no_subject_is_too_bad(engine: Engine, artefact: Artefact, name: str) -> None:
    subjects = list(BAD[name].values())
    features = artefact.featuriser()(subjects)
    assert np.isfinite(engine.logits(features)).all()
    explained = artefact.detector.explainer(artefact.sizes, artefact.tensors).explain(features, 5)
    for subject, spans in zip(subjects, explained, strict=True):
        assert all(0 <= span.start < span.end <= len(subject) for span in spans)


def test_what_means_the_same_has_the_same_logit(
    engine: Engine, artefact: Artefact, name: str
) -> None:
    featuriser = artefact.featuriser()
    one, other = (engine.logits(featuriser(list(side))) for side in zip(*ALIKE[name], strict=True))
    assert (one - other).tolist() == [0.0] * len(one)


def test_what_is_ordinary_is_not_malicious_and_what_is_strange_stands_out(
    artefact: Artefact, name: str
) -> None:
    logits = artefact.engine("tables").logits(
        artefact.featuriser()([*ORDINARY[name], STRANGE[name]])
    )
    assert np.all(logits[:-1] < artefact.thresholds.malicious.logit)
    assert np.all(logits[:-1] < logits[-1])


def test_what_stands_out_is_explained(artefact: Artefact, name: str) -> None:
    features = artefact.featuriser()([STRANGE[name]])
    explainer = artefact.detector.explainer(artefact.sizes, artefact.tensors)
    (spans,) = explainer.explain(features, 5)
    assert 1 <= len(spans) <= 5
    assert spans[0].weight > 0
    if isinstance(explainer, CharacterExplainer) and isinstance(features, CharacterCodes):
        attribution = explainer.attribute(features)
        summed = attribution.parts.sum(dtype=np.float64) + attribution.remainder[0]
        (logit,) = artefact.engine("tables").logits(features)
        assert summed == pytest.approx(logit, abs=1e-3)


def test_what_stands_out_is_explained_alike_from_what_an_engine_hands_on(
    artefact: Artefact, name: str
) -> None:
    explainer = artefact.detector.explainer(artefact.sizes, artefact.tensors)
    if not isinstance(explainer, CharacterExplainer):
        return
    engine = artefact.engine("tables-int8")
    assert isinstance(engine, Tracing)
    features = artefact.featuriser()([*ORDINARY[name], STRANGE[name]])
    assert isinstance(features, CharacterCodes)
    _, traced = engine.traced(features)
    (*_, told), (*_, computed) = (
        explainer.explain(features, 5, traced),
        explainer.explain(features, 5),
    )
    assert (told[0].start, told[0].end) == (computed[0].start, computed[0].end)
    attribution = explainer.attribute(features, traced)
    summed = attribution.parts.sum(axis=1, dtype=np.float64) + attribution.remainder
    # Twice what was seen over some thousand rows of the test splits.
    assert summed == pytest.approx(artefact.engine("tables").logits(features), abs=0.01)


@pytest.mark.parametrize(
    "url", ["192.0.2.1", "http://198.51.100.7:8080/", "https://[2001:db8::1]/#x"], ids=str
)
def test_an_address_and_nothing_else_is_silent_to_the_url_weights(url: str) -> None:
    silent = (
        load(DETECTORS["url"].bundled).featuriser()([url, f"{url.partition('#')[0]}/a.exe"]).silent
    )
    assert silent is not None
    assert silent.tolist() == [True, False]
