"""Sizes of the network of file paths and registry keys: the URL network's, with a smaller table."""

from __future__ import annotations

from models.characters.architecture import CharacterConvolutions
from models.path.alphabet import ALPHABET

# Codes that the network sees; longer are 1 % of the files and 0.06 % of the malicious rows, and of
# those head and tail are kept.
WIDTH = 128
SIZES = CharacterConvolutions(
    alphabet=ALPHABET,
    gram_orders=(3, 4, 5, 6),
    gram_buckets=1 << 16,
    gram_units=16,
    dense=(256, 256),
)
# The authors' own for paths and keys, to compare with: eXpose as it is.
PLAIN = CharacterConvolutions(alphabet=ALPHABET, dense=(1024, 1024), dropout=0.5)
