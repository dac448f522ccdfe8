"""Tells a listener of rebalances while the thread that polls waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from kafka import AsyncConsumerRebalanceListener
from kafka.future import Future
from kafka.net.compat import KafkaNetClient

from workers.log.contract import AssignmentListener, TopicPartition

_Told = Callable[[Iterable[TopicPartition]], None]


class RebalanceBridge(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # kafka has no types
    """Runs an `AssignmentListener` on a thread of its own, once per event.

    kafka-python calls listeners on its network thread, which must go on with heartbeats (and with
    the commit that the listener may ask for), while the thread that polls is blocked until they
    return. So a third thread runs them: the polling thread stands still meanwhile, and what the
    listener sees is as if it had been called from `poll` itself.

    Args:
        listener: Who is told.
        network: Woken up when the listener has returned.
        before_assigned: Called with new partitions before the listener is.
    """

    def __init__(
        self, listener: AssignmentListener, network: KafkaNetClient, before_assigned: _Told
    ) -> None:
        self._listener = listener
        self._network = network
        self._before_assigned = before_assigned
        self._failure: BaseException | None = None
        # Partitions whose listener is being told that they leave: ours to commit till it returns.
        self.leaving: frozenset[TopicPartition] = frozenset()

    async def on_partitions_assigned(self, assigned: Iterable[tuple[str, int]]) -> None:
        """Pass it on."""
        partitions = _sorted(assigned)
        self._before_assigned(partitions)
        await self._run(self._listener.on_assigned, partitions)

    async def on_partitions_revoked(self, revoked: Iterable[tuple[str, int]]) -> None:
        """Pass it on; commits for these partitions are still good meanwhile."""
        partitions = _sorted(revoked)
        self.leaving = frozenset(partitions)
        try:
            await self._run(self._listener.on_revoked, partitions)
        finally:
            self.leaving = frozenset()

    async def on_partitions_lost(self, lost: Iterable[tuple[str, int]]) -> None:
        """Pass it on."""
        await self._run(self._listener.on_lost, _sorted(lost))

    def raise_failure(self) -> None:
        """Raise, on the polling thread, what the listener raised."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def _run(self, told: _Told, partitions: list[TopicPartition]) -> None:
        returned = Future()

        def tell() -> None:
            try:
                told(partitions)
            except BaseException as error:  # noqa: BLE001  # raised again on the polling thread
                self._failure = error
            finally:
                returned.success(None)
                self._network.wakeup()

        threading.Thread(target=tell, name="rebalance", daemon=True).start()
        await returned


def _sorted(partitions: Iterable[tuple[str, int]]) -> list[TopicPartition]:
    return sorted(TopicPartition(topic, partition) for topic, partition in partitions)
