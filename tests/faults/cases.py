"""Which faults the tests go through, with which delivery and client; the soak has all."""

from __future__ import annotations

from tests.contracts.worlds import CLIENTS
from tests.faults.trial import Outcome

ONCE, LEAST = "exactly-once", "at-least-once"
TIMES = {"sigkill": 2, "sigterm": 2}
EVENTS = 3_000


def hold(outcome: Outcome, *, repeats: bool) -> None:
    """Every event came out, and no other; twice only where that may be."""
    counts = outcome.account.counts
    assert counts.events >= EVENTS
    assert outcome.account.holds(exactly_once=outcome.exact or not repeats), counts
    assert counts.verdicts > 0
    assert counts.dead_letters > 0
    assert set(outcome.codes) == {0}, outcome.journals


def of_both(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Cases of kafka-python, and those of the second client."""
    return [
        (*case, client)
        for client, some in zip(CLIENTS, (first, second), strict=True)
        for case in some
    ]
