"""Which errors say that a batch was too large for the memory of the device, or of the machine.

By name, so that no library is imported to look at an error that it did not raise.
"""

from __future__ import annotations

_ALWAYS = frozenset({"MemoryError", "ResourceExhaustedError"})
# JAX has one type for whatever XLA reports, under two names by version; the status comes first in
# its message. TensorFlow hands on some of XLA's and CUDA's as internal errors.
_BY_MESSAGE = frozenset({"XlaRuntimeError", "JaxRuntimeError", "InternalError", "UnknownError"})
_SIGNS = ("RESOURCE_EXHAUSTED", "out of memory", "OUT_OF_MEMORY")


def is_exhaustion(error: BaseException) -> bool:
    """Whether ``error`` says that there was no room for what was asked.

    Args:
        error: Anything that an engine raised: Python's `MemoryError`, TensorFlow's
            ``ResourceExhaustedError``, JAX's ``XlaRuntimeError`` with that status.

    >>> is_exhaustion(MemoryError()), is_exhaustion(ValueError("RESOURCE_EXHAUSTED"))
    (True, False)
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _ALWAYS:
        return True
    return bool(names & _BY_MESSAGE) and any(sign in str(error) for sign in _SIGNS)
