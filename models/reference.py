"""What a model saw when it was validated: how its logits lie, and which tokens are common.

Traffic is held against it to see whether it drifts (`workers.service.drift`). Rows of validation
are weighted to the calibration's prior, since a data set has many more malicious rows than the
world has.

A token is what a featuriser makes of its subjects: the code of a character, the bin of a word of a
page. Those that are rare make up at most one in a hundred together. Of traffic like validation's
they are as few; where they are many, the network judges by what it has hardly met.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.artefact import Artefact
from models.artefact.manifest import finite
from models.errors import ArtefactError

KEY = "reference"
"""In a manifest."""

# Of models that were published before manifests had a reference, by digest.
_KNOWN = Path(__file__).parent / "artefacts" / "references.json"
# Bins of equal mass, as is usual for the index; thresholds cut two of them once more.
QUANTILES = 10
RARE_SHARE = 0.01
# More tokens than any featuriser has.
_MOST_TOKENS = 65_536
_MOST_EDGES = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Distributions to compare with.

    Attributes:
        rows: Subjects that it is of.
        edges: float64[k], logits that bound the bins, ascending; a bin holds its lower edge.
        shares: float64[k + 1], of all subjects in each bin; they sum to 1.
        common: bool[t], which tokens are not rare.
        rare: Share of all tokens that are.
    """

    rows: int
    edges: NDArray[np.float64]
    shares: NDArray[np.float64]
    common: NDArray[np.bool_]
    rare: float

    @classmethod
    def of(
        cls,
        logits: NDArray[np.floating],
        tokens: NDArray[np.floating | np.integer],
        *,
        weights: NDArray[np.float64] | None = None,
        thresholds: Sequence[float] = (),
    ) -> Self:
        """The reference that n subjects make.

        Args:
            logits: float[n], n being 1 or more.
            tokens: Numbers [t], how much there is of each token.
            weights: float64[n], of the subjects; alike by default.
            thresholds: Logits that are to be edges too.
        """
        exact = logits.astype(np.float64)
        weights = np.ones(len(exact)) if weights is None else weights
        weights = weights / weights.sum()
        order = np.argsort(exact, kind="stable")
        upto = np.cumsum(weights[order])
        at = np.searchsorted(upto, np.arange(1, QUANTILES) / QUANTILES)
        edges = np.unique([*exact[order][np.minimum(at, len(exact) - 1)], *thresholds])
        shares = np.bincount(
            np.searchsorted(edges, exact, side="right"), weights, minlength=len(edges) + 1
        )
        amounts = tokens / max(1.0, float(tokens.sum()))
        rising = np.argsort(amounts, kind="stable")
        common = np.ones(len(amounts), np.bool_)
        common[rising[np.cumsum(amounts[rising]) <= RARE_SHARE]] = False
        return cls(
            rows=len(exact),
            edges=edges,
            shares=np.asarray(shares, np.float64),
            common=common,
            rare=float(amounts[~common].sum()),
        )

    @classmethod
    def stated(cls, told: Any) -> Self:
        """Read what `as_json` gives.

        Raises:
            ArtefactError: it is anything else.
        """
        if not isinstance(told, Mapping):
            raise ArtefactError("the reference is no object")
        rows, size = (_whole(told.get(key), key) for key in ("rows", "tokens"))
        edges, shares = (_numbers(told.get(key), key) for key in ("edges", "shares"))
        numbers = told.get("common")
        if (
            not isinstance(numbers, list)
            or not all(isinstance(one, int) and 0 <= one < size for one in numbers)
            or len(shares) != len(edges) + 1
            or any(low >= high for low, high in pairwise(edges))
            or min(shares) < 0
            or abs(sum(shares) - 1) > 1e-3  # noqa: PLR2004 - rounding of a few hundred numbers
        ):
            raise ArtefactError("the reference's edges, shares and tokens do not fit together")
        common = np.zeros(size, np.bool_)
        common[numbers] = True
        rare = finite(told.get("rare"), "rare of the reference")
        if not 0 <= rare <= 1:
            raise ArtefactError(f"rare of the reference is {rare}, expected 0 to 1")
        return cls(
            rows=rows,
            edges=np.array(edges, np.float64),
            shares=np.array(shares, np.float64),
            common=common,
            rare=rare,
        )

    def as_json(self) -> dict[str, object]:
        """For manifests."""
        return {
            "rows": self.rows,
            "edges": self.edges.tolist(),
            "shares": self.shares.tolist(),
            "tokens": len(self.common),
            "common": np.flatnonzero(self.common).tolist(),
            "rare": self.rare,
        }

    def count(self, logits: NDArray[np.floating]) -> NDArray[np.int64]:
        """How many of n logits lie in each bin: int64[k + 1]."""
        bins = np.searchsorted(self.edges, logits.astype(np.float64), side="right")
        return np.bincount(bins, minlength=len(self.shares))

    def count_rare(self, tokens: NDArray[np.integer]) -> int:
        """How many of the tokens [t], counted by number, are rare; unknown numbers are."""
        known = tokens[: len(self.common)]
        return int(tokens.sum() - known[self.common[: len(known)]].sum())


def reference_of(artefact: Artefact) -> Reference | None:
    """What an artefact's manifest states, or what is known of the artefact; None if nothing is.

    Raises:
        ArtefactError: the manifest states something that is none.
    """
    told = artefact.manifest.get(KEY) or _known().get(artefact.digest)
    return None if told is None else Reference.stated(told)


def stability_index(
    counts: NDArray[np.floating | np.integer], shares: NDArray[np.float64], rows: int
) -> float:
    """Population stability index of n subjects against shares that ``rows`` subjects had.

    ``sum((p - q) * log(p / q))`` over the bins, the sum of both Kullback-Leibler divergences:
    0 for the same distribution. By custom less than 0.1 is no change, and more than 0.25 a large
    one (Siddiqi, Credit Risk Scorecards, 2006; its distribution under no change is about a
    chi-square's of k - 1 degrees of freedom times 1/n + 1/rows: Yurdakul and Naranjo 2020,
    doi 10.21314/JRMV.2020.227). Half a subject is added to every bin, so that none is empty.

    Args:
        counts: Numbers [k].
        shares: float64[k], which sum to 1.
        rows: Subjects that the shares are of.
    """
    k = len(shares)
    p = (counts + 0.5) / (float(counts.sum()) + 0.5 * k)
    q = (shares * rows + 0.5) / (rows + 0.5 * k)
    return float(((p - q) * np.log(p / q)).sum())


@cache
def _known() -> Mapping[str, Any]:
    known: Mapping[str, Any] = json.loads(_KNOWN.read_bytes())
    return known


def _whole(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ArtefactError(f"{key} of the reference is no whole number from 1")
    if key == "tokens" and value > _MOST_TOKENS:
        raise ArtefactError(f"tokens of the reference are {value}, expected {_MOST_TOKENS} at most")
    return value


def _numbers(value: object, key: str) -> list[float]:
    if not isinstance(value, list) or not len(value) <= _MOST_EDGES:
        raise ArtefactError(f"{key} of the reference is no list of up to {_MOST_EDGES} numbers")
    return [finite(one, f"{key} of the reference") for one in value]
