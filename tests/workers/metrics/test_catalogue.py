from __future__ import annotations

import re
from collections import Counter

import pytest

from schemas.causes import Cause, Stage
from tests.workers.metrics.scraping import Scrape
from tests.workers.paths import OPERATIONS
from workers.metrics.catalogue import CATALOGUE, DETECTOR, LABELS, Kind, Metric
from workers.metrics.meters import Discard, Meters, Rebalance, Step
from workers.metrics.page import table

# https://prometheus.io/docs/practices/naming/: base units, in the plural.
BASE_UNITS = ("seconds", "bytes")
OTHER_UNITS = re.compile(r"_(ms|millis\w*|micros\w*|nanos\w*|minutes|kb|mb|kib|mib|percent)(_|$)")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)
    assert metric.name.startswith("process_" if metric.standard else "weir_")
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") == (metric.kind is Kind.INFO)
    assert not OTHER_UNITS.search(metric.name)
    # Suffixes that the format keeps for itself.
    assert not metric.name.endswith(("_count", "_sum", "_bucket", "_created"))


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_is_one_sentence_that_fits_a_line(metric: Metric) -> None:
    assert metric.comment.endswith(".")
    assert "\n" not in metric.comment
    assert len(metric.comment) <= 100
    if metric.name.removesuffix("_total").endswith(BASE_UNITS):
        assert re.search(r"Time|Age|age|Bytes|emory|CPU|since|Address", metric.comment)


def test_names_are_there_once_and_labels_are_all_explained() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    used = {label for metric in CATALOGUE for label in metric.labels} | {DETECTOR}
    assert used == set(LABELS)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_buckets_are_those_of_histograms_and_ascend(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.parametrize(
    ("label", "words"),
    [("reason", Discard), ("step", Step), ("event", Rebalance), ("stage", Stage)],
)
def test_labels_that_are_words_name_each_of_them(label: str, words: type[Step]) -> None:
    told = set(re.findall(r"[a-z]+", LABELS[label].partition(":")[0]))
    assert {word.value for word in words} <= told


def test_the_page_shows_the_catalogue() -> None:
    assert table() in OPERATIONS.read_text(), (
        "deploy/operations.md is to have what `python -m workers.metrics.page` prints"
    )


def test_the_page_speaks_of_no_metric_that_there_is_not() -> None:
    known = {metric.name for metric in CATALOGUE}
    known |= {
        f"{metric.name}_{part}"
        for metric in CATALOGUE
        if metric.kind is Kind.HISTOGRAM
        for part in ("bucket", "count", "sum")
    }
    assert set(re.findall(r"\bweir_[a-z_]+[a-z]\b", OPERATIONS.read_text())) <= known


def test_a_scrape_has_nothing_but_the_catalogue_each_with_its_comment() -> None:
    meters = Meters("url")
    meters.refused(Stage.DECODE, Counter([Cause.NOT_JSON]))

    scraped = Scrape.of(meters)

    known = {metric.name.removesuffix("_total"): metric for metric in CATALOGUE}
    assert scraped.families
    for name, family in scraped.families.items():
        metric = known[name]
        kind = "gauge" if metric.kind is Kind.INFO else metric.kind.value
        assert family.type == kind
        if not metric.standard:
            assert family.documentation == metric.comment
            for sample in family.samples:
                labels = {DETECTOR, *metric.labels}
                if sample.name.endswith("_bucket"):
                    labels.add("le")
                assert set(sample.labels) == labels
