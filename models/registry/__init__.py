"""A registry: the versions of models on a folder or a mounted volume, and which of them is live.

::

    models/                the registry
      url/                 a model, by the name that its manifest has
        1/  2/  3/         its versions, each an artefact (`models.artefact`)
        live.json          the pointer: live version, the ones before, candidate, history
        .lock              taken by whoever changes something

The pointer is one small file, replaced as a whole (`os.replace`), which is atomic on every file
system that a container mounts; a link would not survive a copy to an object store, nor be allowed
on some shares. It holds the digest of each version that it names, so that a folder that was
exchanged after its promotion is refused. A version's folder appears under its name only when it
is complete. Whatever begins with a dot is nobody's to read.

To read, which takes no lock and works on a read-only mount::

    registry = Registry(Path("/models"), trust)
    version = registry.live("url")             # Version: name, number, folder, digest
    version = registry.resolve("url@3")        # or url@live, url@candidate
    version = registry.candidate("url")        # or None
    artefact = registry.load(version)          # verified: signature, digests, shapes, name, number
    engine = artefact.engine("tables")         # golden vectors

To see whether something was promoted, compare pointers, which are values::

    seen = registry.pointer("url")
    ...
    now = registry.pointer("url")              # a tenth of a millisecond on a local disk
    if now.live != seen.live: ...              # Pin: version, digest, at

Everything raises `models.errors.RegistryError`, or its `RegistryUnavailableError` (retriable)
where the folder cannot be read just now; `load` raises what `models.artefact.load` does.

To change, each atomic, under the lock, and verified first: `models.registry.adding`,
`models.registry.promoting` (promote, roll back, name a candidate), `models.registry.pruning`.
"""

from __future__ import annotations

from models.registry.pointer import POINTER, Change, Pin, Pointer
from models.registry.reference import Reference
from models.registry.registry import Registry
from models.registry.version import Version

__all__ = ["POINTER", "Change", "Pin", "Pointer", "Reference", "Registry", "Version"]
