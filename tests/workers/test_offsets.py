"""Positions follow what is settled: never ahead of it, past every gap, and per assignment."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from numpy.typing import NDArray

from workers.log.contract import Records, TopicPartition
from workers.offsets import OffsetTracker

TOPIC = "telemetry.urls"
ZERO = TopicPartition(TOPIC, 0)
ONE = TopicPartition(TOPIC, 1)


def records(partitions: list[int], offsets: list[int]) -> Records:
    n = len(offsets)
    return Records(
        topic=TOPIC,
        partitions=np.array(partitions, np.int32),
        offsets=np.array(offsets, np.int64),
        timestamps=np.zeros(n, np.int64),
        keys=[None] * n,
        values=[b""] * n,
        headers=[()] * n,
    )


def settle(
    tracker: OffsetTracker, polled: Records, epochs: NDArray[np.int64], rows: list[int]
) -> None:
    chosen = np.array(rows, np.int64)
    tracker.settle(TOPIC, polled.partitions[chosen], polled.offsets[chosen], epochs[chosen])


def test_a_position_waits_for_the_oldest_record() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0, 0, 0], [10, 11, 12])
    epochs = tracker.track(polled)
    tracker.advance({ZERO: 13})

    settle(tracker, polled, epochs, [1, 2])
    assert tracker.committable() == {ZERO: 10}

    settle(tracker, polled, epochs, [0])
    assert tracker.committable() == {ZERO: 13}
    assert tracker.outstanding() == 0


def test_partitions_do_not_wait_for_each_other() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO, ONE])
    polled = records([0, 1, 0, 1], [0, 0, 1, 1])
    epochs = tracker.track(polled)
    tracker.advance({ZERO: 2, ONE: 2})
    settle(tracker, polled, epochs, [1, 3])
    assert tracker.committable()[ONE] == 2
    assert tracker.committable()[ZERO] == 0


def test_a_position_moves_past_gaps_and_markers() -> None:
    # Offsets 3 and 4 were compacted away; 6 and 7 are transaction markers.
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0, 0], [2, 5])
    epochs = tracker.track(polled)
    tracker.advance({ZERO: 8})
    settle(tracker, polled, epochs, [0])
    assert tracker.committable() == {ZERO: 5}
    settle(tracker, polled, epochs, [1])
    assert tracker.committable() == {ZERO: 8}


def test_a_partition_of_markers_alone_is_committed_past_them() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    tracker.advance({ZERO: 4})
    assert tracker.committable() == {}
    tracker.advance({ZERO: 6})
    assert tracker.committable() == {ZERO: 6}


def test_what_is_committed_is_not_committed_again() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0], [0])
    epochs = tracker.track(polled)
    tracker.advance({ZERO: 1})
    settle(tracker, polled, epochs, [0])
    tracker.committed(tracker.committable())
    assert tracker.committable() == {}


def test_late_acknowledgements_of_an_earlier_assignment_are_ignored() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0, 0], [0, 1])
    before = tracker.track(polled)
    tracker.close([ZERO])
    tracker.open([ZERO])
    now = tracker.track(polled)
    tracker.advance({ZERO: 2})

    settle(tracker, polled, before, [0, 1])
    assert tracker.outstanding() == 2
    assert tracker.committable() == {ZERO: 0}

    settle(tracker, polled, now, [0, 1])
    assert tracker.committable() == {ZERO: 2}


def test_acknowledgements_after_revocation_are_ignored() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0], [0])
    epochs = tracker.track(polled)
    tracker.close([ZERO])
    settle(tracker, polled, epochs, [0])
    assert tracker.committable() == {}


def test_settling_twice_is_settling_once() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0, 0], [0, 1])
    epochs = tracker.track(polled)
    tracker.advance({ZERO: 2})
    settle(tracker, polled, epochs, [0])
    settle(tracker, polled, epochs, [0])
    assert tracker.committable() == {ZERO: 1}


def test_records_of_a_partition_that_is_not_ours_are_refused() -> None:
    with pytest.raises(KeyError):
        OffsetTracker().track(records([0], [0]))


def test_waiting_ends_when_the_last_record_settles() -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO, ONE])
    polled = records([0, 1], [0, 0])
    epochs = tracker.track(polled)
    assert not tracker.wait_settled([ZERO], 0)
    thread = threading.Thread(target=settle, args=(tracker, polled, epochs, [0]))
    thread.start()
    assert tracker.wait_settled([ZERO], 60)
    thread.join()
    assert not tracker.wait_settled([ONE], 0)
    assert not tracker.wait_settled(None, 0)
    settle(tracker, polled, epochs, [1])
    assert tracker.wait_settled(None, 0)


@given(
    offsets=st.sets(st.integers(0, 200), min_size=1, max_size=40).map(sorted),
    data=st.data(),
)
def test_the_position_is_the_first_unsettled_offset(
    offsets: list[int], data: st.DataObject
) -> None:
    tracker = OffsetTracker()
    tracker.open([ZERO])
    polled = records([0] * len(offsets), offsets)
    epochs = tracker.track(polled)
    end = offsets[-1] + data.draw(st.integers(1, 5), label="end")
    tracker.advance({ZERO: end})
    order = data.draw(st.permutations(range(len(offsets))), label="order")
    waiting = set(offsets)
    for row in order:
        settle(tracker, polled, epochs, [row])
        waiting.remove(offsets[row])
        assert tracker.committable()[ZERO] == min(waiting, default=end)


class Assignments(RuleBasedStateMachine):
    """Polls, acknowledgements in any order, revocations and re-assignments against a plain model.

    A log with gaps is read from the committed position on; batches outlive assignments.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tracker = OffsetTracker()
        self.owned = False
        self.next_offset = 0
        self.committed = 0
        self.in_flight: list[tuple[Records, NDArray[np.int64], int]] = []
        self.delivered: set[int] = set()  # offsets that were acknowledged at any time
        self.known: set[int] = set()  # offsets that exist
        self.assignment = 0

    @precondition(lambda self: not self.owned)
    @rule()
    def assign(self) -> None:
        self.owned = True
        self.assignment += 1
        self.next_offset = self.committed
        self.tracker.open([ZERO])
        self.tracker.advance({ZERO: self.next_offset})

    @precondition(lambda self: self.owned)
    @rule(gaps=st.lists(st.integers(0, 2), min_size=1, max_size=5), trailing=st.integers(0, 2))
    def poll(self, gaps: list[int], trailing: int) -> None:
        if any(offset >= self.next_offset for offset in self.known):
            # After a re-assignment the same records come again.
            offsets = sorted(o for o in self.known if o >= self.next_offset)
            end = offsets[-1] + 1
        else:
            offsets = []
            end = self.next_offset
            for gap in gaps:
                offsets.append(end + gap)
                end = offsets[-1] + 1
        self.known.update(offsets)
        polled = records([0] * len(offsets), offsets)
        self.in_flight.append((polled, self.tracker.track(polled), self.assignment))
        self.next_offset = end + trailing
        self.tracker.advance({ZERO: self.next_offset})

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        polled, epochs, assignment = data.draw(st.sampled_from(self.in_flight))
        rows = data.draw(st.lists(st.integers(0, len(polled) - 1), min_size=1, unique=True))
        settle(self.tracker, polled, epochs, rows)
        if self.owned and assignment == self.assignment:
            self.delivered.update(polled.offsets[rows].tolist())

    @precondition(lambda self: self.owned)
    @rule()
    def commit(self) -> None:
        positions = self.tracker.committable()
        self.tracker.committed(positions)
        self.committed = positions.get(ZERO, self.committed)

    @precondition(lambda self: self.owned)
    @rule()
    def lose(self) -> None:
        self.owned = False
        self.tracker.close([ZERO])

    @invariant()
    def nothing_undelivered_is_committed(self) -> None:
        behind = {offset for offset in self.known if offset < self.committed}
        assert behind <= self.delivered

    @invariant()
    def all_delivered_means_lag_zero(self) -> None:
        if self.owned and self.tracker.outstanding() == 0:
            position = self.tracker.committable().get(ZERO, self.committed)
            assert position == self.next_offset


TestAssignments = Assignments.TestCase
