"""Fills the bench of a worker as its settings say, and keeps it filled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from workers.judge import Judge
from workers.log.contract import Sink
from workers.metrics.meters import Meters
from workers.metrics.service import Role, ServiceMeters
from workers.service.bench import Bench
from workers.service.canary import Canary
from workers.service.drift import Drift
from workers.service.onlooker import Onlooker
from workers.service.place import Place
from workers.service.shadow import Shadow
from workers.service.watch import Post, Watch
from workers.settings.policies import Settings

Load = Callable[[Settings, Meters], Judge]
"""Loads the model that settings name: verified, golden logits given, warm."""


def staffed(
    settings: Settings, judge: Judge, sink: Callable[[], Sink], load: Load, meters: Meters
) -> tuple[Bench, Watch]:
    """The bench, with the model in service on it, and who looks after it.

    Args:
        settings: Of the worker.
        judge: The model in service, warm.
        sink: Makes a further sink, for a shadow.
        load: Called by the watch, on its thread.
        meters: Of the worker.
    """
    told = settings.service
    own = ServiceMeters(meters.series)
    posts: list[Post] = []
    onlookers: list[Onlooker] = []

    def post(
        role: Role, chosen: Settings, counted: Meters, take: Callable[[Judge | None], None]
    ) -> Post:
        place = Place(chosen.choice, chosen.detector)
        return Post(role=role, place=place, load=lambda: load(chosen, counted), take=take)

    if told.shadow is not None:
        shadow = Shadow(
            sink,
            topics=replace(settings.topics, verdict_topic=told.shadow_topic),
            policy=settings.publish,
            meters=own,
            retry=settings.retry,
        )
        onlookers.append(shadow)
        chosen = replace(settings, choice=replace(settings.choice, model=told.shadow))
        # What a shadow takes its time for is not the worker's steps.
        posts.append(post(Role.SHADOW, chosen, Meters(settings.detector), shadow.take))
    if settings.drift.reference != "off":
        onlookers.append(Drift(settings.drift, own))
    bench = Bench(judge, own, onlookers, settings.retry)

    def change(other: Judge | None) -> None:
        # Somebody has to judge, also while no candidate is named that was to.
        if other is not None:
            bench.change(other)

    def try_out(candidate: Judge | None) -> None:
        share = told.canary_share
        bench.try_out(None if candidate is None else Canary(judge=candidate, share=share))

    in_service = post(Role.SERVICE, settings, meters, change)
    in_service.digest = judge.model.digest
    posts.insert(0, in_service)
    if told.canary is not None:
        chosen = replace(settings, choice=replace(settings.choice, model=told.canary))
        posts.append(post(Role.CANARY, chosen, meters, try_out))
    return bench, Watch(posts, told.poll_ms / 1000, own, settings.retry)
