from __future__ import annotations

import json

import pytest

from models.errors import ArtefactError
from models.html.architecture import MOST_LAYERS, MOST_UNITS, InspectorSizes
from tests.models.html.reference import SIZES

GOOD = InspectorSizes().parameters


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_a_manifest_gives_back_the_sizes(sizes: InspectorSizes) -> None:
    manifest = json.loads(json.dumps(sizes.parameters))
    assert InspectorSizes.from_parameters(manifest) == sizes


HOSTILE: dict[str, tuple[dict[str, object], str]] = {
    "no kind": ({key: value for key, value in GOOD.items() if key != "kind"}, "kind None"),
    "another kind": ({**GOOD, "kind": "character-convolutions"}, "page-inspector"),
    "a kind that is no text": ({**GOOD, "kind": [1] * 10_000}, "is unknown here"),
    "a field too many": ({**GOOD, "extra": 1}, "extra"),
    "a field too few": ({"kind": GOOD["kind"], "dropout": 0.2}, "expected"),
    "no inspector": ({**GOOD, "inspector": []}, "at least one"),
    "inspector a number": ({**GOOD, "inspector": 256}, "not a list"),
    "inspector a text": ({**GOOD, "inspector": "256"}, "not a list"),
    "units a text": ({**GOOD, "master": ["256"]}, "master"),
    "units a truth": ({**GOOD, "master": [True]}, "master"),
    "units a fraction": ({**GOOD, "inspector": [1.5]}, "inspector"),
    "no units": ({**GOOD, "inspector": [0]}, "inspector"),
    "fewer than no units": ({**GOOD, "inspector": [-1]}, "inspector"),
    "too many units": ({**GOOD, "master": [MOST_UNITS + 1]}, "master"),
    "too many layers": ({**GOOD, "inspector": [1] * (MOST_LAYERS + 1)}, "at most"),
    "too many weights": ({**GOOD, "inspector": [50_000, 1]}, "at most"),
    "dropout a text": ({**GOOD, "dropout": "0.2"}, "dropout"),
    "dropout a truth": ({**GOOD, "dropout": True}, "dropout"),
    "dropout of all": ({**GOOD, "dropout": 1.0}, "dropout"),
    "dropout below none": ({**GOOD, "dropout": -0.1}, "dropout"),
    "dropout no number": ({**GOOD, "dropout": float("nan")}, "dropout"),
}


@pytest.mark.parametrize(("parameters", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_manifest_is_refused_and_the_fault_named(
    parameters: dict[str, object], told: str
) -> None:
    with pytest.raises(ArtefactError, match=told) as refusal:
        InspectorSizes.from_parameters(parameters)
    assert len(str(refusal.value)) < 500


def test_the_paper_s_sizes() -> None:
    # Saxe, Harang, Wild, Sanders, arXiv 1804.05020: 1,024 bins and four layers of 1,024 units.
    paper = InspectorSizes(inspector=(1024, 1024), master=(1024, 1024))
    assert paper.weights == 4 * (1024 * 1024 + 1024) + 2 * 2 * 1024 + 1024 + 1
