"""What a refusal means, and which setting to look at."""

from __future__ import annotations

import ssl
from typing import Final

from kafka.errors import (
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from workers.errors import AuthorisationError, ConfigurationError, WorkerError

_SASL: Final = (
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
# Of X509_verify_cert (OpenSSL): the certificate's times, and for whom it is.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_HOST, _OTHER_ADDRESS = 62, 64
# What OpenSSL calls bytes that are no TLS.
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
# Alerts (RFC 8446, 6.2) that are about the client's certificate, and about what both can speak.
_ABOUT_CERTIFICATES: Final = (
    *("BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED"),
    *("CERTIFICATE_UNKNOWN", "CERTIFICATE_REQUIRED", "UNKNOWN_CA", "ACCESS_DENIED"),
)
_ABOUT_VERSIONS: Final = ("PROTOCOL_VERSION", "INSUFFICIENT_SECURITY", "HANDSHAKE_FAILURE")

_LOOK_AT_SASL: Final = (
    "check --sasl-mechanism, --sasl-username, --sasl-password-file, and --security-protocol"
)


def meaning_of(error: Exception, servers: str) -> WorkerError | None:
    """The worker's error for what ended a connection that was being made.

    Args:
        error: As the client has it.
        servers: Where it connected to, for the message.

    Returns:
        None where a later try may do better.
    """
    if isinstance(error, _SASL):
        # The broker's own words hold no secret: it does not say what it expected.
        told = " ".join(map(str, error.args)) or type(error).__name__
        return AuthorisationError(f"{servers} did not accept who we are ({told}); {_LOOK_AT_SASL}")
    found = tls_error(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        return ConfigurationError(f"{servers}: {_of_their_certificate(found)}")
    return None if found is None else _of_their_alert(str(found.reason or ""), servers)


def _of_their_alert(reason: str, servers: str) -> WorkerError | None:
    if reason in _NO_TLS:
        return no_tls(servers)
    if "ALERT" in reason and reason.endswith(_ABOUT_CERTIFICATES):
        return AuthorisationError(
            f"{servers} did not accept this client's certificate, or wants one ({reason}); check "
            "--ssl-certfile and --ssl-keyfile: when it expires, and who signed it"
        )
    if "ALERT" in reason and reason.endswith(_ABOUT_VERSIONS):
        return ConfigurationError(
            f"{servers} and this client have no version or cipher of TLS in common ({reason}); "
            "the client speaks TLS 1.2 and 1.3"
        )
    return None


def no_tls(servers: str) -> ConfigurationError:
    """The port answers, but not in TLS."""
    return ConfigurationError(
        f"{servers} does not speak TLS; set --security-protocol to PLAINTEXT or SASL_PLAINTEXT, or "
        "--bootstrap-servers to a port that does"
    )


def wants_tls(servers: str) -> ConfigurationError:
    """The port speaks TLS, and we do not."""
    return ConfigurationError(f"{servers} speaks TLS; set --security-protocol to SSL or SASL_SSL")


def closed(servers: str, protocol: str) -> WorkerError:
    """Brokers that understood us close again and again, and do not say why."""
    if protocol.startswith("SASL"):
        return AuthorisationError(
            f"{servers} did not accept who we are (it closes the connection); {_LOOK_AT_SASL}"
        )
    return ConfigurationError(
        f"{servers} closes connections at the first request: it may want to know who we are; set "
        f"--security-protocol to SASL_{protocol}, --sasl-mechanism, "
        "--sasl-username and --sasl-password-file"
    )


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """What TLS raised, of what the client made of it."""
    found: object = error
    for _ in range(4):
        if isinstance(found, ssl.SSLError):
            return found
        if not isinstance(found, BaseException):
            return None
        inner = found.args[0] if found.args else None
        found = inner if isinstance(inner, BaseException) else found.__cause__ or found.__context__
    return None


def _of_their_certificate(error: ssl.SSLCertVerificationError) -> str:
    told = error.verify_message or str(error)
    if error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        return (
            f"the broker's certificate is for another host ({told}); name brokers with "
            "--bootstrap-servers as the certificate does, or, where that is safe, set "
            "--ssl-check-hostname false"
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        return (
            f"the broker's certificate is out of date ({told}); renew it, or set this machine's "
            "clock"
        )
    return (
        f"the broker's certificate is signed by nobody that this client trusts ({told}); give the "
        "authority's certificate with --ssl-cafile"
    )
