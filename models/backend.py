"""Imports Keras and what it runs on, without the greeting of TensorFlow's C++ half."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

_STANDARD_ERROR: Final = 2


def load_keras() -> ModuleType:
    """The module ``keras``, its backend imported and its devices looked up.

    TensorFlow 2.21 writes some ten lines to standard error while that happens, whatever
    ``TF_CPP_MIN_LOG_LEVEL`` says, in the midst of logs that are JSON. They are held back, and
    shown if the import fails.

    Raises:
        ImportError: Keras or its backend is not there.
    """
    with _standard_error_held_back():
        keras = importlib.import_module("keras")
        if keras.backend.backend() == "tensorflow":
            # The first look at the devices greets once more.
            importlib.import_module("tensorflow").config.list_physical_devices()
    return keras


@contextmanager
def _standard_error_held_back() -> Iterator[None]:
    """Point the process's standard error to a file, which is copied there on failure only."""
    sys.stderr.flush()
    before = os.dup(_STANDARD_ERROR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STANDARD_ERROR)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            os.dup2(before, _STANDARD_ERROR)
            held.seek(0)
            os.write(_STANDARD_ERROR, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, _STANDARD_ERROR)
            os.close(before)
