r"""Telemetry events with a file path or a registry key.

The contract is `telemetry_path.schema.json`. ``path`` is the text of either; ``kind`` says which,
``file`` or ``registry``, and is inferred from the hive where the producer does not say:

- ``HKLM``, ``HKCU``, ``HKU``, ``HKCR``, ``HKCC``, ``HKPD``, ``HKDD`` and ``HKEY_*``, in any case,
  alone or before a backslash, a slash or a colon (PowerShell's ``HKLM:\``);
- the same after the name of a computer (``\\HOST\HKLM``, regedit's ``Computer\HKLM``) or
  PowerShell's ``Registry::``;
- ``\REGISTRY``, the kernel's name for all hives.

Windows lets names hold lone surrogates. A producer that escapes one is not refused, or a name so
chosen would never be judged: it becomes U+FFFD.
"""

from __future__ import annotations

import re

from schemas.telemetry_text import Subject

_HIVE = re.compile(
    r"(?:\\\\[^\\/]+\\|Computer\\|(?:Microsoft\.PowerShell\.Core\\)?Registry::\\?)?"
    r"(?:HK(?:LM|CU|U|CR|CC|PD|DD)|HKEY_[A-Z_]+)(?:[\\/:]|\Z)"
    r"|\\REGISTRY(?:\\|\Z)",
    re.ASCII | re.IGNORECASE,
)


def kind_of(path: str) -> str:
    r"""``registry`` when ``path`` begins with a hive of the Windows registry, else ``file``.

    >>> kind_of(r"hklm:\Software\Microsoft\Windows\CurrentVersion\Run")
    'registry'
    >>> kind_of(r"C:\Users\ann\HKLM\notes.txt")
    'file'
    """
    return "file" if _HIVE.match(path) is None else "registry"


PATH = Subject(field="path", max_code_points=65_536, kind_of=kind_of, mend=True)
