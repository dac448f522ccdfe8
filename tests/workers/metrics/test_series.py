from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from tests.workers.metrics.scraping import Scrape
from workers.metrics.catalogue import EVENTS, LAG, SCORE, STEP_DURATION, VERDICTS
from workers.metrics.meters import Meters
from workers.metrics.series import Series


@given(
    st.lists(
        st.lists(st.one_of(st.floats(0, 2), st.sampled_from(SCORE.buckets)), max_size=20),
        max_size=5,
    )
)
def test_a_histogram_of_batches_is_that_of_their_values_one_by_one(
    batches: Sequence[Sequence[float]],
) -> None:
    meters = Meters("url")
    registry = CollectorRegistry()
    one_by_one = Histogram("reference", "", buckets=SCORE.buckets, registry=registry)
    for batch in batches:
        meters.series.observe(SCORE, np.array(batch, np.float64))
        for value in batch:
            one_by_one.observe(value)

    ours, reference = Scrape.of(meters), Scrape(generate_latest(registry).decode())

    assert ours.by(f"{SCORE.name}_bucket", "le") == reference.by("reference_bucket", "le")
    assert ours.total(f"{SCORE.name}_count") == reference.total("reference_count")
    assert ours.total(f"{SCORE.name}_sum") == pytest.approx(reference.total("reference_sum"))


def test_what_is_not_a_number_is_no_value() -> None:
    series = Series()
    series.observe(SCORE, [0.5, np.nan])

    (score,) = [snapshot for snapshot in series.snapshots() if snapshot.metric is SCORE]

    assert score.distributions[()].counts.sum() == 1
    assert score.distributions[()].total == 0.5


def test_threads_lose_nothing() -> None:
    series = Series()
    begin = threading.Barrier(4)

    def count() -> None:
        begin.wait()
        for _ in range(2_000):
            series.add(EVENTS, 1)
            series.observe(STEP_DURATION, [0.1, 0.2], "decode")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        list(series.snapshots())
    for thread in threads:
        thread.join()

    snapshots = {snapshot.metric: snapshot for snapshot in series.snapshots()}
    assert snapshots[EVENTS].values[()] == 8_000
    assert snapshots[STEP_DURATION].distributions["decode",].counts.sum() == 16_000


def test_a_snapshot_stays_as_it_was() -> None:
    series = Series()
    series.observe(SCORE, [0.5])
    (before,) = [snapshot for snapshot in series.snapshots() if snapshot.metric is SCORE]
    series.observe(SCORE, [0.5])
    assert before.distributions[()].counts.sum() == 1


def test_a_gauge_forgets_what_is_not_set_again() -> None:
    series = Series()
    series.replace(LAG, {("0",): 5, ("1",): 6})
    series.replace(LAG, {("1",): 7})
    assert series.values(LAG) == {("1",): 7}


@pytest.mark.parametrize("labels", [(), ("benign", "url")])
def test_labels_must_fit(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="weir_verdicts_total has the labels"):
        Series().add(VERDICTS, 1, *labels)
