"""kafka-python's consumer, with one fault of it mended and its positions told at once."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata
from kafka import TopicPartition as KafkaPartition
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.future import Future
from kafka.structs import MemberState


class Consumer(KafkaConsumer):  # type: ignore[misc]  # kafka has no types
    """`KafkaConsumer` for a group member that polls briefly and does other things in between."""

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        # The constructor leaves no choice of the coordinator; ours adds a method and no state.
        self._coordinator.__class__ = _Coordinator

    def consumed(self) -> dict[KafkaPartition, OffsetAndMetadata]:
        """Positions of the assigned partitions that have one, past gaps that were read.

        `KafkaConsumer.position` looks through all partitions for each; `commit` without
        arguments uses this.
        """
        consumed: dict[KafkaPartition, OffsetAndMetadata]
        consumed = self._subscription.all_consumed_offsets()
        return consumed


class _Coordinator(ConsumerCoordinator):  # type: ignore[misc]  # kafka has no types
    """Takes up a join that ended between two polls.

    kafka-python 3.0.12 sends another JoinGroup instead. That makes the others join again, whose
    joins then end between their polls: a group of members that poll briefly hardly ever settles.
    """

    _join_task: Future | None

    async def join_group_async(self, timeout_ms: float | None = None) -> bool:
        ended = self._join_task
        if ended is not None and ended.is_done and self.state is MemberState.REBALANCING:
            # To the method that we override, a join that is about to end.
            ending = Future()
            self._join_task = ending
            self._manager.call_soon(ended.chain, ending)
        joined: bool = await super().join_group_async(timeout_ms)
        return joined
