"""Texts to try: any at all, ones made of what the normal form knows, and ones as machines write."""

from __future__ import annotations

from hypothesis import strategies as st

from models.path.spellings import HIVES, LOCAL, NOBODY, PROFILES, ROAMING, variables_as_written

# Any code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)

GUIDS = (
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "4D36E972-E325-41CE-BFC1-08002BE10318",
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "5cc97b7b-8135-62b0-40f5-8d363d8cb492",
    "00020420-0000-0000-C000-000000000046",
)
SIDS = ("S-1-5-21-1004336348-1177238915-682003330-1001", "S-1-12-1-1-2-3-4", "S-1-5-18", "S-1-5-")
# What the normal form looks for, whole and in parts, and what stands around it.
_PIECES = (
    *(piece for group in (HIVES, PROFILES, NOBODY, ROAMING, LOCAL) for piece in group),
    *variables_as_written(),
    *GUIDS,
    *(f"{{{guid}}}" for guid in GUIDS),
    *SIDS,
    *("\\", "\\", "\\", "\\\\", "/", ":", "-", "{", "}", "?", "??", ".", "%", "$env:", "_classes"),
    *("C:", "d:", "\\\\?\\", "\\??\\", "\\\\.\\", "global??", "unc", "volume{", "device", "mup"),
    *("harddiskvolume3", "systemroot", "computer", "microsoft.powershell.core", "registry::"),
    *("registry", "machine", "user", "a", "all users", "my documents", "(default)"),
    *("currentcontrolset", "controlset001", "controlset01", "7zo", "s-1-5-21-", "s-1-"),
    *("12ab34cd", "deadbeef", "0123456789abcdef", "12345678", "1234", "123", "5" * 30 + "ab"),
    *("Windows", "x.exe", " ", "~1", "\u202e", "\u0130", "\u212a", "\u0416", "\U0001f4a9", "\0"),
)
PATH_LIKE = st.lists(st.sampled_from(_PIECES), max_size=12).map("".join)

NAMES = st.text(st.sampled_from("abcXYZ09_ -."), min_size=1, max_size=12).filter(
    lambda name: name.strip(" .") != "" and not name.lower().startswith("s-1-")
)
FOLDERS = st.lists(NAMES, max_size=4)
USERS = st.text(st.sampled_from("abcXYZ09_ -.\u00e9"), min_size=1, max_size=12)
