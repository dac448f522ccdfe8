from __future__ import annotations

import pytest

from tests.workers.replay.ground import RUN, place
from tests.workers.running import INPUT
from workers.errors import ConfigurationError
from workers.log.bookmarks import Bookmark
from workers.log.contract import TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_bookmarks import MemoryBookmarks
from workers.log.memory_broker import MemoryBroker
from workers.range_reader import Span
from workers.replay.plan import (
    RUN as NAMES,
)
from workers.replay.plan import (
    Plan,
    RunChangedError,
    RunDiffersError,
    RunUnknownError,
    agree,
    drawn_up,
    found_in,
    group_of,
)
from workers.replay.range import Fixed

GROUP = group_of(RUN)
SPANS = {place(0): Span(5, 10), place(1): Span(0, 0)}
TERMS = {"the model": "url 2", "the range": "--from 7d"}
FIXED = Fixed(spans=SPANS, gone=3)


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create_topic(INPUT, 2)
    return broker


@pytest.fixture
def bookmarks(broker: MemoryBroker) -> MemoryBookmarks:
    return MemoryBookmarks(broker)


def no_fixing() -> Fixed:
    raise AssertionError("the range is fixed already")


def begun(bookmarks: MemoryBookmarks) -> Plan:
    return agree(bookmarks, RUN, INPUT, TERMS, lambda: FIXED)


def lay(bookmarks: MemoryBookmarks, plan: Plan) -> None:
    bookmarks.lay(
        GROUP, {at: Bookmark(plan.spans[at].begin, note) for at, note in plan.notes.items()}
    )


class _Listener:
    def on_assigned(self, partitions: object) -> None: ...

    def on_revoked(self, partitions: object) -> None: ...

    def on_lost(self, partitions: object) -> None: ...


def test_the_first_fixes_the_range_and_all_others_find_it(bookmarks: MemoryBookmarks) -> None:
    plan = begun(bookmarks)
    assert (plan.spans, plan.gone, plan.size) == (SPANS, 3, 5)
    assert plan.positions == {place(0): 5, place(1): 0}
    assert (plan.done, plan.finished) == (0, False)
    assert agree(bookmarks, RUN, INPUT, TERMS, no_fixing) == plan


def test_commits_carry_the_plan_on(broker: MemoryBroker, bookmarks: MemoryBookmarks) -> None:
    plan = begun(bookmarks)
    source = MemoryLog(broker, GROUP, notes=plan.notes).source()
    source.subscribe(INPUT, _Listener())
    source.poll(1, 0.0)
    source.commit({place(0): 8})
    source.close()
    again = agree(bookmarks, RUN, INPUT, TERMS, no_fixing)
    assert again.spans == plan.spans
    assert (again.done, again.finished) == (3, False)
    assert again.left(again.positions) == {place(0): 2, place(1): 0}


def test_a_position_at_its_end_or_past_it_leaves_nothing(bookmarks: MemoryBookmarks) -> None:
    plan = begun(bookmarks)
    assert sum(plan.left({place(0): 10, place(1): 0}).values()) == 0
    assert sum(plan.left({place(0): 12}).values()) == 0
    assert plan.left({place(0): 2}) == plan.left({}) == {place(0): 5, place(1): 0}


@pytest.mark.parametrize("term", TERMS)
def test_other_terms_are_refused_by_name(bookmarks: MemoryBookmarks, term: str) -> None:
    begun(bookmarks)
    with pytest.raises(RunDiffersError, match=rf"begun with {term} .* now told other") as caught:
        agree(bookmarks, RUN, INPUT, TERMS | {term: "other"}, no_fixing)
    assert isinstance(caught.value, ConfigurationError)


def test_another_topic_is_refused(bookmarks: MemoryBookmarks) -> None:
    begun(bookmarks)
    with pytest.raises(RunDiffersError, match=f"begun on topic {INPUT}"):
        agree(bookmarks, RUN, "telemetry.html", TERMS, no_fixing)


@pytest.mark.parametrize("note", ["", "nonsense", "[]", '{"weir-replay": 2}', '{"a": 1}'])
def test_positions_that_are_no_replays_are_refused(bookmarks: MemoryBookmarks, note: str) -> None:
    bookmarks.lay(GROUP, {place(0): Bookmark(3, note)})
    with pytest.raises(RunUnknownError, match="no replay's"):
        agree(bookmarks, RUN, INPUT, TERMS, no_fixing)


def test_a_plan_of_which_part_is_gone_is_refused(bookmarks: MemoryBookmarks) -> None:
    plan = drawn_up(RUN, INPUT, TERMS, FIXED)
    bookmarks.lay(GROUP, {place(0): Bookmark(5, plan.notes[place(0)])})
    with pytest.raises(RunUnknownError, match=f"1 of 2 positions .* --delete --group {GROUP}"):
        found_in(bookmarks, RUN, INPUT)


def test_a_plan_that_another_has_laid_later_is_found_out(bookmarks: MemoryBookmarks) -> None:
    plan = begun(bookmarks)
    plan.confirm(bookmarks)
    later = drawn_up(RUN, INPUT, TERMS, Fixed(spans={place(0): Span(5, 11), place(1): Span(0, 1)}))
    bookmarks.lay(
        GROUP,
        {place: Bookmark(later.spans[place].begin, note) for place, note in later.notes.items()},
    )
    with pytest.raises(RunChangedError):
        plan.confirm(bookmarks)
    later.confirm(bookmarks)


def test_who_is_a_member_keeps_others_from_laying(
    broker: MemoryBroker, bookmarks: MemoryBookmarks
) -> None:
    # The range was fixed meanwhile, by one who has joined.
    plan = drawn_up(RUN, INPUT, TERMS, FIXED)

    def fixing() -> Fixed:
        lay(bookmarks, plan)
        MemoryLog(broker, GROUP).source().subscribe(INPUT, _Listener())
        return Fixed(spans={place(0): Span(0, 99)})

    assert agree(bookmarks, RUN, INPUT, TERMS, fixing).spans == SPANS


def test_notes_are_small_enough_for_a_broker() -> None:
    terms = {f"term {number}": "x" * 255 for number in range(8)}
    spans = {TopicPartition(INPUT, 2**31 - 1): Span(2**63 - 2, 2**63 - 1)}
    (note,) = drawn_up("r" * 100, INPUT, terms, Fixed(spans=spans)).notes.values()
    # offset.metadata.max.bytes, as brokers have it by default.
    assert len(note.encode()) < 4_096


@pytest.mark.parametrize("name", ["november", "A.b_c-3", "x" * 100])
def test_names_of_runs(name: str) -> None:
    assert NAMES.fullmatch(name)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 101, "ü", "a\n"])
def test_names_that_runs_cannot_have(name: str) -> None:
    assert not NAMES.fullmatch(name)
