"""Errors of the contracts, each a named type that says whether trying again can help."""

from __future__ import annotations

from typing import ClassVar


class ContractError(Exception):
    """Bytes or columns do not hold to a contract of this package."""

    retriable: ClassVar[bool] = False


class UnknownVersionError(ContractError):
    """A message names a contract version that this reader does not know."""


class UnknownContractError(ContractError):
    """No contract has the name asked for."""
