"""Splits the logit of the character network over the characters of the text.

The pooled features are sums over positions, so the gradient of the logit with respect to them
splits each position's part: ``part[t] = scale * sum_f gradient[f] * relu(conv_f)[t]``. A filter
at t saw a few characters; its part is shared equally among those of them that are text. Parts
plus remainder (the dense layers' biases) sum to the logit, exactly but for rounding, since
between the kinks of its ReLUs the network is linear.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.dense import DenseLayers
from models.characters.tables import ConvolutionTables, PackedTexts
from models.evidence import Attribution, Span, top_spans

# As in the tables engine: activations that stay in a core's second-level cache.
CHUNK = 16


class CharacterExplainer:
    """Explainer of one set of weights.

    Args:
        sizes: The network's sizes.
        tensors: Its weights, float32.
    """

    def __init__(
        self, sizes: CharacterConvolutions, tensors: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self._sizes = sizes
        self._tables = ConvolutionTables(sizes, tensors)
        self._dense = DenseLayers(sizes, tensors)

    exact = True

    def explain(self, features: CharacterCodes, most: int) -> list[list[Span]]:
        """The heaviest spans of n texts."""
        return [
            [_in_text(span, features.origins, row) for span in top_spans(parts, most)]
            for row, parts in enumerate(self.attribute(features).parts)
        ]

    def attribute(self, features: CharacterCodes) -> Attribution:
        """Attribute n texts: parts float32[n, width], remainder float32[n]."""
        parts = np.zeros(features.codes.shape, np.float32)
        if not len(features):
            return Attribution(parts=parts, remainder=np.empty(0, np.float32), exact=True)
        packs = [
            self._tables.pack(features.rows(slice(start, start + CHUNK)))
            for start in range(0, len(features), CHUNK)
        ]
        # One pass for the sums of all texts, so that the dense layers see one large batch; then
        # another over the activations, which are dearer to keep than to add up again.
        pooled = np.concatenate([self._tables.pooled(packed) for packed in packs])
        gradient, remainder = self._dense.gradient(pooled)
        gradient *= np.float32(self._sizes.pooling_scale)
        flat = [
            self._parts(packed, gradient[number * CHUNK : (number + 1) * CHUNK])
            for number, packed in enumerate(packs)
        ]
        parts[np.arange(features.codes.shape[1]) < features.seen[:, None]] = np.concatenate(flat)
        return Attribution(parts=parts, remainder=remainder, exact=True)

    def _parts(self, packed: PackedTexts, gradient: NDArray[np.float32]) -> NDArray[np.float32]:
        """Parts of every character of the packed texts, one behind the other."""
        is_text = np.zeros(len(packed.codes), np.bool_)
        bounds = list(zip(packed.starts.tolist(), packed.ends.tolist(), strict=True))
        for start, end in bounds:
            is_text[start:end] = True
        summed = np.zeros(len(packed.codes), np.float32)
        at_position = np.zeros(len(packed.codes), np.float32)
        for number, width in enumerate(self._sizes.filter_widths):
            filters = slice(number * self._sizes.filters, (number + 1) * self._sizes.filters)
            activations = self._tables.activations(packed, width)
            for (start, end), weights in zip(bounds, gradient[:, filters], strict=True):
                np.dot(activations[start:end], weights, out=at_position[start:end])
            summed += _share(at_position, is_text, *self._tables.window(width))
        return summed[is_text]


def _in_text(span: Span, origins: NDArray[np.int32] | None, row: int) -> Span:
    """A span of codes as one of the text that they came from."""
    if origins is None:
        return span
    return span._replace(
        start=int(origins[row, span.start]), end=int(origins[row, span.end - 1]) + 1
    )


def _share(
    at_position: NDArray[np.float32], is_text: NDArray[np.bool_], before: int, after: int
) -> NDArray[np.float32]:
    """Spread each position's part equally over the characters of text in its window."""
    positions = len(at_position)
    padded = np.pad(is_text.astype(np.float32), (before, after))
    seen = sum(padded[j : j + positions] for j in range(before + after + 1))
    share = np.pad(at_position / np.maximum(seen, 1), (after, before))
    spread = sum(share[j : j + positions] for j in range(before + after + 1))
    return np.asarray(spread * is_text, np.float32)
