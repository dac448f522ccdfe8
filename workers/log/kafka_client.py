"""Opens kafka-python's clients: retried, and without leaving anything behind on failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.net.compat import KafkaNetClient
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from workers.errors import ConfigurationError, LogUnavailableError, WorkerError
from workers.log.connection import Connection
from workers.log.kafka_errors import translate
from workers.log.kafka_headers import mend_headers
from workers.log.kafka_options import admin_options
from workers.log.kafka_probe import speaks_plain, speaks_tls
from workers.log.kafka_reasons import Reasons, RefusedError
from workers.log.kafka_refusals import closed, no_tls, wants_tls
from workers.log.kafka_secrets import keep_secrets
from workers.log.kafka_tls import check_files
from workers.log.kafka_transport import mend_sockets

# Long enough for a broker that is being restarted to be found again by the attempts, short
# enough that whoever retries the whole (and was told to stop) is not kept waiting.
CONNECT_SECONDS: Final = 10.0

Client = TypeVar("Client")


class Network(KafkaNetClient):  # type: ignore[misc]  # kafka has no types
    """The network under a client, which can be told that the cluster no longer lets it in.

    Attributes:
        on_refusal: Told so on the client's own thread, with the error, whenever it would connect;
            None raises it there.
    """

    on_refusal: Callable[[RefusedError], object] | None = None

    def watch(self, reasons: Reasons) -> None:
        """Give an account of the connections."""
        reasons.watch(self._manager)

    def maybe_connect(self, node_id: object, **options: Any) -> None:
        """As the client's own."""
        try:
            super().maybe_connect(node_id, **options)
        except RefusedError as error:
            # A producer would try for as long as it may hold on to its rows.
            if self.on_refusal is None:
                raise
            self.on_refusal(error)


def connect(
    make: Callable[..., Client], options: Mapping[str, Any]
) -> tuple[Client, KafkaNetClient]:
    """Make a client, trying again with jitter while the cluster cannot be reached.

    Args:
        make: `KafkaConsumer`, `KafkaProducer` or `KafkaAdminClient`.
        options: What to make it with.

    Returns:
        The client, and the network client under it.

    Raises:
        LogUnavailableError: no broker answered for `CONNECT_SECONDS`.
        AuthorisationError: the cluster does not accept who we are.
        ConfigurationError: an option cannot be used.
    """
    attempts = Retrying(
        retry=retry_if_exception_type(LogUnavailableError),
        stop=stop_after_delay(CONNECT_SECONDS),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        reraise=True,
    )
    client: tuple[Client, KafkaNetClient] = attempts(_connect_once, make, options)
    return client


def await_metadata(network: KafkaNetClient, topic: str) -> None:
    """Return once a client that has subscribed to a topic knows its partitions.

    A kafka-python 3.0.12 member that leads its group, and learns the partitions of its topic just
    while it assigns them, assigns none and does not notice for ``metadata.max.age.ms``.

    Raises:
        LogUnavailableError: the cluster does not tell within `CONNECT_SECONDS`.
    """
    deadline = time.monotonic() + CONNECT_SECONDS
    while not network.cluster.partitions_for_topic(topic):
        told = threading.Event()
        update = network.cluster.request_update()
        update.add_both(lambda _, told=told: told.set())
        if time.monotonic() > deadline or not told.wait(max(0.0, deadline - time.monotonic())):
            raise LogUnavailableError(f"the cluster does not tell the partitions of '{topic}'")


@contextmanager
def admin(connection: Connection) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end; what it raises is translated.

    Raises:
        WorkerError: as `connect`, and what the block's calls run into.
    """
    client, _ = connect(KafkaAdminClient, admin_options(connection))
    try:
        yield client
    except (KafkaError, OSError) as error:
        raise translate(error, f"asking the cluster at {connection.bootstrap_servers}") from error
    finally:
        client.close()


def _connect_once(
    make: Callable[..., Client], options: Mapping[str, Any]
) -> tuple[Client, KafkaNetClient]:
    networks: list[Network] = []
    mend_sockets()
    mend_headers()
    keep_secrets()
    servers = ",".join(options["bootstrap_servers"])
    reasons = Reasons(servers)
    check_files(options)

    def network(**settings: Any) -> KafkaNetClient:
        client = Network(**settings)
        # The client's own option does not reach its metadata requests in kafka-python 3.0.12,
        # and most clusters create whatever topic a request names.
        client.cluster.config["allow_auto_create_topics"] = False
        client.watch(reasons)
        networks.append(client)
        return client

    made = False
    try:
        client = make(**options, kafka_client=network)
        made = True
    except RefusedError as error:
        raise error.meaning or _meaning(error, options, reasons) from error
    except KafkaTimeoutError as error:
        raise _unreachable(servers, reasons) from error
    except (KafkaError, OSError) as error:
        raise translate(error, f"connecting to {servers}") from error
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigurationError(f"connecting to {servers}: {error}") from error
    finally:
        # A constructor that fails leaves its thread and sockets to us.
        if networks and not made:
            networks[-1].close()
    if isinstance(client, KafkaProducer):
        networks[-1].on_refusal = client._accumulator.abort_batches  # noqa: SLF001
    return client, networks[-1]


def _meaning(error: RefusedError, options: Mapping[str, Any], reasons: Reasons) -> WorkerError:
    """What brokers mean that close connections without a word."""
    protocol, servers = options["security_protocol"], options["bootstrap_servers"]
    if error.spoken:
        return closed(",".join(servers), protocol)
    for server in servers:
        if "SSL" in protocol.split("_"):
            if speaks_plain(server):
                return no_tls(server)
        elif speaks_tls(server):
            return wants_tls(server)
    # Whatever it is that listens there, a proxy of brokers that are away perhaps.
    return _unreachable(",".join(servers), reasons)


def _unreachable(servers: str, reasons: Reasons) -> LogUnavailableError:
    return LogUnavailableError(
        f"no broker of {servers} can be reached{reasons.last()}; check --bootstrap-servers, "
        "the network, and --security-protocol"
    )
