"""The compiled normal form against its definition in plain Python."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.url.featuriser import UrlFeaturiser
from models.url.normaliser import ALPHABET, HOST, PARTS, PATH, QUERY, code_of
from tests.models.url import reference
from tests.models.url.reference import normal_form
from tests.models.url.urls import ANY_TEXT, HOSTS, URL_LIKE, URLS

GOLDEN = json.loads(Path(__file__).with_name("normal_forms.json").read_text("utf-8"))
ODD = {
    "empty": "",
    "NUL": "\x00",
    "NULs around": "\x00a.example\x00",
    "a lone high surrogate": "\ud800",
    "a lone low surrogate": "http://a.example/\udc00",
    "65,536 characters of a host": "a" * 65_536,
    "65,536 characters of a path": "http://a.example/" + "b/" * 32_760,
    "slashes only": "/" * 65_536,
    "backslashes only": "\\" * 100,
    "a scheme and no more": "https://",
    "a scheme without slashes": "http:a.example",
    "an escape cut off": "http://a.example/%4",
    "a percent sign": "%",
    "an @ and no more": "@",
    "white space only": " \t\r\n" * 20,
    "the last character of all": "\U0010ffff" * 3,
    "an escape of an escape": "a.example/%2541%%341",
    "a port without a host": ":80",
}


def check(texts: list[str], width: int) -> None:
    """All columns are as defined."""
    features = UrlFeaturiser(width=width)(texts)
    silent = features.silent
    assert silent is not None
    assert features.source is not None
    origins, _ = features.source.places()
    assert features.codes.shape == origins.shape == (len(texts), width)
    for row, text in enumerate(texts):
        expected = normal_form(text)
        codes = expected.codes[:width]
        assert features.codes[row].tolist() == codes + [0] * (width - len(codes))
        assert features.seen[row] == len(codes)
        assert origins[row, : len(codes)].tolist() == [
            character.origin for character in expected.characters[:width]
        ]
        assert features.read[row] == expected.read(width, len(text))
        assert features.lengths[row] == len(text)
        assert silent[row] == expected.silent


@given(st.lists(st.one_of(URL_LIKE, URLS, ANY_TEXT), max_size=5), st.integers(1, 60))
@settings(deadline=None, max_examples=300)
@example(["http://www.a.example.:443/%41?"], 60)
@example(["1.2.3.4:5:80", "www.1.2.3.4", "a.example.:8080"], 60)
def test_any_text_has_the_normal_form_of_the_definition(texts: list[str], width: int) -> None:
    check(texts, width)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_no_text_is_too_odd(text: str) -> None:
    check([text], 192)


@pytest.mark.parametrize("golden", GOLDEN, ids=[ascii(golden["text"]) for golden in GOLDEN])
def test_normal_forms_stay_as_they_are(golden: dict[str, object]) -> None:
    text = str(golden["text"])
    features = UrlFeaturiser(width=64)([text])
    seen = int(features.seen[0])
    assert features.silent is not None
    assert features.source is not None
    origins, _ = features.source.places()
    assert {
        "text": text,
        "codes": features.codes[0, :seen].tobytes().hex(" "),
        "origins": origins[0, :seen].tolist(),
        "read": int(features.read[0]),
        "silent": bool(features.silent[0]),
    } == golden
    check([text], 64)


def spelled(url: str) -> str:
    """The normal form, readable: of the codes, which the definition ties to characters."""
    return "".join(character.text for character in normal_form(url).characters)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://WWW.Example.com:443/%4cogin/#top", "example.com/login"),
        ("//a.example", "a.example"),
        ("\thttp:\\\\a.example\\b\n", "a.example/b"),
        ("http://u:p@www.a.example./x/?", "u:p@a.example/x"),
        ("http://a.example:8080/", "a.example:8080"),
        ("ftp://a.example/b?C=d#e", "ftp://a.example/b?c=d"),
        ("a.example/%2Fb%20c%7E", "a.example/%2fb%20c~"),
        ("www.com", "www.com"),
        ("a.example//", "a.example/"),
    ],
    ids=str,
)
def test_the_definition_takes_away_what_says_nothing(url: str, normal: str) -> None:
    assert spelled(url) == normal
    check([url], 64)


def test_host_path_and_query_have_codes_of_their_own() -> None:
    features = UrlFeaturiser(width=9)(["a@a/a?a"])
    assert features.codes[0].tolist() == [
        *(code_of("a", PATH), code_of("@", PATH), code_of("A", HOST)),
        *(code_of("/", PATH), code_of("a", PATH), code_of("?", QUERY), code_of("a", QUERY)),
        *(0, 0),
    ]


def test_every_code_is_below_the_alphabet_s_end_and_none_is_padding() -> None:
    characters = [chr(point) for point in (*range(128), *range(128, 0x110000, 64))]
    codes = {
        reference.code_of(character, part)
        for character in characters
        if not "A" <= character <= "Z"
        for part in range(PARTS)
    }
    assert (min(codes), max(codes)) == (1, ALPHABET - 1)


ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f"[{address}]")
)
SCHEMES = st.sampled_from(["", "http://", "https://", "HTTP://", "//"])
PORTS = st.sampled_from(["", ":", ":80", ":8080", ":65535"])
NOTHING_MORE = st.sampled_from(["", "/", "?", "/?", "#", "/#part", " "])


def is_silent(url: str) -> bool:
    features = UrlFeaturiser(width=64)([url])
    assert features.silent is not None
    # What is silent has nothing to judge, and what has something to judge is not silent.
    assert not (features.silent[0] and features.seen[0])
    return bool(features.silent[0])


@given(SCHEMES, ADDRESSES, PORTS, NOTHING_MORE)
@settings(deadline=None)
def test_an_address_and_nothing_else_is_silent(
    scheme: str, address: str, port: str, end: str
) -> None:
    assert is_silent(f"{scheme}{address}{port}{end}")


@given(
    SCHEMES,
    st.sampled_from(["", "user@", "user:word@"]),
    ADDRESSES,
    PORTS,
    st.sampled_from(["", "/a", "/?a", "?a", "//", "/%2f", "/."]),
)
@settings(deadline=None)
def test_an_address_with_anything_more_is_not_silent(
    scheme: str, user: str, address: str, port: str, end: str
) -> None:
    assert is_silent(f"{scheme}{user}{address}{port}{end}") == (not user and not end)


@given(HOSTS, SCHEMES, PORTS, NOTHING_MORE)
@settings(deadline=None)
def test_a_name_is_not_silent(host: str, scheme: str, port: str, end: str) -> None:
    assert not is_silent(f"{scheme}{host}{port}{end}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "http://",
        "http://256.1.1.1/",
        "http://1.2.3/",
        "http://1.2.3.4.5/",
        "http://1..2.3/",
        "http://3221225985/",
        "http://0x7f.0.0.1/",
        "http://192.0.2.1.a.example/",
        "http://a192.0.2.1/",
        "ftp://192.0.2.1/",
        "http://[2001:db8::1%25eth0]/",
        "http://[a:b]/",
        "http://[fe80::1/",
        "http://2001:db8::1]/",
        "http://\u0661.2.3.4/",
    ],
    ids=ascii,
)
def test_what_only_resembles_an_address_is_not_silent(url: str) -> None:
    assert not is_silent(url)


@pytest.mark.parametrize("address", [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")])
def test_an_address_with_escaped_digits_is_an_address(address: IPv4Address | IPv6Address) -> None:
    escaped = str(address).replace("2", "%32")
    assert is_silent(f"http://[{escaped}]" if address.version == 6 else f"http://{escaped}")


def test_texts_do_not_touch_each_other() -> None:
    texts = [*ODD.values(), "http://a.example/b", "\ud83d", "\udd11"]
    together = UrlFeaturiser(width=100)(texts)
    for row, text in enumerate(texts):
        alone = UrlFeaturiser(width=100)([text])
        assert np.array_equal(alone.codes[0], together.codes[row])
        assert alone.read[0] == together.read[row]
