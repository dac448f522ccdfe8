"""The contracts as JSON Schema (2020-12), as they are shipped in the package."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson

from schemas.errors import UnknownContractError

CONTRACTS = ("telemetry-url", "telemetry-path", "telemetry-html", "verdict", "dead-letter")
"""Names of the contracts."""


def contract_text(name: str) -> bytes:
    """The JSON Schema of a contract, as it stands in its file.

    Raises:
        UnknownContractError: there is no contract of that name.
    """
    if name not in CONTRACTS:
        raise UnknownContractError(
            f"There is no contract {name!r}; there are {', '.join(CONTRACTS)}"
        )
    return files("schemas").joinpath(f"{name.replace('-', '_')}.schema.json").read_bytes()


def contract(name: str) -> dict[str, Any]:
    """The JSON Schema of a contract.

    Raises:
        UnknownContractError: there is no contract of that name.

    >>> contract("verdict")["title"]
    'Verdict'
    """
    schema: dict[str, Any] = orjson.loads(contract_text(name))
    return schema
