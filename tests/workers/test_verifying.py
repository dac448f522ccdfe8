from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.origin import Origin
from tests.workers.accounting import (
    MODEL,
    NOON,
    OTHER_MODEL,
    Ground,
    MemorySpans,
    letter_headers,
    places,
    verdict_of,
)
from tests.workers.running import DEAD, GROUP, INPUT, VERDICTS, World, running, settings
from tests.workers.telemetry import BAD, sample
from workers.account import Account, Counts
from workers.errors import ConfigurationError, TopicMissingError
from workers.judge import Judge
from workers.log.contract import TopicPartition
from workers.log.memory_lookup import MemoryLookup
from workers.scope import EVERYTHING, Asked, NothingCommittedError, fix
from workers.verifying import verify

COMMITTED = Asked()


def assert_clean(account: Account, *, exactly_once: bool = True) -> None:
    assert account.holds(exactly_once=exactly_once), account
    assert account.notes == ()


def account_of(world: World, judge: Judge, publish_from: str) -> Account:
    told = settings(publish_from=publish_from)
    lookup = MemoryLookup(world.broker)
    return verify(
        MemorySpans(world.broker),
        lookup,
        fix(lookup, told.topics, COMMITTED, group=GROUP),
        detector="url",
        publish_from=told.publish.publish_from,
        judge=lambda: judge,
    )


@pytest.mark.parametrize("publish_from", ["benign", "suspicious"])
def test_what_a_worker_makes_of_good_and_bad_events_is_accounted_for(
    judge: Judge, publish_from: str
) -> None:
    world = World()
    good = sample()[:300]
    world.feed([*good, *BAD])
    world.broker.skip_offsets(TopicPartition(INPUT, 0), 3)
    with running(world.log(), judge, settings(publish_from=publish_from)):
        world.wait_all_committed()

    account = account_of(world, judge, publish_from)

    assert_clean(account)
    counts = account.counts
    assert counts.events == len(good) + len(BAD)
    assert counts.dead_letters == len(BAD)
    assert counts.verdicts + counts.below_minimum == len(good)
    assert (counts.below_minimum > 0) == (publish_from == "suspicious")


def test_below_the_minimum_is_only_what_is_milder(judge: Judge) -> None:
    ground = Ground()
    benign = ground.event(value=b'{"url": "https://www.python.org/"}')
    bad = ground.event(value=b'{"url": "http://paypal-login.example.tk/secure/"}')
    broken = ground.event(value=b"not json")

    account = ground.account(publish_from="suspicious", judge=lambda: judge)

    assert account.counts.below_minimum == 1
    assert [str(one) for one in account.missing()] == places([bad, broken])
    assert benign.offset == 0


def test_nothing_is_judged_again_where_all_verdicts_are_published() -> None:
    ground = Ground()
    ground.event()

    def judge() -> Judge:
        raise AssertionError

    assert ground.account(judge=judge).counts.missing == 1


def test_events_without_an_outcome_are_missing() -> None:
    ground = Ground()
    first, second = ground.events(5), ground.events(3, partition=1)
    ground.judged(*first[:2], first[4], *second[1:])

    account = ground.account()

    lost = [first[2], first[3], second[0]]
    assert [str(one) for one in account.missing()] == places(lost)
    assert account.counts == Counts(events=8, verdicts=5, missing=3)
    assert [one.counts.missing for one in account.partitions] == [2, 1]
    assert not account.holds()


def test_the_same_verdict_twice_is_repeated() -> None:
    ground = Ground()
    events = ground.events(3)
    ground.judged(*events, events[1], events[1])

    account = ground.account()

    assert account.counts == Counts(events=3, verdicts=5, repeated=2)
    assert [str(one) for one in account.repeated()] == [f"{INPUT}[0] offset 1: 2 too many"]
    assert account.holds()
    assert not account.holds(exactly_once=True)


def test_a_verdict_and_a_dead_letter_of_one_event_are_repeated() -> None:
    ground = Ground()
    (event,) = ground.events(1)
    ground.judged(event)
    ground.refused(event)

    assert ground.account().counts == Counts(events=1, verdicts=1, dead_letters=1, repeated=1)


