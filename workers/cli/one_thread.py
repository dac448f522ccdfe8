"""One thread for numpy's products, in verbs that judge."""

from __future__ import annotations

import os
from typing import Final

_THREADS_OF_NUMPY: Final = "OPENBLAS_NUM_THREADS"


def numpy_in_one_thread() -> None:
    """Have numpy compute in one thread, unless the environment says otherwise.

    To be called before numpy is loaded, which reads it once. The threads of a worker share out the
    cores among themselves; those of OpenBLAS would wait for each other in loops: explaining a
    verdict took four times the CPU time with two of them.
    """
    os.environ.setdefault(_THREADS_OF_NUMPY, "1")
