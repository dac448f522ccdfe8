"""A node that wants to know who we are: TLS, SCRAM and access control, a listener for each case."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from tests.broker.certificates import Authority, Files
from tests.broker.node import RunningNode
from workers.log.connection import Connection
from workers.log.kafka_client import admin

# One that no scanner takes for a real one.
PASSWORD = "right-" + "secret"
USER = "weir"

# Each a listener of its own; which protocol it speaks, and what is the matter with it.
LISTENERS = {
    "SSL": "SSL",
    "MUTUAL": "SSL",
    "EXPIRED": "SSL",
    "ELSEWHERE": "SSL",
    "SASL_SSL": "SASL_SSL",
    "SASL_PLAINTEXT": "SASL_PLAINTEXT",
    "SHORT": "SASL_PLAINTEXT",
}
# On that one who we are is asked again and again (KIP-368).
REAUTHENTICATION_MS = 1_500


class SecuredNode:
    """Runs in a process; clients on its plain listener may do anything, as its operator."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder, "right")
        self.stranger = Authority(folder, "wrong")
        server = self.authority.sign("server", "127.0.0.1", "localhost")
        special = {
            "EXPIRED": self.authority.sign("late", "127.0.0.1", expired=True),
            "ELSEWHERE": self.authority.sign("elsewhere", "broker.example"),
        }
        self._ports = {name: _free_port() for name in LISTENERS}
        map_ = {"CONTROLLER": "PLAINTEXT", "PLAINTEXT": "PLAINTEXT", **LISTENERS}
        properties = {
            "extra.listeners": ",".join(
                f"{name}://127.0.0.1:{port}" for name, port in self._ports.items()
            ),
            "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in map_.items()),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(server.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{USER}",
            "listener.name.short.scram-sha-512.connections.max.reauth.ms": str(REAUTHENTICATION_MS),
        }
        for name, files in special.items():
            listener = f"listener.name.{name.lower()}"
            properties[f"{listener}.ssl.keystore.type"] = "PEM"
            properties[f"{listener}.ssl.keystore.location"] = str(files.both)
        for name in ("sasl_ssl", "sasl_plaintext", "short"):
            properties[f"listener.name.{name}.plain.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'user_{USER}="{PASSWORD}";'
            )
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                properties[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                )
        self._node = RunningNode(
            "--port", "0", *(f"--set={name}={value}" for name, value in properties.items())
        )
        self.operator = Connection(bootstrap_servers=self._node.bootstrap_servers)

    def stop(self) -> None:
        self._node.stop()

    def server(self, listener: str) -> str:
        return f"127.0.0.1:{self._ports[listener]}"

    def tls(self, listener: str = "SSL", client: Files | None = None) -> Connection:
        """A client that trusts the right authority."""
        return Connection(
            bootstrap_servers=self.server(listener),
            security_protocol="SSL",
            ssl_cafile=str(self.authority.file),
            ssl_certfile=None if client is None else str(client.certificate),
            ssl_keyfile=None if client is None else str(client.key),
        )

    def scram(self, listener: str = "SASL_SSL", user: str = USER) -> Connection:
        """A client that knows the password of a user, who has to be there."""
        return replace(
            self.tls(listener),
            security_protocol="SASL_SSL" if listener == "SASL_SSL" else "SASL_PLAINTEXT",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=user,
            sasl_password=PASSWORD,
        )

    def add_user(self, user: str = USER) -> None:
        with admin(self.operator) as client:
            _alter(client, UserScramCredentialUpsertion(user, "SCRAM-SHA-512", PASSWORD))

    def remove_user(self, user: str = USER) -> None:
        with admin(self.operator) as client:
            _alter(client, UserScramCredentialDeletion(user, "SCRAM-SHA-512"))

    def grant(self, user: str, *rights: Right) -> None:
        with admin(self.operator) as client:
            client.create_acls([right.acl(user, ACL) for right in rights])

    def revoke(self, user: str, right: Right) -> None:
        with admin(self.operator) as client:
            client.delete_acls([right.acl(user, ACLFilter)])


@dataclass(frozen=True)
class Right:
    """What an operator grants on one topic or group."""

    operation: ACLOperation
    kind: ResourceType
    name: str

    def acl(self, user: str, of: type[ACLFilter]) -> ACLFilter:
        return of(
            f"User:{user}",
            "*",
            self.operation,
            ACLPermissionType.ALLOW,
            ResourcePattern(self.kind, self.name),
        )


def _alter(client: KafkaAdminClient, change: object) -> None:
    client.alter_user_scram_credentials([change])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
