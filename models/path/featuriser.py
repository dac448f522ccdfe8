r"""Windows paths and registry keys as codes, in a normal form; this is its definition.

What machines write differently is written in one way, and what says nothing beyond its kind (a
user's name, an identifier, a hash) becomes one code, a class, shown here as the capital whose code
it has. Characters get the codes of `models.path.alphabet` first, which takes away case and the
kind of slash. Below, ``\\`` is a run of backslashes, and a word is followed by a backslash or by
the end of the text.

Backslashes at the end are left out; of a registry key also ``\(default)`` there, once.

A text begins with the first of these that fits, or with nothing in particular:

======= ====================================================================================
M       the word ``hklm`` or ``hkey_local_machine``; the words ``\\registry\\machine``
C       the word ``hkcu`` or ``hkey_current_user``; or K, backslashes and a long SID (S below)
        for a word. If ``_classes`` ends that word, it becomes ``\software\classes``
K       the word ``hku`` or ``hkey_users``; the words ``\\registry\\user``
R, F    the word ``hkcr`` or ``hkey_classes_root``; ``hkcc`` or ``hkey_current_config``
A       the words ``\\registry\\a`` (hives of applications)
D       a letter and a colon; the word ``harddiskvolume`` and digits after ``\\device\\``; and
        after a mark (below) a word of a letter and a colon, or of ``volume`` and a GUID in braces
N       ``\\device\\mup\\``, a mark and ``unc\\``, or two or more backslashes: a network path
P       any other mark: a path of devices
======= ====================================================================================

A mark is backslashes, ``?``, ``??``, ``.`` or ``global??``, and backslashes. A hive's short or
long name may have a colon behind it, and before it ``computer\\``,
``microsoft.powershell.core\\`` and ``registry::``. The words ``\\systemroot``, and variables of
`models.path.spellings` (``%appdata%``, ``$env:appdata``, ``${env:appdata}``), become the folders
that they stand for; these begin with D.

Behind that, runs of backslashes become one, and components, which stand between them, these:

======= ====================================================================================
U       a user's name: what follows ``users``, ``documents and settings`` or ``docume~1``,
        each of which becomes ``users``, where these follow D, are a text's first component,
        or stand anywhere in a text that begins with N or P. Instead, ``public`` and
        ``default`` stay, ``default user`` becomes ``default``, and ``all users`` becomes,
        together with ``users\``, ``programdata``
D       a letter and a colon: names of registry values may be paths
Y       ``currentcontrolset``, or ``controlset`` and three digits
======= ====================================================================================

Right behind a user (or ``public``, or ``default``), folders of Windows XP become today's:
``application data`` and ``applic~1`` ``appdata\roaming``, ``local settings`` and ``locals~1``
``appdata\local``, ``my documents`` ``documents``. Right behind ``programdata`` and
``appdata\local`` that were made so, ``application data`` and ``applic~1`` are left out.

In all other components, from left to right, the first that fits:

======= ====================================================================================
G       a GUID (hexadecimal digits, 8-4-4-4-12, none before or behind; or any in braces, which
        go with it) of version 4: random
T       one of version 1 or 2, or that ends in ``-c000-000000000046``: COM's own
W       one of version 3 or 5 to 8 (RFC 9562; the variant's digit is 8 to b for all)
B       one that nothing that keeps to the RFC has made
S       a SID with neither letter nor digit before: ``s-1-``, a number, and four or more of a
        dash and a number, or two or more of which the first is ``-21``. Shorter ones, which
        are well known, stay as they are
H       8 to 15 hexadecimal digits, both letters and digits among them, neither letter nor
        digit before or behind. (``7zo`` may stand before: temporary folders of 7-Zip)
I, J, L as H, of 16 to 31, 32 to 63, 64 or more
Z       4 or more digits
``0``   any other digit
======= ====================================================================================

Of more than ``width`` codes, the first third stays; then X stands for what is left out, and then
come the last codes that there is room for: root and file name say most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from reprlib import repr as shown

import numpy as np
from numpy.typing import NDArray

from models.characters.codes import CharacterCodes, Source, width_of
from models.compiled import compiled
from models.errors import ArtefactError
from models.path.alphabet import ALPHABET, codes_of_code_points
from models.path.normaliser import Batch, normalise

KIND = "path-characters"
# Of the normal form; a network trained on another one would be misled.
NORMAL_FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFeaturiser:
    r"""Codes of each path's or key's normal form, at most ``width``.

    >>> features = PathFeaturiser(width=32)(["C:\\Users\\Ann\\a.exe", "HKLM:/SAM"])
    >>> [bytes(row[:seen]) for row, seen in zip(features.codes, features.seen)]
    [b'D\\users\\U\\a.exe', b'M\\sam']
    >>> origins, ends = features.source.places()
    >>> origins[1, :5].tolist()
    [0, 5, 6, 7, 8]
    """

    width: int

    @property
    def parameters(self) -> dict[str, int | str]:
        """What the manifest records."""
        return {
            "kind": KIND,
            "width": self.width,
            "alphabet": ALPHABET,
            "normal_form": NORMAL_FORM,
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> PathFeaturiser:
        """Read what a manifest records.

        Raises:
            ArtefactError: it is another featuriser's, or of another normal form.
        """
        featuriser = cls(width=width_of(parameters))
        if dict(parameters) != featuriser.parameters:
            raise ArtefactError(
                f"featuriser {shown(dict(parameters))} is unknown here; expected "
                f"{featuriser.parameters}"
            )
        return featuriser

    def __call__(self, texts: Sequence[str], /) -> CharacterCodes:
        """Featurise n texts; lone surrogates are allowed and count as one character."""
        batch, bounds = self._normalised(texts, np.zeros((0, self.width), np.int32))
        return CharacterCodes(
            codes=batch.codes,
            seen=batch.seen,
            lengths=np.diff(bounds),
            read=batch.read,
            source=Source(texts=texts, featuriser=self),
        )

    def locate(self, texts: Sequence[str], /) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Where what each code of n texts stands for begins and ends: int32[n, width] twice."""
        batch, bounds = self._normalised(texts, np.zeros((len(texts), self.width), np.int32))
        return batch.origins, _ends(batch, np.diff(bounds))

    def _normalised(
        self, texts: Sequence[str], origins: NDArray[np.int32]
    ) -> tuple[Batch, NDArray[np.int64]]:
        """What is written of n texts, and where each begins: int64[n + 1]."""
        n = len(texts)
        bounds = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, n + 1)
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        batch = Batch(
            codes=np.zeros((n, self.width), np.uint8),
            origins=origins,
            seen=np.zeros(n, np.int32),
            read=np.zeros(n, np.int64),
        )
        normalise(points, bounds, codes_of_code_points(), batch)
        return batch, bounds


def _ends(batch: Batch, lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Where what each code stands for ends: a code may stand for a whole name."""
    ends = np.zeros_like(batch.origins)
    _fill_ends(batch.origins, batch.seen, lengths, ends)
    return ends


@compiled
def _fill_ends(
    origins: NDArray[np.int32],
    seen: NDArray[np.int32],
    lengths: NDArray[np.int64],
    ends: NDArray[np.int32],
) -> None:
    for row in range(len(seen)):
        end = lengths[row]
        for i in range(seen[row] - 1, -1, -1):
            # Several codes in the place of one name share its origin, and its end.
            if i + 1 < seen[row] and origins[row, i + 1] > origins[row, i]:
                end = origins[row, i + 1]
            ends[row, i] = end
