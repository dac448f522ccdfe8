from __future__ import annotations

from collections.abc import Iterator

import pytest

from workers.health import OWNER, Health, problems
from workers.log.contract import TopicPartition

PARTITIONS = [TopicPartition("telemetry.urls", number) for number in range(3)]
BOUND = 300.0
AWAY = 45.0


class World:
    """A health with a clock to turn."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.health = Health(liveness_s=BOUND, away_s=AWAY, clock=lambda: self.now)

    def ready(self) -> list[str]:
        return problems(self.health.ready())

    def live(self) -> list[str]:
        return problems(self.health.live())


@pytest.fixture
def world() -> World:
    """Ready and at work."""
    made = World()
    made.health.golden()
    made.health.warm()
    made.health.assigned(PARTITIONS)
    made.health.moved()
    assert made.ready() == []
    return made


def test_start_up_is_over_when_the_model_is_right_and_warm() -> None:
    world = World()
    unchecked, cold = "the model's golden logits are not checked yet", "the model is not warm yet"
    assert problems(world.health.startup()) == [unchecked, cold]
    world.health.golden()
    assert problems(world.health.startup()) == [cold]
    world.health.warm()
    assert problems(world.health.startup()) == []
    # It lives meanwhile, however long that takes.
    world.now += 10 * BOUND
    assert world.live() == []


def test_it_is_ready_while_it_has_a_partition() -> None:
    world = World()
    world.health.golden()
    world.health.warm()
    assert world.ready() == ["no partition is assigned to this replica"]
    world.health.assigned(PARTITIONS[:2])
    assert world.ready() == []
    world.health.unassigned(PARTITIONS[:1])
    assert world.ready() == []
    world.health.unassigned(PARTITIONS[1:])
    assert world.ready() == ["no partition is assigned to this replica"]
    world.health.assigned(PARTITIONS[2:])
    assert world.ready() == []


def test_an_open_breaker_makes_it_unready_and_leaves_it_alive(world: World) -> None:
    world.health.breaker("5 batches failed")
    assert world.ready() == ["partitions are not read: 5 batches failed"]
    assert world.live() == []
    world.health.breaker("")
    assert world.ready() == []


def test_a_log_that_is_away_for_long_makes_it_unready_until_it_is_back(world: World) -> None:
    world.health.log_away("publish", OSError("no broker"))
    world.now += AWAY
    world.health.moved()
    assert world.ready() == []
    # Away since the first failure, not since the last.
    world.health.log_away("publish", OSError("no broker answers"))
    world.now += 1
    assert world.ready() == ["the log has been away for 46 s: no broker answers"]
    assert world.live() == []
    # That others get through is no help.
    world.health.log_back(OWNER)
    assert world.ready() != []
    world.health.log_back("publish")
    assert world.ready() == []
    world.health.log_away("publish", OSError("again"))
    assert world.ready() == []


def test_a_loop_that_does_not_move_is_dead_and_lives_again_when_it_moves(world: World) -> None:
    world.now += BOUND
    assert world.live() == []
    world.now += 1
    assert world.live() == ["stuck for more than 300 s: owner for 301 s"]
    assert world.ready() == world.live()
    world.health.moved()
    assert world.live() == world.ready() == []


def test_a_step_is_stuck_only_while_it_works(world: World) -> None:
    def slow(seconds: float) -> str:
        world.now += seconds
        world.health.moved()
        return f"{world.live()}"

    score = world.health.watched("score", slow)
    assert score(BOUND) == "[]"
    assert score(BOUND + 1) == "['stuck for more than 300 s: score for 301 s']"
    assert world.live() == []
    world.now += 10 * BOUND
    world.health.moved()
    assert world.live() == []


def test_a_step_that_raises_rests(world: World) -> None:
    def broken(_item: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        world.health.watched("score", broken)(1)
    world.now += BOUND + 1
    world.health.moved(OWNER)
    assert world.live() == []


def test_a_step_of_many_parts_works_on_each_and_not_in_between(world: World) -> None:
    def parts(seconds: float) -> Iterator[str]:
        for _ in range(2):
            world.now += seconds
            world.health.moved()
            yield f"{world.live()}"

    prepare = world.health.watched_each("prepare", parts)
    for told in prepare(BOUND):
        assert told == "[]"
        # Whoever takes the part lets it wait.
        world.now += 10 * BOUND
        world.health.moved()
        assert world.live() == []
    assert list(prepare(BOUND + 1)) == ["['stuck for more than 300 s: prepare for 301 s']"] * 2


def test_a_replica_that_stops_is_not_ready(world: World) -> None:
    world.health.stopping()
    assert world.ready() == ["the replica is stopping"]
    assert world.live() == []
