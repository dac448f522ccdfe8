"""A run of a replay on the log in memory, as one replica or several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from models.artefact import Artefact
from schemas.verdict import Replay as VerdictReplay
from tests.workers.running import INPUT, World, settings
from workers.health import Health
from workers.judge import Judge
from workers.log.contract import Log, TopicPartition
from workers.log.memory import MemoryLog
from workers.log.memory_bookmarks import MemoryBookmarks
from workers.log.memory_lookup import MemoryLookup
from workers.metrics.meters import Meters
from workers.replay.pace import Pace
from workers.replay.plan import Plan, group_of
from workers.replay.progress import Progress
from workers.replay.range import Wanted
from workers.replay.run import Ends, Outcome, Replay
from workers.scope import Asked
from workers.settings.policies import Settings

VERDICTS, DEAD = "alerts.replay", "alerts.replay.dead"
RUN = "november"
ALL = Wanted(asked=Asked(to="end"))


def place(number: int) -> TopicPartition:
    return TopicPartition(INPUT, number)


@dataclass
class Told:
    """What a replica tells."""

    plans: list[Plan] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    moments: list[Progress] = field(default_factory=list)
    hook: Callable[[Progress], object] = lambda _: None

    def planned(self, plan: Plan, notes: Sequence[str]) -> None:
        self.plans.append(plan)
        self.notes.extend(notes)

    def progressed(self, progress: Progress) -> None:
        self.moments.append(progress)
        self.hook(progress)


class Ground:
    """Topics in memory, and replicas of a run on them."""

    def __init__(self, artefact: Artefact, partitions: int = 2) -> None:
        self.artefact = artefact
        self.world = World(partitions)
        self.broker = self.world.broker
        for topic in (VERDICTS, DEAD):
            self.broker.create_topic(topic, partitions)
        self.bookmarks = MemoryBookmarks(self.broker)
        self.lookup = MemoryLookup(self.broker)

    def settings(self, run: str = RUN, **options: str) -> Settings:
        told = settings(verdict_topic=VERDICTS, dead_letter_topic=DEAD, **options)
        return replace(told, connection=replace(told.connection, group_id=group_of(run)))

    def log(self, notes: Mapping[TopicPartition, str], run: str = RUN) -> Log:
        return MemoryLog(self.broker, group_of(run), notes=notes)

    def replica(self, wanted: Wanted = ALL, run: str = RUN, **options: str) -> Replay:
        ends = Ends(
            log=lambda notes: self.log(notes, run), lookup=self.lookup, bookmarks=self.bookmarks
        )
        return Replay(run, self.settings(run, **options), wanted, ends)

    def judge(self, run: str = RUN, **options: str) -> Judge:
        return Judge(
            self.artefact,
            self.artefact.engine("tables"),
            self.settings(run, **options).evidence,
            replay=VerdictReplay(run=run),
        )

    def work(
        self,
        wanted: Wanted = ALL,
        *,
        run: str = RUN,
        told: Told | None = None,
        rate: float | None = None,
        replica: Replay | None = None,
        **options: str,
    ) -> Outcome:
        replica = replica or self.replica(wanted, run, **options)
        return replica.work(
            self.judge(run, **options),
            Pace(rate),
            told or Told(),
            meters=Meters("url"),
            health=Health(liveness_s=300.0, away_s=45.0),
        )

    def work_together(self, replicas: int, **options: Any) -> list[Outcome]:
        with ThreadPoolExecutor(replicas) as pool:
            working = [pool.submit(self.work, **options) for _ in range(replicas)]
            return [one.result(60) for one in working]

    def verdicts(self) -> list[dict[str, Any]]:
        return [orjson.loads(record.value or b"") for record in self.world.records(VERDICTS)]

    def judged(self) -> list[tuple[int, int]]:
        """Partition and offset of every verdict, in order."""
        sources = [verdict["source"] for verdict in self.verdicts()]
        return sorted((source["partition"], source["offset"]) for source in sources)

    def dead(self) -> int:
        return len(self.world.records(DEAD))

    def committed(self, run: str = RUN) -> dict[TopicPartition, int]:
        return self.broker.committed(group_of(run))


def wanted(
    *, partitions: Collection[int] | None = None, words: str = "these", **asked: Any
) -> Wanted:
    chosen = None if partitions is None else frozenset(partitions)
    return Wanted(asked=Asked(to="end", **asked), partitions=chosen, words=words)