def test_another_models_verdict_is_no_repetition_unless_it_comes_twice() -> None:
    ground = Ground()
    first, second = ground.events(2)
    ground.judged(first, second)
    ground.judged(first, second, second, model=OTHER_MODEL)

    account = ground.account()

    assert account.counts == Counts(events=2, verdicts=5, judged_again=2, repeated=1)
    assert account.partitions[0].repeated.tolist() == [second.offset]


@pytest.mark.parametrize(
    ("field", "value"), [("id", "0" * 32), ("record_id", "0" * 32), ("id", None)]
)
def test_ids_that_do_not_fit_are_unknown(field: str, value: str | None) -> None:
    ground = Ground()
    (event,) = ground.events(1)
    changed: dict[str, Any] = {field: value}
    ground.broker.append(VERDICTS, verdict_of(event, **changed), partition=1)

    account = ground.account()

    assert account.counts == Counts(events=1, missing=1, unknown=1)
    assert [str(one) for one in account.unknown] == [
        f"{VERDICTS}[1] offset 0: names {INPUT}[0] offset 0, whose ids are others"
    ]
    assert not account.holds()


def test_outcomes_of_records_that_are_not_there_are_unknown() -> None:
    ground = Ground()
    ground.event()
    ground.broker.skip_offsets(TopicPartition(INPUT, 0), 1)
    last = ground.event()
    ground.judged(Origin(INPUT, 0, 0, NOON), last)
    ground.judged(Origin(INPUT, 0, 1, NOON))
    ground.refused(Origin(INPUT, 0, 2, NOON + 1))

    account = ground.account()

    assert account.counts == Counts(events=2, verdicts=2, unknown=2)
    assert [str(one) for one in account.unknown] == [
        f"{VERDICTS}[1] offset 2: names {INPUT}[0] offset 1, where no record is",
        (
            f"{DEAD}[0] offset 0: names {INPUT}[0] offset 2, whose record has another timestamp "
            "(was the topic made anew?)"
        ),
    ]
    compacted = ground.account(spans=MemorySpans(ground.broker, compacted=True))
    assert (compacted.counts.unknown, compacted.of_others) == (1, 1)


def test_outcomes_of_others_are_only_counted() -> None:
    ground = Ground()
    events = ground.events(4)
    ground.judged(*events)
    ground.judged(Origin("telemetry.paths", 0, 0, NOON), detector="path")
    ground.judged(events[0], detector="path")
    ground.judged(events[0], source=None)
    ground.judged(Origin(INPUT, 7, 0, NOON))
    ground.refused(Origin("telemetry.paths", 0, 0, NOON))
    for value in (b"", b"nonsense", b"[]", b'{"version": 2}', None):
        ground.broker.append(VERDICTS, value, key=b"k")
    ground.judged(events[0], version=2)
    ground.judged(events[0], source={"topic": INPUT, "partition": 0, "offset": 2**63})
    ground.broker.append(DEAD, b"no headers")

    account = ground.account(Asked(to="end", from_offsets={0: 1}, to_offsets={0: 3}))

    assert_clean(account)
    assert account.counts == Counts(events=2, verdicts=2)
    assert account.of_others == 7
    assert account.unreadable == 8


class TestSentBack:
    def test_it_allows_one_more_outcome_of_its_first_origin(self) -> None:
        ground = Ground()
        first, other = ground.events(2)
        ground.refused(first)
        ground.judged(other)
        ground.sent_back(first)
        ground.judged(first)

        account = ground.account()

        assert_clean(account)
        assert account.counts == Counts(events=2, sent_back=1, verdicts=2, dead_letters=1)

    def test_it_is_missing_if_nothing_came_of_it(self) -> None:
        ground = Ground()
        (first,) = ground.events(1)
        ground.refused(first)
        again = [ground.sent_back(first) for _ in range(3)]
        ground.refused(first)

        account = ground.account()

        assert [str(one) for one in account.missing()] == places(again[1:])

    def test_more_than_it_allows_is_repeated(self) -> None:
        ground = Ground()
        (first,) = ground.events(1)
        ground.refused(first)
        ground.sent_back(first)
        ground.judged(first, first)

        assert ground.account().counts.repeated == 1

    def test_an_origin_before_the_range_keeps_its_own_letter(self) -> None:
        ground = Ground()
        first, second = ground.events(2)
        ground.refused(first, second)
        ground.sent_back(first)
        lost = ground.sent_back(second)
        ground.judged(first)

        account = ground.account(Asked(to="end", from_offsets={0: 2}))

        assert account.counts == Counts(sent_back=2, verdicts=1, missing=1)
        assert [str(one) for one in account.missing()] == places([lost])
        assert account.of_others == 2

    def test_what_was_judged_behind_the_range_is_no_repetition(self) -> None:
        ground = Ground()
        (first,) = ground.events(1)
        ground.refused(first)
        ground.sent_back(first)
        ground.judged(first)

        account = ground.account(Asked(to_offsets={0: 1, 1: 0}))

        assert_clean(account)
        assert account.counts == Counts(events=1, dead_letters=1)
        assert account.of_others == 1

    def test_headers_that_workers_do_not_believe_make_an_event(self) -> None:
        ground = Ground()
        ground.events(1)
        forged = [
            Origin("telemetry.paths", 0, 0, NOON),
            Origin(INPUT, 1, 0, NOON),
            Origin(INPUT, 0, 99, NOON),
        ]
        for origin in forged:
            ground.event(headers=letter_headers(origin))

        counts = ground.account().counts
        assert (counts.events, counts.sent_back, counts.missing) == (4, 0, 4)


