"""What a model card says in words, by detector: use, misuse, weaknesses (`card_texts.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class CardText:
    """What people have to know, beside the figures.

    Attributes:
        judges: What the model looks at, and nothing else.
        intended: What it is for.
        not_intended: What it is not for.
        weaknesses: Known ones of the method, whatever it was trained on.
        of_the_data: Known ones of the rows that the shipped weights were trained on.
    """

    judges: str
    intended: tuple[str, ...]
    not_intended: tuple[str, ...]
    weaknesses: tuple[str, ...]
    of_the_data: tuple[str, ...]


def card_texts() -> dict[str, CardText]:
    """Texts by name of the detector."""
    raw = resources.files("models.training").joinpath("card_texts.json").read_text("utf-8")
    return {
        detector: CardText(judges=text.pop("judges"), **{k: tuple(v) for k, v in text.items()})
        for detector, text in json.loads(raw).items()
    }
