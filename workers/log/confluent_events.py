"""What a client of librdkafka tells beside records and acknowledgements."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import orjson
from confluent_kafka import KafkaError

from workers.errors import LogUnavailableError, WorkerError
from workers.log import topics
from workers.log.confluent_errors import translate
from workers.log.connection import Connection

# Below "kafka", so that the journal treats both clients alike.
_LOGGER: Final = logging.getLogger("kafka.librdkafka")

# It warns of options that only its other clients have, and of what it does for transactions.
_NORMAL: Final = re.compile(r"CONFWARN.* will be ignored by this ")
# What it logs at the level ``debug`` of logging in, if told to with ``--kafka debug=...``.
_SECRET: Final = re.compile(r"(SASL|SCRAM|AUTH)\w*\b.*", re.IGNORECASE | re.DOTALL)


class _Discreet(logging.Filter):
    """Says that somebody logs in, and not with what."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if _NORMAL.search(message):
            return False
        if record.levelno <= logging.DEBUG and _SECRET.search(message):
            record.msg, record.args = _SECRET.sub(r"\1 (not shown)", message), ()
        return True


class Events:
    """What a client has told of the cluster; its callbacks come from inside its own polls.

    Args:
        connection: How the cluster is reached.

    Attributes:
        connected: Whether a broker is connected, as far as is known.
        refusal: Why the cluster does not let us in any more; None while it does.
        fatal: After what the client is of no more use; None while it is.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._doubtful = False
        self.connected = True
        self.refusal: WorkerError | None = None
        self.fatal: KafkaError | None = None

    def options(self) -> dict[str, Any]:
        """Options by which a client calls here."""
        if not any(isinstance(one, _Discreet) for one in _LOGGER.filters):
            _LOGGER.addFilter(_Discreet())
        return {"error_cb": self.failed, "stats_cb": self._counted, "logger": _LOGGER}

    def refused(self) -> bool:
        """Whether the cluster does not let us in any more; asks it where that is in doubt."""
        if self._doubtful and self.refusal is None:
            self._doubtful = False
            self.refusal = self._asked()
        return self.refusal is not None

    def raise_refusal(self) -> None:
        """Raise why the cluster does not let us in, if it does not.

        Raises:
            WorkerError: a refusal that does not pass.
        """
        if self.refused() and self.refusal is not None:
            raise self.refusal

    def failed(self, error: KafkaError) -> None:
        """The client met an error, fatal or not."""
        code = error.code()
        if code == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001
            self.connected = False
        elif code == KafkaError._SSL:  # noqa: SLF001
            # Of a broker that is going away, or a certificate that is refused.
            self._doubtful = True
        elif error.fatal():
            self.fatal = error
        elif code == KafkaError._AUTHENTICATION:  # noqa: SLF001
            self.refusal = translate(error, f"talking to {self._connection.bootstrap_servers}")

    def _counted(self, statistics: str) -> None:
        brokers = orjson.loads(statistics)["brokers"].values()
        self.connected = any(broker["state"] == "UP" for broker in brokers)

    def _asked(self) -> WorkerError | None:
        """What the cluster has against us, by name, as another client of ours finds out."""
        try:
            topics.see_open(self._connection)
        except LogUnavailableError:
            return None
        except WorkerError as error:
            return error
        return None
