"""Runs on the log in memory, with the real model: what a run promises."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from models.artefact import Artefact
from tests.workers.replay.ground import DEAD, RUN, VERDICTS, Ground, Told, place, wanted
from tests.workers.running import GROUP, INPUT, running, settings
from tests.workers.telemetry import distinct
from workers.judge import Judge
from workers.log.bookmarks import Bookmark
from workers.range_reader import Span
from workers.replay.plan import Plan, RunDiffersError, drawn_up, group_of
from workers.replay.progress import Progress
from workers.replay.range import Fixed, Wanted


@pytest.fixture
def ground(artefact: Artefact) -> Ground:
    """200 events in 2 partitions."""
    ground = Ground(artefact)
    ground.world.feed(distinct(200))
    return ground


def offsets(*spans: Span) -> list[tuple[int, int]]:
    return [
        (number, offset)
        for number, span in enumerate(spans)
        for offset in range(span.begin, span.end)
    ]


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_range_is_scored_once_and_ends_by_itself(ground: Ground, delivery: str) -> None:
    told = Told()
    asked = wanted(from_offsets={0: 10, 1: 20}, to_offsets={0: 50, 1: 21})

    outcome = ground.work(asked, told=told, delivery=delivery)

    assert outcome.complete
    assert outcome.clean
    assert ground.judged() == offsets(Span(10, 50), Span(20, 21))
    assert {verdict["replay"]["run"] for verdict in ground.verdicts()} == {RUN}
    assert (outcome.counts.verdicts, outcome.counts.events, outcome.repeated) == (41, 41, 0)
    assert ground.committed() == {place(0): 50, place(1): 21}
    assert told.moments[-1] == Progress(size=41, left=0, rate=told.moments[-1].rate)


def test_the_live_group_and_its_topics_are_not_touched_and_ids_are_the_same(
    ground: Ground, judge: Judge
) -> None:
    world = ground.world
    with running(world.log(), judge, settings()):
        world.wait_all_committed()
    before, live = world.committed(), world.records("alerts")

    assert ground.work().complete

    assert world.committed() == before
    assert ground.broker.groups[GROUP].notes == dict.fromkeys(before, "")
    assert world.records("alerts") == live
    assert not world.records(world.dead)
    assert {v["id"] for v in world.verdicts()} == {v["id"] for v in ground.verdicts()}
    assert {v["replay"] for v in world.verdicts()} == {None}


def test_a_finished_run_says_so_and_does_nothing(ground: Ground) -> None:
    ground.work()
    told = Told()
    outcome = ground.work(told=told)
    assert outcome.complete
    assert outcome.plan.finished
    assert not told.plans
    assert len(ground.verdicts()) == 200


def test_what_is_written_after_the_start_is_not_of_the_range(ground: Ground) -> None:
    told = Told(hook=lambda _: ground.world.feed(distinct(10, 200)))
    assert ground.work(told=told).complete
    assert ground.judged() == offsets(Span(0, 100), Span(0, 100))


def test_a_run_that_is_stopped_goes_on_where_it_was(ground: Ground) -> None:
    replica = ground.replica(max_batch="8")

    def stop_midway(progress: Progress) -> None:
        if progress.done:
            replica.stop()

    stopped = ground.work(replica=replica, told=Told(hook=stop_midway), rate=40, max_batch="8")
    assert stopped.clean
    assert not stopped.complete
    assert stopped.progress is not None
    done = stopped.progress.done
    assert 0 < done < 200
    assert len(ground.verdicts()) == done

    told = Told()
    assert ground.work(told=told).complete
    (plan,) = told.plans
    assert plan.done == done
    assert ground.judged() == offsets(Span(0, 100), Span(0, 100))


def test_a_replica_that_dies_leaves_repeats_and_no_gaps(ground: Ground) -> None:
    """Verdicts that were out before the death come again, with the ids that they had."""
    plan = ground.replica().plan(ground.artefact)
    for at in plan.spans:
        ground.broker.groups[plan.group].committed[at] = 40
    # 10 beyond the position were published.
    first = ground.work(wanted(from_offsets={0: 40, 1: 100}, to_offsets={0: 50}), run="other")
    assert first.complete

    assert ground.work().complete

    assert ground.judged() == sorted(offsets(Span(40, 100), Span(40, 100)) + offsets(Span(40, 50)))
    ids = [verdict["id"] for verdict in ground.verdicts()]
    assert len(ids) - len(set(ids)) == 10


def test_replicas_share_a_run(ground: Ground) -> None:
    outcomes = ground.work_together(2, rate=100)
    assert all(outcome.complete for outcome in outcomes)
    assert sorted(set(ground.judged())) == offsets(Span(0, 100), Span(0, 100))
    assert sum(outcome.counts.verdicts for outcome in outcomes) == len(ground.judged())


def test_more_replicas_than_partitions_end_as_well(artefact: Artefact) -> None:
    ground = Ground(artefact, partitions=1)
    ground.world.feed(distinct(50))
    outcomes = ground.work_together(3)
    assert all(outcome.complete for outcome in outcomes)
    assert set(ground.judged()) == set(offsets(Span(0, 50)))


def test_the_range_of_whoever_laid_it_last_holds(ground: Ground) -> None:
    """Another replica lays its range after ours was read back, and before we have joined."""
    later: list[Plan] = []

    class Overtaken(Told):
        def planned(self, plan: Plan, notes: object) -> None:
            super().planned(plan, [])
            if not later:
                other = Fixed(spans={place(0): Span(0, 7), place(1): Span(0, 0)})
                later.append(drawn_up(RUN, INPUT, plan.terms, other))
                marks = {
                    at: Bookmark(later[0].spans[at].begin, note)
                    for at, note in later[0].notes.items()
                }
                ground.bookmarks.lay(group_of(RUN), marks)

    told = Overtaken()
    assert ground.work(told=told).complete
    assert [plan.size for plan in told.plans] == [200, 7]
    assert ground.judged() == offsets(Span(0, 7))


def test_records_that_cannot_be_judged_go_to_the_replays_own_topic(ground: Ground) -> None:
    ground.world.feed([b"nonsense", None])
    outcome = ground.work()
    assert outcome.complete
    assert ground.dead() == 2
    assert outcome.counts.dead == 2
    assert not ground.world.records(ground.world.dead)
    assert len(ground.verdicts()) == 200


def test_gaps_are_not_loss(ground: Ground) -> None:
    ground.broker.skip_offsets(place(0), 40)
    ground.world.feed(distinct(2, 200))
    ground.broker.skip_offsets(place(1), 3)
    outcome = ground.work()
    assert outcome.complete
    assert outcome.plan.size == 245
    assert outcome.counts.verdicts == 202
    assert ground.committed() == {place(0): 141, place(1): 104}


def test_retention_that_takes_what_is_to_come_does_not_stop_the_run(ground: Ground) -> None:
    def expire(progress: Progress) -> None:
        if progress.done:
            ground.broker.remove_before(place(0), 90)

    assert ground.work(told=Told(hook=expire), rate=40).complete
    assert ground.judged()[-1] == (1, 99)


@pytest.mark.parametrize(
    "asked",
    [
        wanted(from_offsets={0: 100, 1: 100}),
        wanted(to_offsets={0: 0, 1: 0}),
        wanted(from_time=10**14),
    ],
    ids=["at the end", "at the beginning", "in the future"],
)
def test_an_empty_range_is_at_its_end_at_once(ground: Ground, asked: Wanted) -> None:
    outcome = ground.work(asked)
    assert outcome.complete
    assert outcome.plan.size == 0
    assert not ground.verdicts()


def test_only_the_partitions_asked_for(ground: Ground) -> None:
    assert ground.work(wanted(partitions=[1])).complete
    assert ground.judged() == [(1, offset) for offset in range(100)]
    assert ground.committed() == {place(1): 100}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda g: g.work(wanted(words="--from 7d")), "the range these"),
        (lambda g: g.work(wanted(), publish_from="malicious"), "--publish-from benign"),
        (lambda g: g.work(wanted(), isolation_level="read_uncommitted"), "--isolation-level"),
    ],
)
def test_a_run_keeps_to_its_terms(
    ground: Ground, change: Callable[[Ground], object], told: str
) -> None:
    ground.work(wanted())
    with pytest.raises(RunDiffersError, match=f"begun with {told}"):
        change(ground)
    assert len(ground.verdicts()) == 200


def test_a_draft_writes_nothing(ground: Ground) -> None:
    plan = ground.replica().draft(ground.artefact)
    assert (plan.size, plan.done) == (200, 0)
    assert not ground.committed()
    assert not ground.world.records(VERDICTS)
    assert not ground.world.records(DEAD)


def test_an_outage_is_waited_out(ground: Ground) -> None:
    away = threading.Event()

    def lose(progress: Progress) -> None:
        if progress.done and not away.is_set():
            away.set()
            ground.broker.set_reachable(False)
            threading.Timer(1.0, ground.broker.set_reachable, [True]).start()

    outcome = ground.work(told=Told(hook=lose), rate=50, retry_initial_ms="10", retry_max_ms="50")
    assert outcome.complete
    assert away.is_set()
    assert set(ground.judged()) == set(offsets(Span(0, 100), Span(0, 100)))


def test_who_is_told_to_stop_before_it_begins_begins_nothing(ground: Ground) -> None:
    replica = ground.replica()
    replica.stop()
    outcome = ground.work(replica=replica)
    assert not outcome.complete
    assert not ground.verdicts()
