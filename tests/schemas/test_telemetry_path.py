from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.causes import Cause
from schemas.contracts import contract
from schemas.telemetry_path import PATH, kind_of
from schemas.telemetry_text import decode, decode_lines

SCHEMA = Draft202012Validator(contract("telemetry-path"))

JSON = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=2)
)
PATHS = st.text(max_size=5) | st.sampled_from(["x" * 65_536, "x" * 65_537, "HKLM\\a", "C:\\a"])
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | JSON,
        "kind": st.sampled_from(["file", "registry", "File", "", None]) | JSON,
        "id": JSON,
        "observed_at": JSON,
        "url": JSON,
    },
)


@given(EVENTS, st.booleans())
def test_decoder_accepts_what_the_schema_validates(
    event: dict[str, object],
    ascii_only: bool,
) -> None:
    document = json.dumps(event, ensure_ascii=ascii_only).encode()
    events = decode([document], PATH)
    assert len(events) == int(SCHEMA.is_valid(event))
    if len(events):
        assert events.subjects == [event["path"]]
        assert events.kinds == [event.get("kind") or kind_of(str(event["path"]))]


REGISTRY = {
    "abbreviated": r"HKLM\Software\Microsoft",
    "whole name": r"HKEY_LOCAL_MACHINE\Software",
    "lower case": r"hkcu\software",
    "users": r"HKU\S-1-5-21-1-2-3-1001\Software",
    "classes": r"HKCR\.exe",
    "configuration": r"HKCC\System",
    "local settings": r"HKEY_CURRENT_USER_LOCAL_SETTINGS\Software",
    "PowerShell's drive": r"HKLM:\Software",
    "PowerShell's drive alone": "hklm:",
    "PowerShell's provider": r"Registry::HKEY_USERS\.DEFAULT",
    "PowerShell's whole provider": r"Microsoft.PowerShell.Core\Registry::HKEY_LOCAL_MACHINE\SAM",
    "kernel's name": r"\REGISTRY\MACHINE\SYSTEM\ControlSet001",
    "kernel's name in another case": r"\Registry\User\S-1-5-18",
    "kernel's root": r"\REGISTRY",
    "other computer": r"\\ws-17\HKLM\Software",
    "regedit": r"Computer\HKEY_CLASSES_ROOT\CLSID",
    "slashes": "HKLM/Software",
    "hive alone": "HKEY_USERS",
}
FILES = {
    "drive": r"C:\Windows\System32\svchost.exe",
    "hive within": r"C:\HKLM\Software",
    "name that begins like a hive": r"HKLMX\a",
    "name with an extension": "HKLM.txt",
    "no hive": r"HKXX\Software",
    "bare prefix": "HKEY_",
    "prefix and path": r"HKEY_\a",
    "share": r"\\server\share\HKLM",
    "folder": r"\registry.old\machine",
    "UNIX": "/registry/machine",
    "device": r"\Device\HarddiskVolume3\Windows\notepad.exe",
    "other letter for K": "H\u212aLM\\Software",
    "one letter": "h",
    "space before": r" HKLM\Software",
}


@pytest.mark.parametrize("path", REGISTRY.values(), ids=REGISTRY.keys())
def test_hives_are_recognised(path: str) -> None:
    assert kind_of(path) == "registry"


@pytest.mark.parametrize("path", FILES.values(), ids=FILES.keys())
def test_whatever_has_no_hive_is_a_file(path: str) -> None:
    assert kind_of(path) == "file"


@given(st.sampled_from([*REGISTRY.values(), *FILES.values()]))
def test_case_does_not_decide(path: str) -> None:
    if path.isascii():
        assert kind_of(path.upper()) == kind_of(path.lower()) == kind_of(path)


@given(st.text())
def test_any_text_is_of_some_kind(path: str) -> None:
    assert kind_of(path) in {"file", "registry"}


def test_what_the_producer_says_counts() -> None:
    values = [b'{"path": "HKLM\\\\a", "kind": "file"}', b'{"path": "a", "kind": "registry"}']
    events = decode(values, PATH)
    assert events.kinds == ["file", "registry"]
    assert events.further == [None, None]


def test_kind_not_given_is_inferred() -> None:
    values = [b'{"path": "HKLM\\\\a", "kind": null}', b'{"path": "a"}']
    assert decode(values, PATH).kinds == ["registry", "file"]


