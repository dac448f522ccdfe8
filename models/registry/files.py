"""Small files and folders of a registry, read without trust in what is there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from models.errors import RegistryError, RegistryUnavailableError

# What no waiting mends. All else a mounted volume may do for a while: no answer, a stale handle.
_LASTING = frozenset(
    (
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOTDIR),
        *(errno.ENAMETOOLONG, errno.ENOENT),
    )
)
# A server that has replaced the file between our looking it up and reading it says ESTALE.
_TRIES = 3


def failure(path: Path, error: OSError, what: str = "cannot be read") -> RegistryError:
    """The error to raise for what the system said of a path."""
    kind = RegistryError if error.errno in _LASTING else RegistryUnavailableError
    return kind(f"{path}: {what}: {error.strerror or error}")


def read_file(path: Path, most: int) -> bytes | None:
    """Content of a regular file; None if there is none.

    Raises:
        RegistryError: it is longer than ``most`` bytes, no regular file, or cannot be read.
    """
    for last in [False] * (_TRIES - 1) + [True]:
        try:
            # Opening a named pipe would otherwise wait for a writer.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise RegistryError(f"{path}: not a regular file")
                content = file.read(most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ESTALE and not last:
                continue
            raise failure(path, error) from error
        if len(content) > most:
            raise RegistryError(f"{path}: longer than the {most} bytes it may have")
        return content
    raise AssertionError  # pragma: no cover - the last try returns or raises


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, links to folders included; none if it is not there.

    Raises:
        RegistryError: it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise failure(folder, error) from error


def check_inside(path: Path, root: Path) -> None:
    """See that what a path leads to, by whatever links, lies in the registry.

    Raises:
        RegistryError: it leads out of it, or nowhere.
    """
    try:
        real = path.resolve(strict=True)
        inside = real.is_relative_to(root.resolve(strict=True))
    except RuntimeError as error:  # what Python 3.11 raises for links in a circle
        raise RegistryError(f"{path}: links in a circle") from error
    except OSError as error:
        raise failure(path, error) from error
    if not inside:
        raise RegistryError(
            f"{path} is a link to {real}, which lies outside of the registry {root}; copy the "
            "artefact into it by weir models add"
        )
