"""Looks at the files of TLS before a client does: it would name none of them, and try for ever."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from workers.errors import ConfigurationError


def check_files(options: Mapping[str, Any]) -> None:
    """See that the client will be able to read the certificates and keys of its options.

    It reads them for every connection anew, so that files may be renewed while it runs.

    Raises:
        ConfigurationError: one cannot be read, holds something else, or is locked by a password
            that was not given.
    """
    if "SSL" not in options["security_protocol"].split("_"):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities, certificate = options["ssl_cafile"], options["ssl_certfile"]
    key, password = options["ssl_keyfile"], options["ssl_password"]
    if authorities:
        try:
            context.load_verify_locations(authorities)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"--ssl-cafile {authorities}: {_told(error)}; give a PEM file of certificates"
            ) from error
    if not certificate:
        if key:
            raise ConfigurationError("--ssl-keyfile is of no use without --ssl-certfile")
        return

    def asked() -> str:
        if password is None:
            raise _LockedError
        return str(password)

    try:
        # Without a function OpenSSL would ask the terminal for a password.
        context.load_cert_chain(certificate, key, asked)
    except _LockedError:
        raise ConfigurationError(
            f"{_named(certificate, key)}: the key is locked; give its password with "
            "--ssl-password-file"
        ) from None
    except OSError as error:
        hint = "" if password is None else ", and the password of --ssl-password-file"
        raise ConfigurationError(
            f"{_named(certificate, key)}: {_told(error)}; give PEM files of a certificate and of "
            f"its key{hint}"
        ) from error


class _LockedError(Exception):
    """A password is wanted and there is none."""


def _named(certificate: str, key: str | None) -> str:
    return f"--ssl-certfile {certificate}" + (f", --ssl-keyfile {key}" if key else "")


def _told(error: OSError) -> str:
    return str(error.strerror or error)
