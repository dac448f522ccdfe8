"""Values of the metrics of a catalogue. Thread-safe; whole batches are taken in at one go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import ArrayLike, NDArray

from workers.metrics.catalogue import CATALOGUE, Kind, Metric

journal = structlog.get_logger(__name__)

LabelValues = tuple[str, ...]
Reading = Callable[[], Mapping[LabelValues, float]]


@dataclass(slots=True, kw_only=True)
class Distribution:
    """A histogram.

    Attributes:
        counts: int64[k + 1], values in each of k buckets and above the last.
        total: The sum of all values.
    """

    counts: NDArray[np.int64]
    total: float = 0.0


@dataclass(slots=True)
class _Family:
    """The series of one metric, by the values of its labels."""

    values: dict[LabelValues, float] = field(default_factory=dict)
    distributions: dict[LabelValues, Distribution] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All series of a metric at one moment, by the values of its labels."""

    metric: Metric
    values: Mapping[LabelValues, float]
    distributions: Mapping[LabelValues, Distribution]


class Series:
    """Holds what has been counted and measured.

    Args:
        catalogue: The metrics that there are. Those without labels begin at 0, but for gauges
            that are read or set later.
    """

    def __init__(self, catalogue: Sequence[Metric] = CATALOGUE) -> None:
        self._lock = threading.Lock()
        self._families = {metric: _Family() for metric in catalogue if not metric.standard}
        self._bounds = {
            metric: np.array(metric.buckets, np.float64)
            for metric in self._families
            if metric.kind is Kind.HISTOGRAM
        }
        self._readings: dict[Metric, Reading] = {}
        for metric in self._families:
            if metric.kind is Kind.COUNTER and not metric.labels:
                self.add(metric, 0)
            if metric.kind is Kind.HISTOGRAM and not metric.labels:
                self.observe(metric, [])

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Count ``amount`` more."""
        self.add_all(metric, {labels: amount})

    def add_all(self, metric: Metric, amounts: Mapping[LabelValues, float]) -> None:
        """Count more in several series of a metric at one moment.

        Raises:
            ValueError: labels are missing or too many.
        """
        with self._lock:
            values = self._families[metric].values
            for labels, amount in amounts.items():
                values[_fitting(metric, labels)] = values.get(labels, 0) + amount

    def put(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._families[metric].values[_fitting(metric, labels)] = value

    def replace(self, metric: Metric, values: Mapping[LabelValues, float]) -> None:
        """Set all series of a gauge; those that are not named are gone."""
        with self._lock:
            self._families[metric].values = {_fitting(metric, k): v for k, v in values.items()}

    def observe(self, metric: Metric, values: ArrayLike, *labels: str) -> None:
        """Take n values into a histogram; such as are not a number are left out."""
        found = np.asarray(values, np.float64).ravel()
        found = found[~np.isnan(found)]
        bounds = self._bounds[metric]
        # A bucket holds its upper bound: `np.histogram` would put that into the next.
        counts = np.bincount(
            np.searchsorted(bounds, found, side="left"), minlength=len(bounds) + 1
        ).astype(np.int64)
        total = float(found.sum())
        with self._lock:
            distributions = self._families[metric].distributions
            known = distributions.get(_fitting(metric, labels))
            if known is None:
                distributions[labels] = Distribution(counts=counts, total=total)
            else:
                known.counts += counts
                known.total += total

    def read_on_scrape(self, metric: Metric, reading: Reading) -> None:
        """Let a gauge be what ``reading`` gives, which is called by the thread that scrapes."""
        self._readings[metric] = reading

    def values(self, metric: Metric) -> dict[LabelValues, float]:
        """The series of a counter or gauge now, by the values of their labels."""
        with self._lock:
            return dict(self._families[metric].values)

    def snapshots(self) -> Iterator[Snapshot]:
        """Everything now, in the order of the catalogue; a metric without any series is left out.

        All that was counted is of one moment.
        """
        # Before the lock: a reading may want a lock of its own, whose holder may want to count.
        read = {metric: _read(metric, reading) for metric, reading in self._readings.items()}
        with self._lock:
            held = {
                metric: (
                    dict(family.values),
                    {
                        labels: Distribution(counts=d.counts.copy(), total=d.total)
                        for labels, d in family.distributions.items()
                    },
                )
                for metric, family in self._families.items()
            }
        for metric, (values, distributions) in held.items():
            now = values | read.get(metric, {})
            if now or distributions:
                yield Snapshot(metric=metric, values=now, distributions=distributions)


def _read(metric: Metric, reading: Reading) -> dict[LabelValues, float]:
    try:
        return dict(reading())
    except Exception as error:  # noqa: BLE001 - one gauge that cannot be read costs itself alone
        journal.warning("a metric cannot be read", metric=metric.name, error=str(error))
        return {}


def _fitting(metric: Metric, labels: LabelValues) -> LabelValues:
    if len(labels) != len(metric.labels):
        raise ValueError(f"metric {metric.name} has the labels {metric.labels}, not {labels}")
    return labels
