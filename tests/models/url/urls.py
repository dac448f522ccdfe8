"""URLs and what resembles them, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

# Any code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
# What URLs are made of, in any order: every rule of the normal form meets every other.
URL_LIKE = st.lists(
    st.sampled_from(
        [
            *("http:", "HTTPS:", "https://", "http:/", "ftp://", "//", "/", "\\", "h%74tp://"),
            *("www.", "WWW.", "%77ww.", "a.example", "Ex.", ".", "..", "localhost", "1"),
            *(":", ":80", ":443", ":8080", ":%38%30", "@", "user:word@"),
            *("192.0.2.1", "256.1.1.1", "1.2.3", "[2001:db8::1]", "[::]", "[", "]", "[a:b]"),
            *("?", "#", "&a=B", "%41", "%2f", "%2F", "%7", "%", "%7e", "%5C", "%00", "%C3%A9"),
            *(
                " ",
                "\t",
                "\x00",
                "\x7f",
                "\xa0",
                "\u00e9",
                "\u0416",
                "\u4f8b",
                "\ud800",
                "\U0001f511",
            ),
        ]
    ),
    max_size=9,
).map("".join)
_LABEL = st.from_regex("[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?", fullmatch=True).filter(
    lambda label: label.lower() != "www"
)
_TOP = st.sampled_from(["example", "test", "INVALID"])
HOSTS = st.lists(_LABEL, min_size=1, max_size=3).flatmap(
    lambda labels: _TOP.map(lambda top: ".".join([*labels, top]))
)
_SEGMENT = (
    st.text("abcXYZ019._~-%/=", min_size=1, max_size=9)
    .map(lambda text: text.replace("/", ""))
    .filter(bool)
)
_PATHS = st.tuples(
    st.lists(_SEGMENT, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts)),
    st.sampled_from(["", "/"]),
).map("".join)
URLS = st.tuples(
    st.sampled_from(["", "http://", "https://", "HTTPS://"]),
    st.sampled_from(["", "www.", "WWW."]),
    HOSTS,
    st.sampled_from(["", ":80", ":8080", ":443"]),
    _PATHS,
    st.sampled_from(["", "?", "?a=B", "?q=%2F&b=/"]),
    st.sampled_from(["", "#", "#Part"]),
).map("".join)
"""URLs with a host of two labels or more."""