class TestRange:
    def test_it_ends_where_the_group_has_committed(self) -> None:
        ground = Ground()
        events = ground.events(3) + ground.events(2, partition=1)
        ground.judged(*events[:2], events[3])
        ground.commit(2, 1)

        account = ground.account(COMMITTED)

        assert_clean(account)
        assert account.counts == Counts(events=3, verdicts=3)

    def test_a_commit_past_events_without_an_outcome_shows(self) -> None:
        ground = Ground()
        events = ground.events(3)
        ground.judged(events[0])
        ground.commit(3, 0)

        account = ground.account(COMMITTED)

        assert [str(one) for one in account.missing()] == places(events[1:])

    def test_a_group_that_has_committed_nothing_is_an_error(self) -> None:
        ground = Ground()
        ground.events(1)

        with pytest.raises(NothingCommittedError, match=f"'{GROUP}' has committed nothing"):
            ground.account(COMMITTED)

    def test_partitions_without_a_commit_are_told(self) -> None:
        ground = Ground()
        ground.judged(*ground.events(1))
        ground.events(1, partition=1)
        with ground.broker.changed:
            ground.broker.groups[GROUP].committed[TopicPartition(INPUT, 0)] = 1

        account = ground.account(COMMITTED)

        assert account.counts == Counts(events=1, verdicts=1)
        assert account.notes == (f"{INPUT}[1]: the group has committed nothing here",)

    def test_empty_topics_are_in_order(self) -> None:
        account = Ground().account(COMMITTED)

        assert_clean(account)
        assert account.counts == Counts()

    def test_a_topic_that_is_not_there_is_named(self) -> None:
        ground = Ground()
        topics = settings(dead_letter_topic="nowhere").topics

        with pytest.raises(TopicMissingError, match="nowhere"):
            fix(MemoryLookup(ground.broker), topics, EVERYTHING, group=GROUP)

    def test_what_retention_removed_is_told_and_its_outcomes_are_of_others(self) -> None:
        ground = Ground()
        events = ground.events(4)
        ground.judged(*events)
        ground.broker.remove_before(TopicPartition(INPUT, 0), 2)

        account = ground.account(Asked(to="end", from_offsets={0: 1}))

        assert account.holds(exactly_once=True)
        assert account.counts == Counts(events=2, verdicts=2)
        assert account.of_others == 2
        assert account.notes == (
            f"{INPUT}[0]: offsets 1 to 2 were removed by retention before now",
        )

    def test_what_retention_removes_meanwhile_is_not_missing(self) -> None:
        ground = Ground()
        events = ground.events(4)
        ground.judged(*events[1:])
        lookup = MemoryLookup(ground.broker)
        scope = fix(lookup, settings().topics, EVERYTHING, group=GROUP)
        ground.broker.remove_before(TopicPartition(INPUT, 0), 2)

        account = verify(MemorySpans(ground.broker), lookup, scope, detector="url")

        assert account.holds(exactly_once=True)
        assert account.counts == Counts(events=2, verdicts=2)
        assert account.notes == (
            f"{INPUT}[0]: offsets 0 to 2 were removed by retention meanwhile and were not read",
        )

    def test_verdicts_that_retention_removed_explain_what_is_missing(self) -> None:
        ground = Ground()
        ground.judged(*ground.events(2))
        ground.broker.remove_before(TopicPartition(VERDICTS, 1), 1)

        account = ground.account()

        assert account.counts.missing == 1
        assert account.notes == (
            f"{VERDICTS}[1] begins at 1: what was before was removed by retention",
        )

    def test_events_that_were_never_judged_before_retention_came_are_told(self) -> None:
        ground = Ground()
        ground.events(3)
        ground.commit(1, 0)
        ground.broker.remove_before(TopicPartition(INPUT, 0), 2)

        (note,) = ground.account(COMMITTED).notes
        assert "it was never judged" in note

    def test_a_topic_made_anew_is_told(self) -> None:
        ground = Ground()
        ground.judged(*ground.events(3))
        ground.commit(3, 0)
        ground.broker.recreate_topic(INPUT)
        ground.event(timestamp=NOON + 60_000)

        account = ground.account(COMMITTED)

        assert "the topic was made anew" in account.notes[0]
        assert (account.counts.missing, account.counts.unknown, account.of_others) == (1, 1, 2)

    def test_times_choose_offsets(self) -> None:
        ground = Ground()
        events = [ground.event(timestamp=NOON + 1000 * i) for i in range(5)]
        ground.judged(*events)

        account = ground.account(
            Asked(to="end", from_time=NOON + 1000, to_time=NOON + 2500, to_offsets={1: 0})
        )

        assert_clean(account)
        assert account.partitions[0].span == (1, 3)

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            (Asked(to="end", from_offsets={2: 0}), "has no partition 2; it has 0 to 1"),
            (Asked(to="end", to_offsets={5: 0}), "has no partition 5"),
            (Asked(from_offsets={0: 4}, to_offsets={0: 3, 1: 0}), "ends at 3, before it begins"),
        ],
    )
    def test_ranges_that_cannot_be(self, asked: Asked, told: str) -> None:
        with pytest.raises(ConfigurationError, match=told):
            Ground().account(asked)


