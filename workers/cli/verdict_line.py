"""A verdict as one line for people: score, label, subject, and why."""

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


def verdict_line(verdict: Verdict, name: str | None = None) -> Text:
    """``Score: 0.9991 (Malicious)  http://...  why: paypal +2.31, ...``, coloured.

    ``.plain`` of it is the line without colours.

    Args:
        verdict: To show.
        name: What stands for the subject; else its text, or the address or digest of a page.
    """
    line = Text()
    label = verdict["label"]
    line.append(f"Score: {verdict['score']:.4f} ({label.capitalize()})", style=_STYLES[label])
    line.append("  ")
    page = verdict["page"]
    if name is None and page is None:
        line.append_text(underlined(verdict["subject"], verdict["evidence"]))
    else:
        # Offsets are those of the page, which is not shown.
        line.append_text(underlined(name or verdict["subject"], ()))
    if page is not None:
        line.append(f" ({page['bytes']:,} bytes)")
    if verdict["held"] is not None:
        line.append(f"  held at benign: {visible(verdict['held'])}", style="dim")
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
    excerpt = shortened(visible(span["text"]), _LONGEST_SPAN)
    if span["kind"] == "window":
        excerpt = f'bytes {span["start"]}-{span["end"]} "{excerpt}"'
    return f"{excerpt} {span['weight']:+.2f}"
