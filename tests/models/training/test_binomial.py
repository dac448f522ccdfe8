from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.binomial import DOUBT, most_for, upper_bound

COUNTED = st.integers(1, 3000).flatmap(lambda of: st.tuples(st.integers(0, of - 1), st.just(of)))


@pytest.mark.parametrize(
    ("count", "of", "bound"),
    # 1 - 0.05 ** (1 / n), the "rule of three"; then the 95 % points of Beta(count + 1, n - count).
    [(0, 1646, 0.0018184), (0, 2995, 0.0009998), (1, 1646, 0.0028788), (41, 55_005, 0.00096703)],
    ids=str,
)
def test_upper_bounds_are_as_tabulated(count: int, of: int, bound: float) -> None:
    assert upper_bound(count, of) == pytest.approx(bound, rel=1e-4)


@given(COUNTED)
@settings(deadline=None)
def test_at_the_bound_so_few_come_about_with_the_chance_of_doubt(row: tuple[int, int]) -> None:
    count, of = row
    bound = upper_bound(count, of)
    assert count / of < bound <= 1
    chance = math.fsum(
        math.exp(
            math.lgamma(of + 1)
            - math.lgamma(seen + 1)
            - math.lgamma(of - seen + 1)
            + seen * math.log(bound)
            + (of - seen) * math.log1p(-bound)
        )
        for seen in range(count + 1)
    )
    assert chance == pytest.approx(DOUBT, rel=1e-6)


def test_all_of_all_and_none_of_none_bound_nothing() -> None:
    assert upper_bound(5, 5) == upper_bound(0, 0) == 1


@given(rate=st.floats(1e-4, 0.5), of=st.integers(1, 20_000))
@settings(deadline=None)
def test_the_most_for_a_rate_is_the_last_count_whose_bound_is_within_it(
    rate: float, of: int
) -> None:
    most = most_for(rate, of)
    if most is None:
        assert upper_bound(0, of) > rate - 1e-12
    else:
        assert upper_bound(most, of) <= rate + 1e-12
        assert upper_bound(most + 1, of) > rate - 1e-12


@pytest.mark.parametrize(
    ("of", "most"), [(2994, None), (2995, 0), (55_005, 42), (400_000, 366)], ids=str
)
def test_counts_that_show_a_thousandth(of: int, most: int | None) -> None:
    assert most_for(1e-3, of) == most