class TestOutcomesAreReadFromTheTimeOfTheEvents:
    def test_older_ones_are_left_alone_while_nothing_is_missing(self) -> None:
        ground = Ground()
        events = ground.events(2)
        ground.judged(Origin(INPUT, 0, 77, 0), at=NOON - 7_200_000)
        ground.judged(*events)
        spans = MemorySpans(ground.broker)

        account = ground.account(spans=spans)

        assert_clean(account)
        assert account.of_others == 0
        assert (VERDICTS, {0: (0, 0), 1: (1, 3)}) in spans.asked

    def test_clocks_that_differ_by_more_lose_nothing(self) -> None:
        ground = Ground()
        first, second = ground.events(2)
        ground.judged(first, at=NOON - 7_200_000)
        ground.refused(second, at=NOON - 7_200_000)

        assert_clean(ground.account())


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int, int, bool]]:
    """For each event: verdicts of two models, dead letters, whether it was sent back."""
    some = st.integers(0, 2)
    return draw(st.lists(st.tuples(some, some, some, st.booleans()), max_size=12))


@given(histories())
def test_every_outcome_has_its_place(history: list[tuple[int, int, int, bool]]) -> None:
    ground = Ground()
    events = ground.events(len(history))
    allowed: Counter[int] = Counter()
    came: Counter[int] = Counter()
    for event, (ours, others, letters, again) in zip(events, history, strict=True):
        ground.judged(*[event] * ours, model=MODEL)
        ground.judged(*[event] * others, model=OTHER_MODEL)
        ground.refused(*[event] * letters)
        if again:
            ground.sent_back(event)
        allowed[event.offset] = 1 + again
        came[event.offset] = ours + others + letters

    account = ground.account()

    counts = account.counts
    assert counts.unknown == 0
    assert counts.missing == sum(max(0, allowed[one] - came[one]) for one in allowed)
    assert counts.repeated + counts.judged_again == sum(
        max(0, came[one] - allowed[one]) for one in allowed
    )
    assert counts.verdicts + counts.dead_letters == (
        counts.events + counts.sent_back - counts.missing + counts.judged_again + counts.repeated
    )
    assert counts.missing == len(list(account.missing()))
    for event, (ours, others, letters, again) in zip(events, history, strict=True):
        if (ours, others, letters, again) == (1, 1, 0, False):
            assert event.offset not in account.partitions[0].repeated
