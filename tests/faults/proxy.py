"""A network between clients and a broker that can be slow, silent, closed or cut off."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from enum import Enum, auto

HOST = "127.0.0.1"
_CHUNK = 65_536
_HEAD = struct.Struct(">ih")

JOIN_GROUP = 11
"""The kind of request by which one becomes a member of a group (API key of Kafka's protocol)."""


class Weather(Enum):
    """What becomes of connections."""

    FAIR = auto()
    """Bytes pass."""

    SLOW = auto()
    """Every chunk from the broker is late."""

    MUTE = auto()
    """Requests pass, and answers wait."""

    SILENT = auto()
    """Connections stay and nothing passes."""

    REFUSING = auto()
    """Connections end, and new ones are refused."""


class Proxy:
    """Listens on a port of its own and passes connections on to another.

    Args:
        port: To listen on; 0 for any.
        delay: Seconds by which a chunk is late in slow weather.
    """

    def __init__(self, port: int = 0, *, delay: float = 0.3) -> None:
        self._target = 0
        self._delay = delay
        self._lock = threading.Condition()
        self._weather = Weather.FAIR
        self._cuts = 0
        # Once a request of this kind has passed, no answer does.
        self._last_request: int | None = None
        self._closed = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        with socket.socket() as probe:
            probe.bind((HOST, port))
            self.port: int = probe.getsockname()[1]

    def start(self, target: int) -> None:
        """Pass connections on to this port from now on."""
        self._target = target
        self._listen()

    def turn(self, weather: Weather) -> None:
        """Let the weather change."""
        with self._lock:
            self._weather = weather
            self._lock.notify_all()
        if weather is Weather.REFUSING:
            self._stop_listening()
            self._end_all()
        elif self._listener is None:
            self._listen()

    def cut_answers(self, count: int) -> None:
        """Cut the next connections off in the middle of an answer of the broker, one each."""
        with self._lock:
            self._cuts = count

    @property
    def uncut(self) -> int:
        """Cuts that are still to come."""
        with self._lock:
            return self._cuts

    def hold_answers_after(self, api_key: int) -> None:
        """Let answers wait, until the weather is fair again, once such a request has passed.

        Args:
            api_key: The kind of request, by Kafka's protocol.
        """
        with self._lock:
            self._last_request = api_key

    @property
    def holding(self) -> bool:
        """Whether answers wait for the weather."""
        with self._lock:
            return self._weather is Weather.MUTE

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
        self._stop_listening()
        self._end_all()

    def _listen(self) -> None:
        listener = socket.create_server((HOST, self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    broker = socket.create_connection((HOST, self._target))
                except OSError:
                    client.close()
                    continue
                pair = (client, broker)
                with self._lock:
                    self._pairs.add(pair)
                for source, sink, answers in ((client, broker, False), (broker, client, True)):
                    threading.Thread(
                        target=self._pump, args=(pair, source, sink, answers), daemon=True
                    ).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
        answers: bool,
    ) -> None:
        requests = _Requests()
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                if not answers:
                    self._look_at(requests.begun(chunk))
                if not self._wait_for_passage(late=answers):
                    break
                if answers and self._cut_now():
                    sink.sendall(chunk[: len(chunk) // 2])
                    break
                sink.sendall(chunk)
        self._end(pair)

    def _wait_for_passage(self, *, late: bool) -> bool:
        """Return when a chunk may pass; False if it never may."""
        with self._lock:
            stops = {Weather.SILENT, Weather.MUTE} if late else {Weather.SILENT}
            self._lock.wait_for(lambda: self._weather not in stops or self._closed)
            if late and self._weather is Weather.SLOW:
                self._lock.wait_for(lambda: self._weather is not Weather.SLOW, self._delay)
            return not self._closed

    def _look_at(self, kinds: list[int]) -> None:
        with self._lock:
            if self._last_request in kinds:
                self._last_request = None
                self._weather = Weather.MUTE

    def _cut_now(self) -> bool:
        with self._lock:
            if not self._cuts:
                return False
            self._cuts -= 1
            return True

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _end_all(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)


class _Requests:
    """The kinds of requests in a stream: each is its length, its kind, and the rest."""

    def __init__(self) -> None:
        self._begun = b""
        self._left = 0

    def begun(self, chunk: bytes) -> list[int]:
        """The API keys of the requests whose first six bytes end in this chunk."""
        kinds = []
        passed = min(self._left, len(chunk))
        self._left -= passed
        rest = self._begun + chunk[passed:]
        while len(rest) >= _HEAD.size:
            length, kind = _HEAD.unpack_from(rest)
            kinds.append(kind)
            whole = 4 + length
            self._left = max(0, whole - len(rest))
            rest = rest[whole:]
        self._begun = rest
        return kinds
