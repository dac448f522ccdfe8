"""What a scrape gives, read as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from workers.metrics.exposition import registry_of, rendered
from workers.metrics.meters import Meters


class Scrape:
    """One scrape, parsed.

    Args:
        text: In Prometheus' text format.
    """

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples: list[Sample] = [s for f in self.families.values() for s in f.samples]

    @classmethod
    def of(cls, meters: Meters) -> Scrape:
        body, _ = rendered(registry_of(meters.series, meters.detector), "")
        return cls(body.decode())

    def value(self, name: str, /, **labels: str) -> float:
        """Of the one series that has these labels, among others."""
        (found,) = self.by(name, *labels).get(tuple(labels.values()), [None])
        assert found is not None, f"{name} has no series {labels}"
        return found

    def total(self, name: str) -> float:
        """The sum of all series of that name."""
        return sum(sample.value for sample in self.samples if sample.name == name)

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], list[float]]:
        """Values of the series of that name, by the values of some labels."""
        found: dict[tuple[str, ...], list[float]] = {}
        for sample in self.samples:
            if sample.name == name:
                key = tuple(sample.labels[label] for label in labels)
                found.setdefault(key, []).append(sample.value)
        return found

    def counts(self, name: str, *labels: str) -> dict[tuple[str, ...], int]:
        """Whole counts above 0, by the values of some labels."""
        return {
            key: int(sum(values)) for key, values in self.by(name, *labels).items() if sum(values)
        }
