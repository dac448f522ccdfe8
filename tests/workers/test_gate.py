"""Partitions that are better not read: shut alone, told of, and opened again."""

from __future__ import annotations

from structlog.testing import capture_logs

from tests.workers.running import INPUT, World, running, settings, start
from tests.workers.telemetry import distinct
from workers.health import problems
from workers.judge import Judge
from workers.log.contract import TopicPartition
from workers.log.memory_broker import MemoryBroker
from workers.metrics import catalogue

ZERO, ONE = TopicPartition(INPUT, 0), TopicPartition(INPUT, 1)
NEVER = str(24 * 3_600_000)


def fill(broker: MemoryBroker, values: list[bytes], partition: int) -> None:
    for value in values:
        broker.append(INPUT, value, partition=partition)


def test_a_partition_of_rubbish_does_not_become_dead_letters_and_the_other_goes_on(
    judge: Judge,
) -> None:
    world = World()
    fill(world.broker, [b"rubbish"] * 20_000, 0)
    fill(world.broker, distinct(2_000), 1)
    told = settings(max_batch="100", breaker_records="200", breaker_pause_ms=NEVER)
    started = start(world.log(), judge, told)
    world.wait_for(lambda: world.committed().get(ONE) == 2_000)
    world.wait_for(lambda: bool(problems(started.pipeline.health.ready())))
    assert started.stop()
    assert len(world.verdicts()) == 2_000
    # Two batches open it; a dozen more may have been in hand, half of them of the other partition.
    assert 200 <= len(world.causes()) < 2_000
    assert world.committed()[ZERO] == len(world.causes())


def test_it_is_unready_while_a_breaker_is_open_and_goes_on_by_itself(judge: Judge) -> None:
    world = World(partitions=1)
    fill(world.broker, [b"rubbish"] * 300, 0)
    with capture_logs() as logs:
        started = start(
            world.log(),
            judge,
            settings(max_batch="50", breaker_records="100", breaker_pause_ms="20"),
        )
        world.wait_for(lambda: any("breaker open" in entry["event"] for entry in logs))
        fill(world.broker, distinct(500), 0)
        world.wait_all_committed()
        world.wait_for(lambda: any("breaker closed" in entry["event"] for entry in logs))
        world.wait_for(lambda: not problems(started.pipeline.health.ready()[2:]))
        assert started.stop()
    assert len(world.verdicts()) == 500
    assert len(world.causes()) == 300


def test_off_everything_becomes_a_dead_letter(judge: Judge) -> None:
    world = World(partitions=1)
    fill(world.broker, [b"rubbish"] * 3_000, 0)
    with running(world.log(), judge, settings(breaker="off", breaker_records="100")):
        world.wait_all_committed()
    assert len(world.causes()) == 3_000


def spoilt(world: World) -> None:
    fill(world.broker, distinct(20), 0)
    fill(world.broker, distinct(20), 1)
    world.broker.spoil(ZERO, 5, 9)


def test_a_batch_that_cannot_be_decoded_stops_its_partition_alone(judge: Judge) -> None:
    world = World()
    spoilt(world)
    with capture_logs() as logs:
        started = start(world.log(), judge, settings(breaker_pause_ms=NEVER))
        world.wait_for(lambda: world.committed() == {ZERO: 5, ONE: 20})
        world.wait_for(lambda: any("--skip-offsets 0:5-9" in entry["event"] for entry in logs))
        reason = problems(started.pipeline.health.ready()[2:])
        counted = started.pipeline.meters.series.values(catalogue.UNDECODABLE)
        assert started.stop()
    assert len(world.verdicts()) == 25
    assert "offsets 5 to 9" in reason[0]
    assert counted == {("held",): 1, ("skipped",): 0}


def test_named_offsets_are_passed_over(judge: Judge) -> None:
    world = World()
    spoilt(world)
    started = start(world.log(), judge, settings(skip_offsets="1:5-9,0:0-9"))
    world.wait_all_committed()
    assert started.stop()
    assert len(world.verdicts()) == 35
    counted = started.pipeline.meters.series.values(catalogue.UNDECODABLE)
    assert counted == {("held",): 0, ("skipped",): 1}


def test_only_offsets_that_are_named_whole_are_passed_over(judge: Judge) -> None:
    world = World()
    spoilt(world)
    with running(world.log(), judge, settings(skip_offsets="0:5-8", breaker_pause_ms=NEVER)):
        world.wait_for(lambda: world.committed() == {ZERO: 5, ONE: 20})
    assert len(world.verdicts()) == 25


def test_what_can_be_decoded_after_all_is_read(judge: Judge) -> None:
    world = World()
    spoilt(world)
    with running(world.log(), judge, settings(breaker_pause_ms="20")):
        world.wait_for(lambda: world.committed() == {ZERO: 5, ONE: 20})
        world.broker.spoil(ZERO, -1, -1)
        world.wait_all_committed()
    assert len(world.verdicts()) == 40


def test_ranges_are_read_as_the_journal_writes_them() -> None:
    told = settings(skip_offsets="0:5-9, 3:7")
    assert told.breaker.skip == ((0, 5, 9), (3, 7, 7))
