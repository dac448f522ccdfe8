"""Traffic like validation's is no drift; other traffic is, and is told of once a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis
import numpy as np
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.artefact import Artefact, load
from models.detectors import DETECTORS
from models.errors import ArtefactError
from models.reference import KEY, Reference, reference_of, stability_index
from tests.workers.metrics.scraping import Scrape
from tests.workers.service.shelf import shifted
from tests.workers.telemetry import sample
from workers.batching import Batch
from workers.judge import Judge
from workers.log.contract import Records
from workers.metrics.meters import Meters
from workers.metrics.service import ServiceMeters
from workers.service.bench import Bench
from workers.service.canary import Canary
from workers.service.drift import Drift
from workers.settings.policies import DriftPolicy, EvidencePolicy

EVENTS = 400


class Looking:
    """A bench on which drift is looked for."""

    def __init__(self, judge: Judge, policy: DriftPolicy) -> None:
        self.meters = Meters("url")
        own = ServiceMeters(self.meters.series)
        self.bench = Bench(judge, own, [Drift(policy, own)])

    def show(self, values: Sequence[bytes]) -> list[Any]:
        """Judge events; return what the journal says."""
        with structlog.testing.capture_logs() as logs:
            for begin in range(0, len(values), 100):
                for prepared in self.bench.prepare(_batch(values[begin : begin + 100])):
                    for _ in self.bench.score(prepared):
                        pass
        return [entry for entry in logs if "drifted" in entry["event"]]

    def index(self, measure: str) -> float | None:
        found = Scrape.of(self.meters).by("weir_drift_index", "measure")
        return found[measure,][0] if found else None


def _batch(values: Sequence[bytes]) -> Batch:
    n = len(values)
    return Batch(
        records=Records(
            topic="telemetry.urls",
            partitions=np.zeros(n, np.int32),
            offsets=np.arange(n),
            timestamps=np.zeros(n, np.int64),
            keys=[None] * n,
            values=list(values),
            headers=[()] * n,
        ),
        epochs=np.zeros(n, np.int64),
    )


def strange(n: int) -> list[bytes]:
    """URLs in another script."""
    return [
        f'{{"url": "http://пример-{number}.испытание/страница/{number}"}}'.encode()
        for number in range(n)
    ]


def ordinary(n: int, seed: int = 0) -> list[bytes]:
    """Events of the sample, drawn at random."""
    lines = sample()
    return [lines[i] for i in np.random.default_rng(seed).integers(0, len(lines), n).tolist()]


def first(**more: Any) -> DriftPolicy:
    return DriftPolicy(reference="first", events=EVENTS, **more)


@pytest.fixture(scope="module")
def judge(artefact: Artefact) -> Judge:
    """Without evidence, which takes longer than all else."""
    return judge_of(artefact)


def judge_of(artefact: Artefact) -> Judge:
    return Judge(
        artefact, artefact.unchecked_engine("tables"), EvidencePolicy(evidence_from="never")
    )


def test_what_comes_is_like_what_came_until_it_is_not(judge: Judge) -> None:
    looking = Looking(judge, first())
    assert looking.show(ordinary(EVENTS, seed=1)) == []
    # There is a reference, and nothing to compare with it yet.
    assert looking.index("logits") is None
    assert looking.show(ordinary(3 * EVENTS, seed=2)) == []
    index = looking.index("logits")
    assert index is not None
    assert index < 0.2
    (told,) = looking.show(strange(EVENTS))
    assert told["log_level"] == "warning"
    assert told["index_of_rare_tokens"] > 0.25
    assert told["rare_tokens"] > 0.05 > told["rare_tokens_in_reference"]
    # It goes on, and is told of in the next period.
    assert looking.show(strange(EVENTS)) == []
    rare = looking.index("rare")
    assert rare is not None
    assert rare > 0.25


def test_shifted_scores_are_a_drift_though_there_are_no_rare_tokens(judge: Judge) -> None:
    looking = Looking(judge, first())
    looking.show(ordinary(2 * EVENTS))
    values = ordinary(2 * EVENTS, seed=3)
    (prepared,) = judge.prepare(_batch(values))
    logits = judge.score(prepared).verdicts.logits
    highest = [values[row] for row in np.argsort(-logits)[: EVENTS // 2].tolist()]
    (told,) = looking.show(highest * 2)
    assert told["index_of_logits"] > 0.25
    assert told["index_of_rare_tokens"] < 0.25


def test_another_model_begins_anew(artefact: Artefact, judge: Judge) -> None:
    looking = Looking(judge, first())
    looking.show(ordinary(2 * EVENTS))
    assert looking.index("logits") is not None
    looking.bench.change(judge_of(shifted(artefact, 5.0)))
    # Its logits are all higher: to itself that is no drift.
    assert looking.show(ordinary(3 * EVENTS)) == []
    index = looking.index("logits")
    assert index is not None
    assert index < 0.2


def test_what_a_canary_judges_is_left_out(artefact: Artefact, judge: Judge) -> None:
    looking = Looking(judge, first())
    looking.show(ordinary(EVENTS))
    looking.bench.try_out(Canary(judge=judge_of(shifted(artefact, 20.0)), share=0.5))
    assert looking.show(ordinary(4 * EVENTS)) == []
    index = looking.index("logits")
    assert index is not None
    # Half of the subjects are left out, the same ones always.
    assert index < 0.25


def test_shipped_models_have_a_reference_of_their_validation() -> None:
    for detector in DETECTORS.values():
        artefact = load(detector.bundled)
        reference = reference_of(artefact)
        assert reference is not None
        rows = artefact.manifest["data"]["rows"]["validation"]
        assert reference.rows == rows["benign"] + rows["malicious"]
        # The shares above the thresholds are those that the manifest tells, at the prior.
        prior = artefact.calibration.prior
        at = artefact.manifest["metrics"]["validation"]["all"]["at"]
        for label in ("suspicious", "malicious"):
            told = at[label]
            expected = (1 - prior) * told["false_positives"]["share"]
            expected += prior * told["detected"]["share"]
            above = reference.shares[np.searchsorted(reference.edges, told["logit"] - 1e-3) + 1 :]
            assert above.sum() == pytest.approx(expected, abs=1e-3)
        assert 0 < reference.rare <= 0.01


def test_a_manifest_s_own_reference_is_taken_and_a_broken_one_is_told(artefact: Artefact) -> None:
    own = Reference.of(np.arange(100.0), np.ones(256)).as_json()
    stated = replace(artefact, manifest={**artefact.manifest, KEY: own})
    assert reference_of(stated).as_json() == own  # type: ignore[union-attr]
    spoilt: list[Any] = [
        [],
        {**own, "shares": [1.0]},
        {**own, "edges": [3, 2, 1]},
        {**own, "tokens": 10**9},
        {**own, "common": [-1]},
        {**own, "common": ["a"]},
        {**own, "rare": float("inf")},
        {**own, "rows": True},
    ]
    for told in spoilt:
        with pytest.raises(ArtefactError, match="reference"):
            Reference.stated(told)
    broken = replace(artefact, manifest={**artefact.manifest, KEY: [1]})
    looking = Looking(judge_of(broken), DriftPolicy(events=EVENTS))
    # Its first events stand in for it.
    assert looking.show(ordinary(3 * EVENTS)) == []
    assert looking.index("logits") is not None


@hypothesis.settings(deadline=None)
@given(
    arrays(np.float64, st.integers(1, 300), elements=st.floats(-50, 50)),
    arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 1_000)),
)
def test_a_reference_is_a_distribution_and_survives_json(
    logits: np.ndarray[Any, Any], tokens: np.ndarray[Any, Any]
) -> None:
    reference = Reference.of(logits, tokens, thresholds=(0.5, 1.5))
    assert reference.shares.sum() == pytest.approx(1)
    assert reference.count(logits).sum() == len(logits)
    assert reference.count(logits) / len(logits) == pytest.approx(reference.shares)
    if tokens.sum():
        assert reference.count_rare(tokens) / tokens.sum() == pytest.approx(reference.rare)
        assert reference.rare <= 0.01 + 1e-9
    assert stability_index(reference.count(logits), reference.shares, len(logits)) == pytest.approx(
        0, abs=1e-9
    )
    again = Reference.stated(reference.as_json())
    assert again.as_json() == reference.as_json()


def test_strange_traffic_is_seen_from_the_start_by_what_the_model_states(judge: Judge) -> None:
    looking = Looking(judge, DriftPolicy(events=EVENTS))
    (told,) = looking.show(strange(EVENTS))
    assert told["index_of_rare_tokens"] > 0.25
    assert told["version"] == judge.model.version
