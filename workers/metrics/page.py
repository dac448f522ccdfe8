"""The catalogue as a table for people: ``python -m workers.metrics.page``.

It stands in `deploy/operations.md`, and a test holds the two against each other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from workers.metrics.catalogue import CATALOGUE, DETECTOR, LABELS


def table() -> str:
    """The metrics and then the values of their labels, in Markdown."""
    return "\n".join([*_metrics(), "", *_labels(), ""])


def _metrics() -> Iterator[str]:
    yield "| metric | kind | labels | |"
    yield "|---|---|---|---|"
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.comment} |"


def _labels() -> Iterator[str]:
    used = {label for metric in CATALOGUE for label in metric.labels} | {DETECTOR}
    yield "| label | values |"
    yield "|---|---|"
    for label, values in LABELS.items():
        if label in used:
            yield f"| `{label}` | {values} |"


if __name__ == "__main__":
    sys.stdout.write(table())
