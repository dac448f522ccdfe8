"""Records that nobody means to send: a corpus a detector, and strategies that make more."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import struct
from typing import Any, NamedTuple

import zstandard
from hypothesis import strategies as st

from tests.workers.telemetry import BAD

MIB = 1024 * 1024
DEEP = 1_100
SUBJECT = {"url": "url", "path": "path", "html": "html"}
"""The field that is judged."""


class Record(NamedTuple):
    """A record as it is put on a topic."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


HEADERS: tuple[tuple[tuple[str, bytes | None], ...], ...] = (
    (("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),),
    (("", b""), ("", None), ("\u0000", b"\x00"), ("\U0001f41f" * 50, b"\xff" * 300)),
    (("weir-cause", b"forged"), ("weir-stage", None), ("weir-version", b"9" * 40)),
    (
        ("weir-origin-topic", b"another.topic"),
        ("weir-origin-partition", b"0"),
        ("weir-origin-offset", b"0"),
        ("weir-origin-timestamp", b"0"),
    ),
    (("weir-origin-offset", b"9" * 400), ("weir-origin-partition", b"\xd9\xa1")),
    tuple(("same", b"%d" % number) for number in range(200)),
)
"""Headers that come with records; none of them tells an origin that would be believed."""

TEXTS = (
    " ",
    "\t\n\r\x0b\x0c",
    "\x00",
    "\x00" * 5_000,
    "\x1b[31m\x7f\x80\x9f",
    "\u202egpj.exe",
    "\ufeff\u200b\u2060",
    "\ufffe\uffff",
    "\ud800",
    "a\udfffb\ud83d",
    "\U0001f41f" * 3_000,
    "e\u0301" * 2_000,
    "\u0130\u0131\u00df\u1e9e\ufb01",
    "x" * 65_536,
    "\U00010000" * 65_536,
    "x" * 65_537,
    "%" * 1_000,
    "%zz%u0041%00%ff%c0%af%ed%a0%80",
    "%25" * 5_000,
    "http://",
    "://",
    "//",
    "http://[::1",
    "http://[fe80::1%25eth0]:99999999999999999999/",
    "http://user:pass@@@host@:/",
    "http://1.2.3.4",
    "http://0x7f.1/",
    "http://4294967296",
    "http://" + "a." * 5_000 + "example",
    "http://xn--" + "9" * 300 + "/",
    "http://\uff41\u3002\uff42\uff0e\uff43/",
    "HTTP:" * 3_000,
    "javascript:alert(1)",
    "data:text/html;base64," + "A" * 9_000,
    "http://a.example/" + "../" * 9_000,
    "http://a.example/?" + "&".join(f"{n}={n}" for n in range(5_000)),
    "http://a.example/#" + "#" * 9_000,
    "\\" * 9_000,
    "\\\\?\\C:\\" + ".\\" * 5_000,
    "C:\\" + "..\\" * 5_000 + "x",
    "C:" * 9_000,
    "HKLM\\" * 5_000,
    "HKEY_USERS\\S-1-5-21-" + "-".join(["4294967296"] * 900),
    "\\REGISTRY\\MACHINE\\" + "{" * 5_000,
    "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}" * 900,
    "%APPDATA%" * 3_000,
    "con.aux.nul:$DATA",
    "<" * 9_000,
    "<!--" * 2_000,
    "<![CDATA[" + "]]" * 5_000,
    "<div>" * 50_000,
    "<a b=" + "'" * 20_001,
    "<p>" + "word " * 60_000,
    "&#x110000;&#xd800;&" + "amp;" * 5_000,
    "{\\rtf1" + "\\'ff" * 2_000,
)
"""Subjects: texts, and pages."""

ODD_FIELDS: dict[str, tuple[Any, ...]] = {
    "id": (
        *(0, -1, 1.0, 1.5, True, None, "", "x" * 1_024, "x" * 1_025, "\x00", "\ud800"),
        *(2**63, 2**64 - 1, 2**64, -(2**63), 10**400, {}, [1]),
    ),
    "observed_at": ("2026-02-30T00:00:00Z", "9" * 500, "\ud800", 7, [], None),
    "kind": ("file", "registry", "folder", "", "\ud800", 7, None, {}),
}
"""Contents of the other fields that have a meaning."""

NUMBERS = ("NaN", "-Infinity", "1e999", "-0.0", "1e-400", "0" * 400, "9" * 400, "1" + "0" * 308)
"""Written as JSON's numbers are, and not all of them are any."""


@functools.cache
def corpus(detector: str) -> tuple[bytes | None, ...]:
    """Awkward values for a detector, each of another kind."""
    field = SUBJECT[detector]
    subject = f'"{field}": "http://a.example/"'.encode()
    values = [
        *BAD,
        *(json.dumps({field: text}).encode() for text in TEXTS),
        *(
            json.dumps({field: text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
            for text in TEXTS
        ),
        *_shapes(field, subject),
        *_further(field, subject),
    ]
    return (*values, *(_packed() if detector == "html" else []))


def _shapes(field: str, subject: bytes) -> list[bytes]:
    """JSON and what is nearly JSON."""
    whole = b"{" + subject + b"}"
    name = field.encode()
    return [
        *(b" ", b"\x00", b"null", b"true", b"0", b'""', b"{", b"}", b"[]", b"{}", b"\xff\xfe{\x00"),
        b"\xef\xbb\xbf" + whole,
        whole + whole,
        whole + b"\n" * 50_000,
        whole.replace(b'"', b"'"),
        b"\x1f\x8b" + whole,
        gzip.compress(whole),
        b'{"%b": "a", "%b": "b"}' % (name, name),
        b'{"%b": 7, "%b": "b"}' % (name, name),
        b'{"%b": "a", "%b": null}' % (name, name),
        b'{"id": 1, "id": [], %b}' % subject,
        b'{"%b": ""}' % name,
        b'{"%b": 7}' % name,
        b'{"%b": {}}' % name,
        b'{"%b": "a\nb"}' % name,
        b'{"%b": "\xe2\x82"}' % name,
        b'{"%b": "\xed\xa0\x80"}' % name,
        b'{"%b": "\xf4\x90\x80\x80"}' % name,
        b'{"%b": "\xc0\xaf"}' % name,
        b'{"%b": "\\u12"}' % name,
        b'{"%b": "\\x41"}' % name,
        b'{"\\u%04x%b": "a"}' % (ord(field[0]), name[1:]),
        b"[" * DEEP + b"]" * DEEP,
        b"[" * 100_000,
        b'{"%b":' % name * DEEP + b"1" + b"}" * DEEP,
        b'{"%b":' % name * 100_000,
        b'{"%b": "' % name + b"a" * (MIB - 20) + b'"}',
        b'{"%b": "' % name + b"a" * (MIB + 20) + b'"}',
        *(whole[:cut] for cut in range(1, len(whole), 3)),
    ]


def _further(field: str, subject: bytes) -> list[bytes]:
    """Other fields around a subject that could be judged."""
    many = {f"f{number}": number for number in range(20_000)}
    return [
        *(b'{"n": %b, %b}' % (number.encode(), subject) for number in NUMBERS),
        *(b'{"id": %b, %b}' % (number.encode(), subject) for number in NUMBERS),
        *(
            json.dumps({name: own, field: "http://a.example/"}).encode()
            for name, values in ODD_FIELDS.items()
            for own in values
        ),
        json.dumps({field: "http://a.example/", **many}).encode(),
        json.dumps({field: "http://a.example/", "x" * 300_000: 1, "\x00\u202e": 2}).encode(),
        json.dumps({field: "http://a.example/", "\ud83d": "\udc1f"}).encode(),
        json.dumps({field: "http://a.example/", "x": "\x00" * 150_000}).encode(),
        b'{%b, "deep": %b}' % (subject, b"[" * 900 + b"]" * 900),
        b'{%b, "deep": %b1%b}' % (subject, b'{"a":' * 33, b"}" * 33),
        b'{%b, "": "", "__proto__": {}, "event": {}, "version": 9}' % subject,
    ]


def _packed() -> list[bytes | None]:
    """Pages in base64: bombs, halves and lies."""
    bomb = gzip.compress(b"\x00" * (33 * MIB), 9)
    page = b"<p>" + bytes(range(256)) * 40
    packed, frame = gzip.compress(page), zstandard.compress(page)
    gzips = [
        bomb,
        gzip.compress(bomb),
        packed[:-9],
        packed[:12],
        packed + b"x",
        packed * 300,
        gzip.compress(b"") * 5_000,
        packed[:-4] + struct.pack("<I", 1),
        b"\x1f\x8b\x08\xff" + b"\xff" * 50,
        b"",
    ]
    zstds = [
        zstandard.compress(b"\x00" * (33 * MIB)),
        frame[:-3],
        frame * 300,
        frame + b"x",
        # A frame of one segment that says it has 2^62 bytes; a skippable one of 4 GiB.
        b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 1 << 62) + b"\x01\x00\x00",
        b"\x50\x2a\x4d\x18\xff\xff\xff\xff",
        b"\x28\xb5\x2f\xfd\x00\xff",
        b"",
    ]
    events: list[dict[str, Any]] = [
        *({"html_base64": _base64(some), "encoding": "gzip"} for some in gzips),
        *({"html_base64": _base64(some), "encoding": "zstd"} for some in zstds),
        *({"html_base64": _base64(some), "encoding": None} for some in (b"", packed, page)),
        *(
            {"html_base64": text}
            for text in ("=", "YQ", "YQ===", "Y Q=", "YQ==\n", "YQ-_", "\u00e9===")
        ),
        *({"html_base64": other} for other in (7, None, True)),
        *(
            {"html": "<p>", "encoding": encoding}
            for encoding in ("gzip", "GZIP", "", 7, "identity")
        ),
        *({"html": "<p>", "url": url} for url in ("", "\ud800", "x" * 65_537, 7, None, "\x00" * 9)),
        {"html": "<p>", "html_base64": "YQ=="},
        {"html": "\ud83d" * 9_000},
    ]
    return [json.dumps(event).encode() for event in events]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@functools.cache
def records(detector: str) -> st.SearchStrategy[Record]:
    """Records of any kind: objects of odd content, mutated ones, the corpus's, and bytes."""
    # What takes long to write and read again is in the corpus; what is mutated is small.
    small = [value for value in corpus(detector) if value is None or len(value) <= 4_096]
    values = st.one_of(
        st.sampled_from(small),
        _mutated(st.sampled_from([value for value in small if value])),
        _mutated(_events(detector)),
        _events(detector),
        st.binary(max_size=100),
    )
    keys = st.one_of(st.none(), st.binary(max_size=40))
    return st.builds(Record, values, keys, st.one_of(st.just(()), st.sampled_from(HEADERS)))


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def _events(detector: str) -> st.SearchStrategy[bytes]:
    """Objects with the fields of the contract, each of any content, NaN and lone surrogates too."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        _ANY_TEXT,
        st.sampled_from(TEXTS).filter(lambda text: len(text) <= 1_000),
    )
    anything = st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(_ANY_TEXT, inner, max_size=4)
        ),
        max_leaves=8,
    )
    packed = st.binary(max_size=60).map(_base64)
    subject = st.one_of(_ANY_TEXT, _ANY_TEXT, anything)
    fields = {
        "id": anything,
        "observed_at": anything,
        "kind": st.one_of(st.sampled_from(["file", "registry"]), anything),
        "encoding": st.one_of(st.sampled_from(["gzip", "zstd", "identity"]), anything),
        "url": subject,
        "html_base64": st.one_of(packed, anything),
        "further": anything,
    }
    required = {SUBJECT[detector]: subject}
    optional = {name: values for name, values in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).map(
        lambda event: json.dumps(event).encode()
    )


@st.composite
def _mutated(draw: st.DrawFn, values: st.SearchStrategy[bytes]) -> bytes:
    """Cut short, with flipped bits, with a piece twice, or with something in between."""
    value = bytearray(draw(values))
    for _ in range(draw(st.integers(1, 3))):
        if not value:
            break
        at = draw(st.integers(0, len(value) - 1))
        match draw(st.sampled_from(["cut", "flip", "twice", "between"])):
            case "cut":
                del value[at:]
            case "flip":
                value[at] ^= 1 << draw(st.integers(0, 7))
            case "twice":
                value[at:at] = value[at : at + draw(st.integers(1, 50))]
            case _:
                value[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(value)
