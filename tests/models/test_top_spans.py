from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.evidence import SPAN_SHARE, Span, top_spans

PARTS = st.lists(st.floats(-10, 10, width=32).map(lambda part: round(part, 3)), max_size=40).map(
    lambda parts: np.array(parts, np.float32)
)


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
    for start, end, weight in top_spans(parts, len(parts) + 1):
        assert weight == pytest.approx(float(parts[start:end].sum(dtype=np.float64)), abs=1e-5)


@given(PARTS)
@settings(deadline=None)
def test_exactly_the_strong_characters_and_single_gaps_between_them_are_covered(
    parts: NDArray[np.float32],
) -> None:
    covered = np.zeros(len(parts), np.bool_)
    for start, end, _ in top_spans(parts, len(parts) + 1):
        covered[start:end] = True
    largest = parts.max() if len(parts) else 0
    strong = (parts >= SPAN_SHARE * float(largest)) & (largest > 0)
    bridged = np.zeros_like(strong)
    bridged[1:-1] = ~strong[1:-1] & strong[:-2] & strong[2:]
    assert np.array_equal(covered, strong | bridged)


def test_nothing_speaks_for_malicious_where_no_part_is_above_zero() -> None:
    assert top_spans(np.array([-1.0, 0.0, -2.0], np.float32), 3) == []


def test_two_words_are_two_spans() -> None:
    parts = np.array([0, 2, 2, 0, 0, 0, 3, 3, 0], np.float32)
    assert top_spans(parts, 3) == [Span(6, 8, 6.0), Span(1, 3, 4.0)]


def test_a_single_lighter_character_does_not_break_a_span() -> None:
    parts = np.array([1, 1, 0, 1, 0, 0, 1], np.float32)
    assert top_spans(parts, 3) == [Span(0, 4, 3.0), Span(6, 7, 1.0)]
