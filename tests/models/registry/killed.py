"""Does something to a registry and is killed at its n-th step, for each n until it survives.

Run as a program with a folder to work in and what to do. Steps are the calls by which a process
changes or opens files there, as the interpreter audits them, and every wait for the disk. Each
try is a process of its own, on a registry of its own; prints what each has left, a JSON object a
line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.errors import ModelError
from models.registry import Registry
from models.registry.adding import add
from models.registry.promoting import promote, roll_back
from models.registry.pruning import prune
from tests.models.registry.stores import artefact, store

CHANGES: Final = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"})
_MOST_STEPS: Final = 200

ACTIONS: Final[dict[str, Callable[[Registry], object]]] = {
    "promote": lambda registry: promote(registry, "url", 3),
    "rollback": lambda registry: roll_back(registry, "url"),
    "add": lambda registry: add(registry, registry.folder.parent / "new"),
    "prune": lambda registry: prune(registry, "url", 1),
}


def _arm(folder: Path, step: int) -> None:
    """Let this process be killed just before the n-th step."""
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1
        if passed > step:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in CHANGES or (event == "open" and str(arguments[0]).startswith(str(folder))):
            count()

    waiting = os.fsync

    def fsync(handle: int) -> None:
        count()
        waiting(handle)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(hook)


def _state(registry: Registry) -> dict[str, object]:
    """What a reader sees; that everything there can be loaded."""
    pointer = registry.pointer("url")
    versions = registry.versions("url")
    for number in versions:
        registry.load(registry.version("url", number))
    return {
        "live": pointer.live.version if pointer.live else None,
        "previous": [pin.version for pin in pointer.previous],
        "versions": versions,
    }


def main(folder: Path, what: str) -> None:
    """Try step after step."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside numeric threads
    template = store(folder / "template", versions=(1, 2, 3))
    artefact(folder / "new", 4)
    promote(template, "url", 1)
    promote(template, "url", 2)
    if what == "prune":
        promote(template, "url", 3)
    for step in range(_MOST_STEPS):
        registry = Registry(folder / "models")
        shutil.rmtree(registry.folder, ignore_errors=True)
        shutil.copytree(template.folder, registry.folder)
        child = os.fork()
        if child == 0:
            _arm(registry.folder, step)
            ACTIONS[what](registry)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        told: dict[str, object] = {"step": step, "killed": killed, **_state(registry)}
        try:
            ACTIONS[what](registry)
        except ModelError as error:
            told["again"] = str(error)
        hidden = [path.name for path in registry.folder.rglob(".*") if path.name != ".lock"]
        print(json.dumps({**told, "after": _state(registry), "left": hidden}), flush=True)  # noqa: T201
        if not killed:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
