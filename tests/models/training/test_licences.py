from __future__ import annotations

import numpy as np
import pytest

from models.errors import DataError
from models.training.licences import NOT_RECORDED, origins, refuse_excluded


@pytest.mark.parametrize(
    "source",
    ["openphish/public_feed", "root-of:citizenlab/test-lists", "rf-peixoto/Phishing_Pot"],
    ids=str,
)
def test_sources_under_non_commercial_terms_are_refused_by_name(source: str) -> None:
    with pytest.raises(DataError) as refused:
        refuse_excluded(["links:a", source, source])
    assert f"'{source}' (2)" in str(refused.value)
    assert "links:a" not in str(refused.value)


def test_a_refusal_names_the_largest_and_counts_the_others() -> None:
    sources = [f"mine/{number}" for number in range(9) for _ in range(number + 1)]
    with pytest.raises(DataError, match=r"45 rows .*'mine/8' \(9\).* and 4 more"):
        refuse_excluded(sources, excluded=["mine"])


def test_other_sources_may_train() -> None:
    refuse_excluded(["Phishing-Database/Phishing.Database", "openphish"], excluded=["citizenlab"])
    refuse_excluded([])


def test_rows_are_told_by_what_they_were_taken_from_with_its_licence() -> None:
    sources = ["links:adbar/trafilatura", "page:adbar/trafilatura", "own feed", "", "own feed"]
    labels = np.array([0, 0, 1, 0, 1], np.int8)
    told = {origin.name: origin for origin in origins(sources, labels)}
    assert list(told) == ["adbar/trafilatura", "own feed", "unnamed"]
    known, own, unnamed = told.values()
    assert (known.licence, known.as_of) == ("Apache-2.0", "2026-08-21")
    assert (known.benign, known.malicious) == (2, 0)
    assert (own.licence, own.benign, own.malicious) == (NOT_RECORDED, 0, 2)
    assert (unnamed.benign, unnamed.malicious) == (1, 0)
    # Of two recorded names the longer is meant.
    (lighthouse,) = origins(["telemetry:GoogleChrome/lighthouse-ci"], np.zeros(1, np.int8))
    assert lighthouse.name == "GoogleChrome/lighthouse-ci"