REFUSED = {
    "no path": (b'{"kind": "file"}', Cause.SUBJECT_MISSING),
    "null path": (b'{"path": null}', Cause.NOT_A_STRING),
    "empty path": (b'{"path": ""}', Cause.EMPTY),
    "long path": (b'{"path": "' + b"a" * 65_537 + b'"}', Cause.TOO_LONG),
    "other kind": (b'{"path": "a", "kind": "key"}', Cause.BAD_KIND),
    "kind in another case": (b'{"path": "a", "kind": "File"}', Cause.BAD_KIND),
    "empty kind": (b'{"path": "a", "kind": ""}', Cause.BAD_KIND),
    "kind of number": (b'{"path": "a", "kind": 1}', Cause.BAD_KIND),
    "kind of list": (b'{"path": "a", "kind": ["file"]}', Cause.BAD_KIND),
    "cut off after a surrogate": (b'{"path": "\\ud800', Cause.NOT_JSON),
    "surrogate and a number beyond": (b'{"path": "\\ud800", "n": 1e400}', Cause.NOT_JSON),
    "surrogate and NaN": (b'{"path": "\\ud800", "n": NaN}', Cause.NOT_JSON),
    "surrogate and endless digits": (
        b'{"path": "\\ud800", "n": 1' + b"0" * 5000 + b"}",
        Cause.NOT_JSON,
    ),
    "surrogate in the deep": (
        b'{"path": "\\ud800", "n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        Cause.NOT_JSON,
    ),
    "surrogate in UTF-8": (b'{"path": "\xed\xa0\x80 \\ud800"}', Cause.INVALID_UTF8),
}


@pytest.mark.parametrize(("value", "cause"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_refused_by_its_code(value: bytes, cause: Cause) -> None:
    events = decode([value.replace(b'"a"', b'"Zq"')], PATH)
    assert events.rejects.causes == [cause]
    assert events.kinds == []
    assert re.search("Zq", events.rejects.details[0]) is None
    assert events.rejects.details[0].isprintable()


def test_columns_stay_together_where_a_row_is_refused_late() -> None:
    values = [b'{"path": "HKLM", "id": {}}', b'{"path": "a"}', b'{"path": "HKU", "kind": 1}']
    events = decode(values, PATH)
    assert (events.subjects, events.kinds, events.rows.tolist()) == (["a"], ["file"], [1])


SURROGATES = {
    "lone high": (rb'"a\ud800b"', "a\ufffdb"),
    "lone low": (rb'"a\udfffb"', "a\ufffdb"),
    "two high": (rb'"\ud800\udbff"', "\ufffd\ufffd"),
    "wrong way round": (rb'"\udc00\ud800"', "\ufffd\ufffd"),
    "pair beside": (rb'"\ud83d\ude00\ud83d"', "😀\ufffd"),
    "only text": (rb'"\\ud800\ud800"', "\\ud800\ufffd"),
    "before an escape": (rb'"\ud800\u0041\n"', "\ufffdA\n"),
}


@pytest.mark.parametrize(("written", "path"), SURROGATES.values(), ids=SURROGATES.keys())
def test_lone_surrogates_are_judged_as_replacement_characters(written: bytes, path: str) -> None:
    value = b'{"id": 18446744073709551615, "path": ' + written + b', "\\udc00": [1.5, "\\ud801"]}'
    events = decode([value], PATH)
    assert events.subjects == [path]
    assert events.event_ids == [2**64 - 1]
    assert events.further == [{"\ufffd": [1.5, "\ufffd"]}]


@given(st.text(st.characters(), min_size=1, max_size=20))
def test_any_name_that_windows_allows_is_taken(path: str) -> None:
    mended = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in path)
    escaped = json.dumps({"path": path}).encode()
    if re.search("[\ud800-\udbff][\udc00-\udfff]", path) is None:
        assert decode([escaped], PATH).subjects == [mended]


def test_lines_of_text_have_kinds_too() -> None:
    events = decode_lines([b"HKLM\\a", b"", b"C:\\a"], PATH)
    assert (events.subjects, events.kinds) == (["HKLM\\a", "C:\\a"], ["registry", "file"])
    assert events.rejects.causes == [Cause.EMPTY]
