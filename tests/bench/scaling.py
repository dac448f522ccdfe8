"""Replicas against partitions: measured as far as this machine goes, modelled past it.

The model: a replica alone reaches a rate that its own thread of Python or its engine bounds, and
replicas share the cores. An event costs so much CPU time in a replica and in the node, whoever
else runs. So n replicas on c cores judge

    least of: n x what one replica reaches alone, and c / (CPU time an event, of both)

at one replica a core at the most, and no more replicas than partitions have work. The node is taken
to be on the same cores, as here; on machines of its own its part falls away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from models.cores import usable_cores
from tests.bench.ground import PARTITIONS
from tests.bench.results import Sample
from tests.bench.topic_to_topic import RATE

MODELLED: Final = "scaling, modelled"
_CORES: Final = (2, 4, 8, 16, 32)


def cores_here() -> int:
    """Cores that this process may run on."""
    return usable_cores()


def replicas_here() -> list[int]:
    """How many replicas are worth a try here: up to the cores, and to the partitions."""
    return [count for count in (1, 2, 4) if count <= min(cores_here(), PARTITIONS)]


def modelled(alone: Sequence[Sample]) -> Iterator[Sample]:
    """What machines of other sizes would do, from the rounds of one replica alone here.

    The rate of one replica is at least what it was here; where the node took part of its cores,
    that is what it is held to.
    """
    best = max(alone, key=lambda sample: sample.values[RATE])
    one = best.values[RATE]
    cost = (best.values["worker CPU µs/event"] + best.values["node CPU µs/event"]) / 1e6
    for cores in _CORES:
        # The last one may find less than it could use, which the cores see to below.
        replicas = min(cores, math.ceil(cores / (one * cost)))
        yield Sample(
            part=MODELLED,
            subject=best.subject,
            contestant=f"{cores} cores, {replicas} replicas, as many partitions or more",
            round=0,
            values={RATE: min(replicas * one, cores / cost)},
        )
