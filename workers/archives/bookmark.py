"""How far a run has come: a small file beside the one that it writes, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from workers.archives.errors import ResumeError
from workers.archives.pieces import Mark

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A place in inputs and output.

    Attributes:
        settings: What decides the answers.
        inputs: Names and sizes.
        mark: Up to where the inputs are answered; None where nothing is.
        length: Bytes of the output that answer them.
        scored: Lines that these are.
        refused: Those of them that could not be judged.
        finished: Whether that is all.
    """

    settings: Mapping[str, Any]
    inputs: Sequence[Sequence[Any]]
    mark: Mark | None
    length: int
    scored: int
    refused: int
    finished: bool = False

    @classmethod
    def read(cls, path: Path) -> Bookmark | None:
        """What was written, or None if nothing was.

        Raises:
            ResumeError: it is something else.
        """
        try:
            return cls._of(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ResumeError(
                f"file '{path}' says nothing of how far a run has come ({error}); remove it to "
                "start anew"
            ) from error

    @classmethod
    def _of(cls, told: dict[str, Any]) -> Bookmark:
        if told.pop("version") != _VERSION:
            raise ValueError("it is of another version")
        mark = told.pop("mark")
        found = cls(**told, mark=None if mark is None else Mark(**mark))
        if min(found.length, found.scored, found.refused) < 0:
            raise ValueError("a number is negative")
        return found

    def write(self, path: Path) -> None:
        """Replace the file, so that there is a whole one at any moment."""
        told = json.dumps({"version": _VERSION, **asdict(self)}, indent=1)
        new = path.with_name(path.name + ".new")
        with new.open("w") as file:
            file.write(told + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    def hold(self, settings: Mapping[str, Any], inputs: Sequence[Sequence[Any]]) -> None:
        """See that a run would go on as it began.

        Raises:
            ResumeError: it would not.
        """
        for name in sorted(self.settings.keys() | settings.keys()):
            was, now = self.settings.get(name), settings.get(name)
            if was != now:
                raise ResumeError(
                    f"the run that was cut off had {name} {was!r}, this one has {now!r}; give the "
                    "same again, or leave --resume out to score everything anew"
                )
        if [name for name, _ in self.inputs] != [name for name, _ in inputs]:
            raise ResumeError(
                f"the run that was cut off read {len(self.inputs)} inputs, and they were others; "
                "give the same in the same order, or leave --resume out to score everything anew"
            )
        done = 0 if self.mark is None else self.mark.file
        for (name, was), (_, now) in zip(self.inputs[:done], inputs[:done], strict=True):
            if was != now:
                raise ResumeError(
                    f"input {name!r} had {was:,} bytes when it was scored and has {now:,} now; "
                    "leave --resume out to score everything anew"
                )
