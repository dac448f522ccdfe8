"""Sizes of the URL network: the talk's convolutions, n-grams beside them, narrower dense layers."""

from __future__ import annotations

from models.characters.architecture import CharacterConvolutions
from models.url.normaliser import ALPHABET

# Codes of a URL that the network sees: 98 % of the training rows have no more.
WIDTH = 192
SIZES = CharacterConvolutions(
    alphabet=ALPHABET,
    gram_orders=(3, 4, 5, 6),
    gram_buckets=1 << 18,
    gram_units=16,
    dense=(512, 512),
)
# The talk's, to compare with: the same convolutions with nothing beside them.
PLAIN = CharacterConvolutions(alphabet=ALPHABET, dense=(1024, 1024), dropout=0.5)
