"""Texts whose logits an artefact carries, so that an engine can be checked before it is used.

They visit what engines do differently: every fixed width and the steps around it, cut texts,
texts shorter than a filter, and every kind of character code. The hosts are reserved for
documentation (RFC 2606, RFC 5737).
"""

from __future__ import annotations

_LONG_PATH = "/".join(f"part{number}" for number in range(40))

PLAIN = (
    "",
    " ",
    "a",
    "a.b",
    "https://www.example.com",
    "http://example.org/index.html",
    "HTTPS://LOGIN.EXAMPLE.NET/VERIFY.PHP?ID=A1B2C3",
    "http://192.0.2.17:8080/bins/mirai.arm7",
    "https://secure-account-update.example/signin/webscr?cmd=_login&token=9f86d081884c7d65",
    "https://docs.example.com/wiki/Convolutional_neural_network#Pooling",
    "https://b\u00fccher.example/caf\u00e9?q=na\u00efve",
    "https://\u043f\u0440\u0438\u043c\u0435\u0440.example/\u0432\u0445\u043e\u0434",
    "https://\u4f8b\u3048.example/\u30ed\u30b0\u30a4\u30f3?\U0001f511=1",
    "https://example.com/a\x00b\tc\r\nd\x1b[31m\x7f",
    "https://example.com/lone\ud800surrogate",
    "https://example.com/%E2%80%AEgpj.exe?u=http%3A%2F%2Fexample.net%2F",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "mailto:someone@example.com",
)


def golden_texts(width: int) -> list[str]:
    """The texts for a featuriser that keeps ``width`` characters.

    To the plain ones come texts as long as the compiled widths are, one longer, and far longer
    than is kept.
    """
    long = f"https://files.example.net/{_LONG_PATH}"
    lengths = {48, 49, 96, 97, width, width + 1}
    return [
        *PLAIN,
        *((long * (length // len(long) + 1))[:length] for length in sorted(lengths)),
        "https://example.com/?" + "A1+/" * width,
    ]
