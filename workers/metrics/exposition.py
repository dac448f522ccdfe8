"""Series in Prometheus' words: a registry of its own, and the text that a scrape gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from workers.metrics.catalogue import CATALOGUE, DETECTOR, Kind, Metric
from workers.metrics.series import Series, Snapshot


class SeriesCollector:
    """Gives the registry what the series hold.

    Args:
        series: What was counted.
        detector: Told in a label of every metric.
    """

    def __init__(self, series: Series, detector: str) -> None:
        self._series = series
        self._detector = detector

    def describe(self) -> Iterable[Family]:
        """The metrics that there may be, without values."""
        return [_family(metric) for metric in CATALOGUE if not metric.standard]

    def collect(self) -> Iterator[Family]:
        """The metrics that there are."""
        for snapshot in self._series.snapshots():
            yield _filled(snapshot, self._detector)


def registry_of(series: Series, detector: str) -> CollectorRegistry:
    """A registry of this worker's metrics and those of its process."""
    registry = CollectorRegistry()
    registry.register(SeriesCollector(series, detector))
    ProcessCollector(registry=registry)
    return registry


def rendered(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """What a scrape gets, in the format that its ``Accept`` header asks for, and its type."""
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


def _family(metric: Metric) -> Family:
    labels = (DETECTOR, *metric.labels)
    match metric.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(metric.name, metric.comment, labels=labels)
        case Kind.HISTOGRAM:
            return HistogramMetricFamily(metric.name, metric.comment, labels=labels)
        case Kind.GAUGE | Kind.INFO:
            return GaugeMetricFamily(metric.name, metric.comment, labels=labels)


def _filled(snapshot: Snapshot, detector: str) -> Family:
    metric, family = snapshot.metric, _family(snapshot.metric)
    if isinstance(family, HistogramMetricFamily):
        bounds = [*map(floatToGoString, metric.buckets), "+Inf"]
        for labels, told in snapshot.distributions.items():
            upto = np.cumsum(told.counts).tolist()
            buckets = list(zip(bounds, upto, strict=True))
            family.add_metric([detector, *labels], buckets, told.total)
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        for labels, value in snapshot.values.items():
            family.add_metric([detector, *labels], value)
    return family
