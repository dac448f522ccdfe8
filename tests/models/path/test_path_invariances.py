"""What carries no meaning leaves no trace in the codes."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.path.featuriser import PathFeaturiser
from models.path.spellings import NOBODY
from tests.models.path.paths import ANY_TEXT, FOLDERS, NAMES, PATH_LIKE, USERS

FEATURISER = PathFeaturiser(width=400)
DRIVES = st.sampled_from(
    [
        *("C:", "z:", "\\\\?\\D:", "\\??\\C:", "\\\\.\\e:", "//?/C:", "\\GLOBAL??\\c:"),
        *("\\Device\\HarddiskVolume1", "\\device\\harddiskvolume27", "%SystemDrive%"),
        "\\\\?\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}",
    ]
)
HEX = st.sampled_from("0123456789abcdefABCDEF")
HASHES = st.builds(lambda digits: f"4f{digits}", st.text(HEX, min_size=30, max_size=30))
NUMBERS = st.integers(0, 2**32 - 1).map(str)
SIDS = st.lists(NUMBERS, min_size=4, max_size=4).map(lambda parts: "S-1-5-21-" + "-".join(parts))
RANDOM_GUIDS = st.uuids(version=4).map(str)
LOCAL_MACHINE = (
    *("HKLM", "hklm:", "HKEY_LOCAL_MACHINE", "\\REGISTRY\\MACHINE", "\\\\registry\\\\machine"),
    *("Computer\\HKEY_LOCAL_MACHINE", "Microsoft.PowerShell.Core\\Registry::HKEY_LOCAL_MACHINE"),
    "Registry::HKLM",
)


def same(one: str, other: str) -> bool:
    """Whether two texts have the same codes."""
    features = FEATURISER([one, other])
    assert features.seen[0] > 0
    return bool((features.codes[0] == features.codes[1]).all())


def joined(*parts: str) -> str:
    return "\\".join(parts)


@given(st.one_of(st.text(st.characters(codec="latin-1"), min_size=1), PATH_LIKE))
@settings(deadline=None)
def test_case(text: str) -> None:
    # One character for one: "ß".upper() is two, and another text.
    upper = "".join(c.upper() if c.upper().lower() == c.lower() else c for c in text)
    assume(text.strip("\\/") != "")
    assert same(text, upper)


@given(PATH_LIKE)
@settings(deadline=None)
def test_kind_of_slash(text: str) -> None:
    assume(text.strip("\\/") != "")
    assert same(text, text.replace("\\", "/"))


@given(FOLDERS, NAMES, st.integers(1, 4))
@settings(deadline=None)
def test_doubled_backslashes_and_those_at_the_end(folders: list[str], name: str, more: int) -> None:
    path = joined("C:", *folders, name)
    assert same(path, path.replace("\\", "\\" * more) + "\\" * more)


@given(DRIVES, DRIVES, FOLDERS, NAMES)
@settings(deadline=None)
def test_drive(one: str, other: str, folders: list[str], name: str) -> None:
    assert same(joined(one, *folders, name), joined(other, *folders, name))


@given(USERS, USERS, FOLDERS)
@settings(deadline=None)
def test_user_name(one: str, other: str, folders: list[str]) -> None:
    assume({one, other}.isdisjoint({*NOBODY, "all users"}))
    assert same(joined("C:\\Users", one, *folders), joined("C:\\Users", other, *folders))


@given(USERS, FOLDERS, NAMES)
@settings(deadline=None)
def test_profiles_of_xp(user: str, folders: list[str], name: str) -> None:
    assume(user not in {*NOBODY, "all users"})
    old = joined("C:\\Documents and Settings", user, "Local Settings\\Temp", *folders, name)
    assert same(old, joined("C:\\Users", user, "AppData\\Local\\Temp", *folders, name))


@given(FOLDERS, NAMES)
@settings(deadline=None)
def test_variables(folders: list[str], name: str) -> None:
    spellings = ("%AppData%", "$Env:APPDATA", "${env:appdata}", "C:\\Users\\ann\\AppData\\Roaming")
    for spelling in spellings:
        assert same(joined("%APPDATA%", *folders, name), joined(spelling, *folders, name))


@given(FOLDERS, NAMES)
@settings(deadline=None)
def test_name_of_a_hive(folders: list[str], name: str) -> None:
    for spelling in LOCAL_MACHINE:
        assert same(joined("HKLM", *folders, name), joined(spelling, *folders, name))


@given(SIDS, FOLDERS, NAMES)
@settings(deadline=None)
def test_hive_of_the_current_user(sid: str, folders: list[str], name: str) -> None:
    key = joined("HKCU", *folders, name)
    for hive in ("HKU", "HKEY_USERS", "\\REGISTRY\\USER"):
        assert same(key, joined(hive, sid, *folders, name))


@given(SIDS, NAMES)
@settings(deadline=None)
def test_classes_of_the_current_user(sid: str, name: str) -> None:
    assert same(joined("HKU", f"{sid}_Classes", name), joined("HKCU\\Software\\Classes", name))


@pytest.mark.parametrize("number", ["001", "002", "123"])
def test_control_set(number: str) -> None:
    current = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\a"
    assert same(current, current.replace("CurrentControlSet", f"ControlSet{number}"))


@given(SIDS, SIDS)
@settings(deadline=None)
def test_sid(one: str, other: str) -> None:
    assert same(f"C:\\$Recycle.Bin\\{one}\\a", f"C:\\$Recycle.Bin\\{other}\\a")


@given(RANDOM_GUIDS, RANDOM_GUIDS)
@settings(deadline=None)
def test_random_guid_with_and_without_braces(one: str, other: str) -> None:
    assert same(f"HKCR\\CLSID\\{{{one}}}\\a", f"HKCR\\CLSID\\{other.upper()}\\a")


@given(HASHES, HASHES)
@settings(deadline=None)
def test_hash(one: str, other: str) -> None:
    assert same(f"C:\\Samples\\{one}.exe", f"C:\\Samples\\{other}.exe")


@given(st.integers(1_000, 10**30), st.integers(1_000, 10**30))
@settings(deadline=None)
def test_number(one: int, other: int) -> None:
    assert same(f"C:\\Temp\\invoice-{one}.js", f"C:\\Temp\\invoice-{other}.js")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C:\\Users\\Public\\a.exe", "C:\\Users\\ann\\a.exe"),
        ("HKLM\\Software\\a", "HKCU\\Software\\a"),
        ("HKU\\S-1-5-18\\a", "HKU\\S-1-5-19\\a"),
        ("\\\\server\\a\\b", "\\server\\a\\b"),
        ("C:\\a.exe", "\\\\.\\a.exe"),
        ("C:\\" + "ab12" * 8, "C:\\" + "ab12" * 16),
        ("C:\\a.exe", "C:\\a.dll"),
        ("C:\\a\u202e.exe", "C:\\a.exe"),
    ],
    ids=["public", "hives", "short SIDs", "share", "device", "length of hashes", "kind", "mark"],
)
def test_what_carries_meaning_stays(one: str, other: str) -> None:
    assert not same(one, other)


# A text with this normal form, for each class.
SPELT_OUT = {
    "D": "C:",
    "N": "\\\\",
    "P": "\\\\.\\",
    "U": "ann",
    "M": "HKLM",
    "C": "HKCU",
    "K": "HKU",
    "R": "HKCR",
    "F": "HKCC",
    "A": "\\registry\\a",
    "Y": "CurrentControlSet",
    "G": "{4d36e972-e325-41ce-bfc1-08002be10318}",
    "T": "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
    "W": "{2ed6657d-e927-568b-95e1-2665a8aea6a2}",
    "B": "{5cc97b7b-8135-62b0-40f5-8d363d8cb492}",
    "S": "S-1-5-21-1-2-3",
    "H": "ab12" * 2,
    "I": "ab12" * 4,
    "J": "ab12" * 8,
    "L": "ab12" * 16,
    "Z": "1234",
    "Q": "\u200b",
    "\x01": "\0",
    **{chr(code): chr(((code - 2 + 30) << 7) + 0x7F) for code in range(2, 32)},
}


@given(
    DRIVES | st.sampled_from(LOCAL_MACHINE), st.lists(NAMES | SIDS | HASHES | ANY_TEXT, max_size=4)
)
@settings(deadline=None)
def test_a_normal_form_spelt_out_has_the_same_normal_form(root: str, parts: list[str]) -> None:
    text = joined(root, *parts)
    features = FEATURISER([text])
    form = bytes(features.codes[0, : features.seen[0]]).decode("latin-1")
    assert same(text, "".join(SPELT_OUT.get(code, code) for code in form))
