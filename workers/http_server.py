"""Metrics and health over HTTP: `/metrics`, `/livez`, `/readyz`, `/startupz`; nothing else."""

from __future__ import annotations

import errno
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final, Self
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry

from workers.errors import ConfigurationError
from workers.health import Check, Health
from workers.journal import Recurring
from workers.metrics.exposition import rendered

journal = structlog.get_logger(__name__)

PLAIN: Final = "text/plain; charset=utf-8"
# A client that says nothing for so long is let go.
IDLE_SECONDS: Final = 10.0
# Scrapers and probes are a handful; more at a time are somebody who means us harm or has a mistake.
MOST_CLIENTS: Final = 32
# How often the server looks whether it is to end.
WAKE_SECONDS: Final = 0.2

Answer = tuple[HTTPStatus, bytes, str]
Pages = Mapping[str, Callable[[str], Answer]]


class HealthServer:
    """Serves one replica, from threads of its own, until closed.

    Args:
        address: ``HOST:PORT``; port 0 lets the system pick one, which is logged.
        health: Asked by probes.
        registry: Read by scrapes.
        report_period_s: Stacks of a replica that does not live are logged once in this time.

    Raises:
        ConfigurationError: nobody can listen there: the port is taken, or the host is not ours.
    """

    def __init__(
        self,
        address: str,
        health: Health,
        registry: CollectorRegistry,
        *,
        report_period_s: float,
    ) -> None:
        reports = Recurring(period_s=report_period_s)
        pages: Pages = {
            "/metrics": lambda accept: _scrape(registry, accept),
            "/livez": lambda _: _live(health, reports),
            "/readyz": lambda _: _told(health.ready()),
            "/startupz": lambda _: _told(health.startup()),
        }
        self._server = _listen(address, pages)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(WAKE_SECONDS,), name="weir-http", daemon=True
        )
        self._thread.start()
        journal.info("metrics and health are served", host=self.host, port=self.port)

    @property
    def host(self) -> str:
        """Where it listens."""
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        """Where it listens, also where the system picked."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _live(health: Health, reports: Recurring) -> Answer:
    checks = health.live()
    if any(check.problem for check in checks) and reports.admit("stacks") is not None:
        journal.error(
            "this replica does not move; what its threads are doing follows",
            problems=[check.problem for check in checks if check.problem],
            stack=stacks(),
        )
    return _told(checks)


def stacks() -> str:
    """What every thread of this process is doing."""
    frames = sys._current_frames()  # noqa: SLF001 - documented, whatever its name says
    return "\n".join(
        f"Thread {thread.name}:\n{''.join(traceback.format_stack(frame)).rstrip()}"
        for thread in threading.enumerate()
        if (frame := frames.get(thread.ident or 0)) is not None
    )


def _told(checks: Sequence[Check]) -> Answer:
    well = not any(check.problem for check in checks)
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    lines = [
        f"bad {check.name}: {check.problem}" if check.problem else f"ok {check.name}"
        for check in checks
    ]
    return status, "".join(f"{line}\n" for line in lines).encode(), PLAIN


def _scrape(registry: CollectorRegistry, accept: str) -> Answer:
    body, content_type = rendered(registry, accept)
    return HTTPStatus.OK, body, content_type


class _Server(ThreadingMixIn, TCPServer):
    """Answers in a thread a connection, and takes only so many at a time."""

    daemon_threads = True
    allow_reuse_address = True  # a port that nobody listens on any more is free at once

    def __init__(self, family: socket.AddressFamily, place: Any, pages: Pages) -> None:
        self.address_family = family
        self.pages = pages
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        super().__init__(place, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer it, or let it go if too many are being answered."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log what went wrong; a client that has gone is nothing."""
        if not isinstance(sys.exception(), OSError):
            journal.error("a request over HTTP was not answered", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One request, one answer, and the connection ends."""

    server: _Server
    timeout = IDLE_SECONDS
    server_version = "fishweir"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = PLAIN

    def do_GET(self) -> None:
        """Answer with a page."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer as GET would, without the page."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.pages.get(urlsplit(self.path).path)
        if page is None:
            known = ", ".join(self.server.pages)
            self.send_error(HTTPStatus.NOT_FOUND, f"Nothing is here; there are {known}")
            return
        status, body, content_type = page(self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: requests come every few seconds and are no news."""


def _listen(address: str, pages: Pages) -> _Server:
    host, _, port = address.rpartition(":")
    try:
        family, *_, place = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _Server(family, place, pages)
    except OSError as error:
        remedy = (
            "give another port, or 0 to have one picked"
            if error.errno == errno.EADDRINUSE
            else "give an address of this machine, e.g. 127.0.0.1:0"
        )
        raise ConfigurationError(
            f"Setting 'http' has value {address!r}, where nobody can listen: "
            f"{error.strerror}; {remedy}"
        ) from error
