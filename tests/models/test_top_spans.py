from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import evidence
from models.evidence import SPAN_SHARE, WEIGHT_SHARE, Span

# Quarters, which float32 adds up exactly.
PARTS = st.lists(st.integers(-40, 40), max_size=40).map(
    lambda quarters: np.array(quarters, np.float32) / 4
)


def top_spans(parts: NDArray[np.float32], most: int) -> list[Span]:
    (spans,) = evidence.top_spans(parts[np.newaxis], most)
    return spans


@given(PARTS, st.integers(1, 5))
@settings(deadline=None)
def test_spans_lie_in_the_text_apart_from_each_other_heaviest_first(
    parts: NDArray[np.float32], most: int
) -> None:
    spans = top_spans(parts, most)
    assert len(spans) <= most
    assert [span.weight for span in spans] == sorted((s.weight for s in spans), reverse=True)
    in_order = sorted(spans)
    assert all(0 <= span.start < span.end <= len(parts) for span in spans)
    assert all(one.end < other.start for one, other in itertools.pairwise(in_order))


@given(PARTS)
@settings(deadline=None)
def test_a_span_weighs_what_its_characters_weigh(parts: NDArray[np.float32]) -> None:
    for span in top_spans(parts, len(parts) + 1):
        assert span.weight == float(parts[span.start : span.end].sum())
        assert (span.kind, span.text) == ("characters", None)


@given(PARTS)
@settings(deadline=None)
def test_spans_are_the_heavy_runs_of_strong_characters_with_single_gaps_bridged(
    parts: NDArray[np.float32],
) -> None:
    largest = float(parts.max()) if len(parts) else 0.0
    strong = [largest > 0 and part >= SPAN_SHARE * largest for part in parts.tolist()]
    inside = [
        here or (0 < number < len(strong) - 1 and strong[number - 1] and strong[number + 1])
        for number, here in enumerate(strong)
    ]
    runs: list[Span] = []
    for number in (number for number, is_inside in enumerate(inside) if is_inside):
        start = runs.pop().start if runs and runs[-1].end == number else number
        runs.append(Span(start, number + 1, float(parts[start : number + 1].sum())))
    heaviest = max((run.weight for run in runs), default=0.0)
    assert set(top_spans(parts, len(parts) + 1)) == {
        run for run in runs if run.weight >= WEIGHT_SHARE * heaviest
    }


def test_nothing_speaks_for_malicious_where_no_part_is_above_zero() -> None:
    assert top_spans(np.array([-1.0, 0.0, -2.0], np.float32), 3) == []


def test_two_words_are_two_spans() -> None:
    parts = np.array([0, 2, 2, 0, 0, 0, 3, 3, 0], np.float32)
    assert top_spans(parts, 3) == [Span(6, 8, 6.0), Span(1, 3, 4.0)]


def test_a_single_lighter_character_does_not_break_a_span() -> None:
    parts = np.array([1, 1, 0, 1, 0, 0, 1], np.float32)
    assert top_spans(parts, 3) == [Span(0, 4, 3.0), Span(6, 7, 1.0)]
