"""Where answers go: a stream, or a file that is there only once it is whole.

While a file ``verdicts.jsonl`` is being made, two files stand beside it: ``verdicts.jsonl.partial``
has the pieces so far, and ``verdicts.jsonl.resume`` says how many bytes of them count and which
place in the inputs they come up to. A run that goes on cuts the pieces to that length and reads on
from that place.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol, Self

from workers.archives.answering import Answered
from workers.archives.bookmark import Bookmark
from workers.archives.errors import ResumeError
from workers.archives.inputs import Input
from workers.archives.packing import Output
from workers.archives.pieces import Mark
from workers.errors import ConfigurationError

PARTIAL: Final = ".partial"
RESUME: Final = ".resume"
# What is scored again at most after a run was cut off; writing through to the disk costs a moment.
_SAVE_S: Final = 5.0


class Writer(Protocol):
    """Takes answers in the order of the inputs.

    Attributes:
        start: Up to where the inputs were answered before; None where nothing was.
        finished: Whether all of them were.
        scored: Lines so far, those of before among them.
        refused: Those of them that could not be judged.
    """

    start: Mark | None
    finished: bool
    scored: int
    refused: int

    def write(self, answered: Answered, mark: Mark | None) -> None:
        """Add a piece, which comes up to ``mark``."""
        ...

    def finish(self) -> None:
        """Everything is answered."""
        ...


class StreamWriter:
    """Writes to what cannot be cut or renamed: a pipe, a terminal, a device."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.start: Mark | None = None
        self.finished = False
        self.scored = self.refused = 0

    def write(self, answered: Answered, mark: Mark | None) -> None:
        """See `Writer`."""
        del mark
        self._stream.write(answered.data)
        self._stream.flush()
        self.scored += answered.scored
        self.refused += answered.refused

    def finish(self) -> None:
        """See `Writer`."""


class FileWriter:
    """Writes a file that can be gone on with; a context manager.

    Args:
        target: The file.
        output: How it is written.
        settings: What decides the answers: a run goes on only with the same.
        inputs: What is read.
        resume: Whether to go on with a run that was cut off, if there is one.
        clock: In seconds.

    Raises:
        ConfigurationError: the file cannot be written.
        ResumeError: something is other than it was, or another run is writing the file.
    """

    def __init__(
        self,
        target: Path,
        output: Output,
        settings: Mapping[str, Any],
        inputs: Sequence[Input],
        *,
        resume: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._target = target.resolve()
        self._partial = self._target.with_name(self._target.name + PARTIAL)
        self._state = self._target.with_name(self._target.name + RESUME)
        self._output = output
        self._settings = dict(settings)
        self._inputs = [[one.name, one.size] for one in inputs]
        self._clock = clock
        self._saved = float("-inf")
        self.start: Mark | None = None
        self.finished = False
        self.scored = self.refused = 0
        self._file = _opened(self._partial, target)
        try:
            self._lock()
            self._begin(resume=resume)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, answered: Answered, mark: Mark | None) -> None:
        """See `Writer`."""
        self._file.write(answered.data)
        self.scored += answered.scored
        self.refused += answered.refused
        if mark is not None and (now := self._clock()) - self._saved >= _SAVE_S:
            self._save(mark)
            self._saved = now

    def finish(self) -> None:
        """Everything is answered: put the file in its place."""
        if not self.finished:
            self._save(None, finished=True)
        if self._partial.exists():
            if self._output == "parquet":
                from workers.archives.parquet_verdicts import convert  # noqa: PLC0415

                whole = self._partial.with_name(self._partial.name + ".parquet")
                convert(self._partial, whole)
                whole.replace(self._target)
                self._partial.unlink()
            else:
                self._partial.replace(self._target)
        self._state.unlink(missing_ok=True)

    def _begin(self, *, resume: bool) -> None:
        found = Bookmark.read(self._state) if resume else None
        there = os.fstat(self._file.fileno()).st_size
        if found is not None:
            found.hold(self._settings, self._inputs)
            if found.finished and not there and found.length and self._target.exists():
                # Cut off between the last two steps: the file is in its place.
                self._partial.unlink()
            elif there < found.length:
                raise ResumeError(
                    f"file '{self._partial}' has {there:,} bytes, and {found.length:,} were "
                    "written; leave --resume out to score everything anew"
                )
            self.start, self.finished = found.mark, found.finished
            self.scored, self.refused = found.scored, found.refused
        else:
            self._state.unlink(missing_ok=True)
        self._file.truncate(0 if found is None else min(found.length, there))
        self._file.seek(0, os.SEEK_END)

    def _save(self, mark: Mark | None, *, finished: bool = False) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        Bookmark(
            settings=self._settings,
            inputs=self._inputs,
            mark=mark,
            length=self._file.tell(),
            scored=self.scored,
            refused=self.refused,
            finished=finished,
        ).write(self._state)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResumeError(
                f"file '{self._partial}' is being written by another run; wait for its end, or "
                "give another --output"
            ) from error


def _opened(partial: Path, target: Path) -> IO[bytes]:
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        return os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise ConfigurationError(
            f"Option --output has value '{target}': {error.strerror}; give a file that can be "
            "written, or - for standard output"
        ) from error
