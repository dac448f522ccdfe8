"""Errors that say that memory ran out, as the libraries really raise them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from models.engines.exhaustion import is_exhaustion


def test_what_tensorflow_raises_for_a_tensor_that_does_not_fit() -> None:
    # Made by hand: its allocator takes ten seconds before it says so.
    assert is_exhaustion(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"))


def test_what_numpy_raises_for_an_array_that_does_not_fit() -> None:
    with pytest.raises(MemoryError) as raised:
        np.zeros((1 << 40, 1 << 12), np.uint8)
    assert is_exhaustion(raised.value)


def test_jax_tells_it_in_the_message_alone() -> None:
    class XlaRuntimeError(RuntimeError):
        """Named as JAX's, which is not installed everywhere."""

    assert is_exhaustion(XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte"))
    assert not is_exhaustion(XlaRuntimeError("INVALID_ARGUMENT: shapes"))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"),
        RuntimeError("RESOURCE_EXHAUSTED"),
        tf.errors.InvalidArgumentError(None, None, "shapes"),
    ],
)
def test_other_errors_are_none_whatever_they_say(error: Exception) -> None:
    assert not is_exhaustion(error)
