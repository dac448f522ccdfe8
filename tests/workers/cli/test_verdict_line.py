from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from schemas.verdict_reader import Verdict, VerdictSpan, decode_verdict
from tests.workers.cli.verdicts import page_verdict, verdict
from workers.cli.verdict_line import LONGEST_TEXT, underlined, verdict_line


def of(text: str, label: str = "malicious", spans: Any = ()) -> Verdict:
    return decode_verdict(verdict(text, label, spans))


def span(start: int, end: int, weight: float = 1.0) -> VerdictSpan:
    return {"kind": "characters", "start": start, "end": end, "text": "", "weight": weight}


def marked(text: Text) -> list[str]:
    """The parts of a text that are underlined."""
    return [
        text.plain[part.start : part.end] for part in text.spans if "underline" in str(part.style)
    ]


def printed(text: Text, **terminal: Any) -> str:
    stream = io.StringIO()
    Console(file=stream, soft_wrap=True, **terminal).print(text)
    return stream.getvalue()


def test_score_label_text_and_why() -> None:
    line = verdict_line(of("http://a.example/pay", spans=[(17, 20, 2.5), (7, 8, -0.25)]))

    assert line.plain == (
        "Score: 0.9999 (Malicious)  http://a.example/pay  why: pay +2.50, a -0.25"
    )
    assert marked(line) == ["a", "pay"]


def test_without_evidence_there_is_no_why() -> None:
    line = verdict_line(of("https://a.example/", "benign"))

    assert line.plain == "Score: 0.0474 (Benign)  https://a.example/"
    assert marked(line) == []


@given(st.text(min_size=1, max_size=60))
def test_nothing_in_a_text_can_drive_a_terminal(text: str) -> None:
    spans = [(0, len(text), 1.0)]

    line = verdict_line(of(text.encode("utf-8", "replace").decode(), spans=spans))

    assert line.plain.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://a/\x1b]0;title\x07", r"http://a/\x1b]0;title\x07"),
        ("http://a/\u202egpj.exe", r"http://a/\u202egpj.exe"),
        ("http://a/\u200b\u2066x", r"http://a/\u200b\u2066x"),
        ("http://a/\x9b31m", r"http://a/\x9b31m"),
        ("http://a/\r\nScore: 0.0 (Benign)", r"http://a/\r\nScore: 0.0 (Benign)"),
        ("[bold]http://a/[/bold] :warning:", "[bold]http://a/[/bold] :warning:"),
    ],
    ids=["title", "right to left", "invisible", "C1", "a line of its own", "rich's markup"],
)
def test_escapes(text: str, shown: str) -> None:
    assert underlined(text, []).plain == shown


def test_offsets_count_the_text_as_it_was() -> None:
    line = underlined("\x1b\x1bevil\u202e!", [span(2, 7)])

    assert line.plain == r"\x1b\x1bevil\u202e!"
    assert marked(line) == [r"evil\u202e"]


def test_a_long_text_is_cut_and_says_so() -> None:
    line = underlined("x" * (LONGEST_TEXT + 1), [span(LONGEST_TEXT - 1, LONGEST_TEXT + 1)])

    assert line.plain == "x" * LONGEST_TEXT + "…"
    assert marked(line) == ["x"]


@given(st.text(max_size=20), st.lists(st.tuples(st.integers(), st.integers())))
def test_offsets_of_a_stranger_do_no_harm(text: str, places: list[tuple[int, int]]) -> None:
    plain = underlined(text, []).plain

    assert underlined(text, [span(start, end) for start, end in places]).plain == plain


def test_spans_for_and_against_differ_in_colour() -> None:
    line = underlined("goodbad", [span(0, 4, -1.0), span(4, 7, 1.0)])

    shown = printed(line, force_terminal=True, color_system="standard", no_color=False)
    assert shown == "\x1b[4;32mgood\x1b[0m\x1b[4;31mbad\x1b[0m\n"


def test_without_colour_the_underline_stays() -> None:
    line = underlined("bad", [span(0, 3)])

    shown = printed(line, force_terminal=True, color_system="standard", no_color=True)
    assert shown == "\x1b[4mbad\x1b[0m\n"


def test_off_a_terminal_it_is_plain() -> None:
    assert printed(underlined("bad", [span(0, 3)]), force_terminal=False) == "bad\n"


PAGE = b"<form action=//evil.example/>\x1b[2J" + b"x" * 12_345


def test_a_page_is_shown_by_its_address_size_and_deciding_bytes() -> None:
    spans = [
        (6, 29, 2.125, "window", "action=//evil.example/>\x1b[2J"),
        (8, 12, 0.9, "token", "evil"),
    ]

    line = verdict_line(
        decode_verdict(page_verdict(PAGE, "malicious", spans, url="http://a.example/\x1b"))
    )

    assert line.plain == (
        r"Score: 0.9999 (Malicious)  http://a.example/\x1b (12,378 bytes)  why: bytes 6-29 "
        r'"action=//evil.example/>\x1b[2J" +2.12, evil +0.90'
    )
    assert marked(line) == [], "offsets are those of the page"


def test_a_page_of_unknown_address_is_shown_by_its_file_or_digest() -> None:
    read = decode_verdict(page_verdict(b"<p>"))

    assert verdict_line(read, "dir/\x07a.html").plain == (
        r"Score: 0.0474 (Benign)  dir/\x07a.html (3 bytes)"
    )
    assert verdict_line(read).plain.startswith("Score: 0.0474 (Benign)  sha256:")


@given(st.text(min_size=1, max_size=60))
def test_nothing_in_an_excerpt_can_drive_a_terminal(excerpt: str) -> None:
    text = excerpt.encode("utf-8", "replace").decode()
    value = page_verdict(b"page", "malicious", [(0, 4, 1.0, "window", text)], url=text)

    assert verdict_line(decode_verdict(value)).plain.isprintable()


def test_a_label_that_is_held_says_why() -> None:
    held = of("http://192.0.2.1/", "benign")
    held["held"] = "bare-ip-address"

    line = verdict_line(held)

    assert line.plain.endswith("(Benign)  http://192.0.2.1/  held at benign: bare-ip-address")
