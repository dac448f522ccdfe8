"""Changes on disk that are there whole or not at all, also after the power went."""

from __future__ import annotations

import errno
import fcntl
import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from models.errors import RegistryBusyError, RegistryError
from models.registry.files import failure, read_file

LOCK = ".lock"
_LONGEST_LOCK = 1 << 12
_LONGEST_NAME = 100


def now() -> str:
    """The time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def who() -> str:
    """Who changes something: user and host, for people."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        user = str(os.getuid())
    return f"{user[:_LONGEST_NAME]}@{socket.gethostname()[:_LONGEST_NAME]}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; nobody else changes anything in it meanwhile.

    The kernel lets go of it when the process ends, however it ends, so that none is ever stale;
    the file stays. Over NFS the server keeps it (``flock`` is a range lock there), and lets go
    when the host is gone. Readers take no lock.

    Raises:
        RegistryBusyError: somebody else holds it; the message says who.
        RegistryError: the folder is read-only, not ours, or on a file system without locks.
    """
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise failure(path, error, "cannot be locked") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise RegistryError(
                    f"{path}: cannot be locked: {error.strerror}; a registry is changed on a file "
                    "system that has locks, and copied from there"
                ) from error
            holder = (read_file(path, _LONGEST_LOCK) or b"").decode(errors="replace").strip()
            raise RegistryBusyError(
                f"{folder} is being changed by {holder or 'another'}; see what it became, and "
                "try again"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{who()}, process {os.getpid()}, since {now()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of one that may be there: a reader sees the old one or the new one.

    Only under the lock of its folder, for what a crash has left of an earlier try is removed.

    Raises:
        RegistryError: it cannot be written; the old one is still there.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise failure(path, error, "cannot be written") from error


def sync_folder(folder: Path) -> None:
    """Wait until what was named in a folder is on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems know no such thing; they are as durable as they are.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
