"""One suite for every engine of every kind of network.

Keras runs on the backend that KERAS_BACKEND names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.artefact import load, verify
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.explainer import CharacterExplainer
from models.detectors import ENGINES, named
from models.engines.choice import APPROXIMATE
from models.engines.contract import Engine, Tracing
from models.errors import EngineError
from tests.contracts.networks import CHOSEN, EVERY, Network
from tests.models.networks import GRAMS, SMALL, save_artefact

# Sums of some hundred to some thousand float32 products in another order.
ROUNDING = 1e-5
# Around the sizes that batches are cut into, and far from them.
ROWS = (
    *(1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 250, 255, 256, 257, 300),
    *(1023, 1024, 1025, 1300, 2000),
)


def near(engine: str, logits: NDArray[np.float32], expected: NDArray[np.float64]) -> bool:
    """Whether an engine's logits are those of the definition, as far as that engine goes."""
    share, least = (0.02, 0.05) if engine in APPROXIMATE else (0, 1e-4)
    return np.allclose(logits, expected, rtol=share, atol=least)


def pairs(networks: Iterable[str]) -> list[tuple[str, str]]:
    """Names of networks, each with those of the engines that it has."""
    return [(name, engine) for name in networks for engine in EVERY[name].detector.family.engines]


@pytest.fixture(scope="module", params=pairs(CHOSEN), ids=", ".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    names: tuple[str, str] = request.param
    return names


@pytest.fixture(scope="module")
def network(pair: tuple[str, str]) -> Network:
    return EVERY[pair[0]]


@pytest.fixture(scope="module")
def engine(pair: tuple[str, str], network: Network) -> Engine:
    made = network.engine(pair[1])
    made.warm(network.largest)
    return made


@pytest.fixture(scope="module")
def expected(network: Network) -> NDArray[np.float64]:
    """Logits of the largest batch, by the network's definition."""
    return network.define(network.features(network.many(network.largest)))


@pytest.mark.parametrize(("network_name", "name"), pairs(EVERY))
def test_logits_are_those_of_the_definition(network_name: str, name: str) -> None:
    network = EVERY[network_name]
    features = network.features(network.odd)
    logits = network.engine(name).logits(features)
    assert logits.dtype == np.float32
    assert logits.shape == (len(network.odd),)
    assert near(name, logits, network.define(features))


def test_an_empty_batch_has_no_logits(engine: Engine, network: Network) -> None:
    logits = engine.logits(network.features([]))
    assert logits.shape == (0,)
    assert logits.dtype == np.float32


def test_a_subject_has_its_logit_in_a_batch_of_any_size(
    engine: Engine, network: Network, expected: NDArray[np.float64]
) -> None:
    features = network.features(network.many(network.largest))
    for rows in (rows for rows in ROWS if rows <= network.largest):
        logits = engine.logits(features.rows(slice(0, rows)))
        assert logits.shape == (rows,)
        assert near(engine.describe().engine, logits, expected[:rows]), rows


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_neither_order_nor_company_changes_a_logit(
    engine: Engine, network: Network, data: st.DataObject
) -> None:
    features = network.features(network.odd)
    together = engine.logits(features)
    chosen = np.array(data.draw(st.lists(st.sampled_from(range(len(features))))), np.int64)
    some = engine.logits(features.rows(chosen))
    assert np.allclose(some, together[chosen], rtol=0, atol=ROUNDING)


def test_the_same_batch_again_has_the_same_logits(engine: Engine, network: Network) -> None:
    features = network.features(network.many(300))
    assert np.array_equal(engine.logits(features), engine.logits(features))


def test_subjects_that_say_nothing_have_the_logit_of_nothing(
    engine: Engine, network: Network
) -> None:
    # The biases' alone; whoever publishes a verdict asks for `silent` before it asks for a label.
    nothing = "" if network.detector.subject == "text" else b""
    silent = "http://192.0.2.1:8080/" if network.detector.subject == "text" else b" <>\n"
    logits = engine.logits(network.features([silent, nothing]))
    assert np.isfinite(logits).all()
    assert logits[0] == logits[1]


@pytest.mark.parametrize(
    "pair",
    [pair for pair in pairs(CHOSEN) if pair[1] == "tables-int8"],
    ids=", ".join,
    scope="module",
)
def test_what_an_engine_hands_on_splits_its_own_logits(engine: Engine, network: Network) -> None:
    assert isinstance(engine, Tracing)
    assert isinstance(network.sizes, CharacterConvolutions)
    features = network.features(network.many(300))
    assert isinstance(features, CharacterCodes)
    logits, traced = engine.traced(features)
    assert np.array_equal(logits, engine.logits(features))
    explainer = CharacterExplainer(network.sizes, network.tensors)
    some = np.arange(len(features))[::-3]
    attribution = explainer.attribute(features.rows(some), traced[some])
    summed = attribution.parts.sum(axis=1, dtype=np.float64) + attribution.remainder
    assert near("tables-int8", logits[some], summed)


def test_features_are_left_as_they_are(engine: Engine, network: Network) -> None:
    features, fresh = (network.features(network.many(40)) for _ in range(2))
    engine.logits(features)
    for column in type(fresh).__dataclass_fields__:  # type: ignore[attr-defined]
        assert np.array_equal(getattr(features, column), getattr(fresh, column)), column


def test_features_may_be_views_of_a_larger_batch(
    engine: Engine, network: Network, expected: NDArray[np.float64]
) -> None:
    features = network.features(network.many(network.largest))
    every_third = features.rows(slice(None, None, 3))
    assert near(engine.describe().engine, engine.logits(every_third), expected[::3])


def test_an_engine_says_what_it_is(engine: Engine) -> None:
    description = engine.describe()
    assert description.engine in ENGINES
    assert description.device in {"cpu", "gpu", "tpu"}
    assert description.library


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch, network: Network) -> list[object]:
    """Grows when the network's Python code runs: graphs run it only when they are traced."""
    layer = named(network.traced)
    calls: list[object] = []
    call = layer.call

    def counted(self: object, inputs: object) -> object:
        calls.append(inputs)
        return call(self, inputs)

    monkeypatch.setattr(layer, "call", counted)
    return calls


@pytest.mark.parametrize(
    "pair", [(name, "keras") for name in CHOSEN], ids=", ".join, scope="module"
)
@pytest.mark.parametrize("largest", [1, 16, 100, 1024])
def test_after_warming_keras_traces_no_more(
    traced: list[object], network: Network, largest: int
) -> None:
    largest = min(largest, network.largest)
    engine = network.engine("keras")
    traced.clear()
    engine.warm(largest)
    assert traced
    traced.clear()
    features = network.features(network.many(largest))
    for rows in (rows for rows in ROWS if rows <= largest):
        engine.logits(features.rows(slice(0, rows)))
    assert traced == []


@pytest.mark.parametrize("sizes", [SMALL, GRAMS], ids=["small", "n-grams"])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_every_engine_passes_the_golden_texts_of_an_artefact(
    tmp_path: Path, sizes: CharacterConvolutions, precision: str
) -> None:
    save_artefact(tmp_path, sizes, precision=precision)
    checks = verify(load(tmp_path))
    assert [check.engine for check in checks] == list(ENGINES)
    assert all(check.available and not check.failed for check in checks)
    assert all(
        check.difference is not None and check.difference < 1e-4
        for check in checks
        if check.engine not in APPROXIMATE
    )


def test_an_unknown_engine_is_named_with_those_there_are(network: Network) -> None:
    with pytest.raises(EngineError, match="'abacus' is unknown; give one of keras, tables"):
        network.engine("abacus")
