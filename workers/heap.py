"""Keeps Python from looking for garbage among what stays to the end.

It looks through all objects that are new every few hundred of them, and now and then through all
that there are. A start makes half a million, of libraries mostly, and none of them is garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import libraries, load a model: nothing is looked through meanwhile.

    What is there after the first time in a process, libraries above all, is not looked through
    later either.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
        if was_on:
            gc.enable()


@contextmanager
def settled() -> Iterator[None]:
    """What is there by now is no garbage, and is not looked through for any.

    Every thread stands still while Python does that: for a tenth of a second, with all that
    libraries have brought.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def leave() -> None:
    """At the end of a process: what is left is the system's to take back, unseen."""
    gc.freeze()
