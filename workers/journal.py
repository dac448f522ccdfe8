"""Logs, for people on a terminal and as JSON lines elsewhere; the standard library's come along.

Times are UTC (RFC 3339). URLs are defanged in either form, so that nobody follows one from a log;
on a console control, escape and bidirectional characters are escaped too (JSON escapes its own).
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from schemas.text import defang, visible

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from workers.settings.policies import JournalPolicy

# Fields that hold a URL with or without a scheme.
_SUBJECTS: Final = frozenset({"url", "subject", "text"})
# Fields that have several lines.
_OF_LINES: Final = frozenset({"exception", "stack"})
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)

# Libraries that log at INFO what is DEBUG to an operator of workers.
_CLIENT: Final = "kafka"
TALKATIVE: Final = (_CLIENT, "absl", "tensorflow", "h5py")

# What the Kafka client warns of whenever it joins a group (it asks for the topic's partitions next)
# and whenever it is closed (it was just asking for something).
_NORMAL: Final = re.compile(r"No partition metadata for topic |Metadata refresh: failed Cancelled$")

_NUMBER: Final = re.compile(r"0x[0-9a-f]+|[0-9]+(?:[.][0-9]+)?")

# More distinct messages than any client has; reached only by one that writes values into them.
_MOST_KEYS: Final = 1_024


class Recurring:
    """Lets an event through once a period and counts what it holds back. Thread-safe.

    >>> recurring = Recurring(period_s=30)
    >>> recurring.admit("poll failed"), recurring.admit("poll failed")
    (0, None)
    """

    def __init__(self, *, period_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_s = period_s
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[Hashable, tuple[float, int]] = {}

    def admit(self, key: Hashable) -> int | None:
        """How many of ``key`` were held back since the last; None if this one is to be as well."""
        now = self._clock()
        with self._lock:
            since, held = self._seen.get(key, (None, 0))
            if since is not None and now - since < self._period_s:
                self._seen[key] = (since, held + 1)
                return None
            self._seen.pop(key, None)
            if len(self._seen) >= _MOST_KEYS:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = (now, 0)
            return held


class _OncePerPeriod(logging.Filter):
    """Keeps the Kafka client to what is amiss, and to one line a period where that goes on."""

    def __init__(self, recurring: Recurring) -> None:
        super().__init__()
        self._recurring = recurring

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_CLIENT):
            return True
        if _NORMAL.match(record.getMessage()):
            return False
        # Some messages have numbers and addresses of objects written into them.
        message = _NUMBER.sub("#", str(record.msg))
        held = self._recurring.admit((record.name, record.levelno, message))
        if held:
            record.suppressed = held
        return held is not None


def configure(
    policy: JournalPolicy,
    *,
    report_period_ms: int = 30_000,
    client: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Send all logs of this process to ``stream`` (standard error), as ``policy`` says.

    Args:
        policy: Level and format.
        report_period_ms: What the Kafka client repeats is logged once in this time.
        client: Whether to log what the Kafka client warns of; at the level ``debug`` it always is.
            A verb that soon ends with an error of its own, which says the same, leaves it out.
        stream: Where to; a terminal gets the console form if the policy leaves it open.
    """
    stream = sys.stderr if stream is None else stream
    on_terminal = stream.isatty()
    console = policy.log_format == "console" or (policy.log_format == "auto" and on_terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    rendering: list[Processor] = (
        [
            escape_controls,
            structlog.dev.ConsoleRenderer(
                colors=on_terminal and not os.environ.get("NO_COLOR"),
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
        if console
        else [structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(stream)
    handler.addFilter(_OncePerPeriod(Recurring(period_s=report_period_ms / 1_000)))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *shared,
                structlog.stdlib.ExtraAdder(allow=("suppressed",)),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                defang_urls,
                *rendering,
            ],
        )
    )
    level = logging.getLevelNamesMapping()[policy.log_level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in TALKATIVE:
        quiet = level if level <= logging.DEBUG else max(level, logging.WARNING)
        if name == _CLIENT and not client and level > logging.DEBUG:
            quiet = logging.CRITICAL
        logging.getLogger(name).setLevel(quiet)


def defang_urls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: no URL in any field can be followed by a click."""
    return {
        key: defang(value) if key in _SUBJECTS and isinstance(value, str) else _defanged(value)
        for key, value in event.items()
    }


def escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: no field can move the cursor, colour the terminal or reverse its text."""
    return {
        key: _visible_lines(value) if key in _OF_LINES else _visible(value)
        for key, value in event.items()
    }


def _defanged(value: Any) -> Any:
    return _over_strings(value, lambda text: _URL.sub(lambda match: defang(match[0]), text))


def _visible(value: Any) -> Any:
    return _over_strings(value, visible)


def _visible_lines(value: Any) -> Any:
    """Tracebacks and stacks keep their lines."""
    return "\n".join(map(visible, value.split("\n"))) if isinstance(value, str) else value


def _over_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_over_strings(k, change): _over_strings(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_over_strings(item, change) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return change(str(value))  # paths, errors and the like come out as text in any case
