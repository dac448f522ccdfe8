"""Pages whose logits an artefact carries, so that an engine can be checked by them.

They visit what engines do differently: no tokens at all, fewer than there are pieces, many, bytes
of any kind. The hosts are reserved for documentation (RFC 2606).
"""

from __future__ import annotations

_LOGIN = (
    b"<html><head><title>Sign in</title></head><body><form method=post "
    b'action="https://login.example/check.php"><input name=email><input type=password name=pass>'
    b"</form><script>document.forms[0].submit()</script></body></html>"
)
_WORDS = " ".join(f"word{number}" for number in range(500)).encode()


def golden_pages(_featuriser: object) -> list[bytes]:
    """The pages, whatever the featuriser's parameters."""
    return [
        b"",
        b" \n\t",
        b"<>",
        b"a",
        b"<p>one two three</p>",
        _LOGIN,
        _LOGIN.upper(),
        _LOGIN * 20,
        b"<html><body>" + b"<p>" + _WORDS + b"</p></body></html>",
        "<p>caf\u00e9 \u043f\u0440\u0438\u043c\u0435\u0440 \u4f8b\u3048</p>".encode(),
        bytes(range(256)),
        b"\xff\xfe" + "<p>wide</p>".encode("utf-16-le"),
        b"<div>" * 400,
        b"<script>eval(unescape('" + b"%64%6f" * 200 + b"'))</script>",
        b"x" * 10_000,
    ]
