"""A verdict as one line for people: score, label, text, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from schemas.text import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.verdict_reader import Verdict, VerdictSpan

# Enough for a URL that a person would read; the verdict itself has more.
LONGEST_TEXT: Final = 256
_LONGEST_SPAN: Final = 40

_STYLES: Final = {"benign": "green", "suspicious": "yellow", "malicious": "bold red"}
_SPEAKS_FOR_HARM: Final = "underline red"
_SPEAKS_FOR_HARMLESS: Final = "underline green"


def verdict_line(verdict: Verdict) -> Text:
    """``Score: 0.9991 (Malicious)  http://...  why: paypal +2.31, ...``, coloured.

    ``.plain`` of it is the line without colours.
    """
    line = Text()
    label = verdict["label"]
    line.append(f"Score: {verdict['score']:.4f} ({label.capitalize()})", style=_STYLES[label])
    line.append("  ")
    line.append_text(underlined(verdict["subject"], verdict["evidence"]))
    if verdict["evidence"]:
        line.append("  why: " + ", ".join(map(_reason, verdict["evidence"])), style="dim")
    return line


def underlined(text: str, evidence: Sequence[VerdictSpan]) -> Text:
    """``text``, escaped and cut to `LONGEST_TEXT`, with its spans of evidence underlined."""
    shown = text[:LONGEST_TEXT]
    styles: list[str | None] = [None] * len(shown)
    for span in evidence:
        style = _SPEAKS_FOR_HARM if span["weight"] > 0 else _SPEAKS_FOR_HARMLESS
        for i in range(max(0, span["start"]), min(span["end"], len(shown))):
            styles[i] = style
    line = Text()
    start = 0
    for end in range(1, len(shown) + 1):
        if end == len(shown) or styles[end] != styles[start]:
            # Escaping lengthens text, so it comes after the cut at the spans' offsets.
            line.append(visible(shown[start:end]), style=styles[start])
            start = end
    if len(text) > LONGEST_TEXT:
        line.append("…", style="dim")
    return line


def _reason(span: VerdictSpan) -> str:
    return f"{shortened(visible(span['text']), _LONGEST_SPAN)} {span['weight']:+.2f}"
