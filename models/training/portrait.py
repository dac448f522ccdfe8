"""Pictures of what a character network learned: its embedding, its filters, its last layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artefact.precision import computed
from models.characters.architecture import CharacterConvolutions
from models.characters.codes import CharacterCodes
from models.characters.dense import DenseLayers
from models.characters.sums import PooledSums
from models.thresholds import Thresholds
from models.training.candidate import Candidate
from models.training.data import Labelled
from models.training.pictures import boundary, embeddings, filters
from models.training.pictures.filters import Excited
from models.training.pictures.style import Picture, defanged, save
from models.training.recipe import Recipe

# Rows that pictures are drawn from: enough for any cloud of points.
ROWS = 4000
MOST_WINDOWS = 20_000


def draw(
    candidate: Candidate, rows: Labelled, recipe: Recipe, thresholds: Thresholds, folder: Path
) -> tuple[tuple[Picture, ...], tuple[Excited, ...] | None]:
    """Draw the three into ``folder``; nothing for networks of other kinds.

    Returns:
        The pictures, and what excites chosen filters.
    """
    sizes, spell = candidate.sizes, recipe.spell
    if not isinstance(sizes, CharacterConvolutions) or spell is None:
        return (), None
    tensors = computed(candidate.tensors)
    drawn = rows.take(_drawn(len(rows)))
    features = recipe.featuriser(drawn.subjects)
    if not isinstance(features, CharacterCodes):
        return (), None
    sums, dense = PooledSums(sizes, tensors), DenseLayers(sizes, tensors)
    pooled = sums.pooled(features)
    spelled = [spell(code) for code in range(sizes.alphabet)]
    pictures = [
        save(
            embeddings.embedding_map(
                tensors["embedding/embeddings"],
                [character for character, _ in spelled],
                [group for _, group in spelled],
            ),
            folder,
            embeddings.PICTURE,
        )
    ]
    gradient, _ = dense.gradient(pooled)
    excited = _excited(sizes, sums, features, (gradient * pooled).mean(axis=0), spelled)
    pictures.append(save(filters.filter_table(excited), folder, filters.PICTURE))
    answers, weights, bias = dense.last(pooled)
    texts = [defanged(text) for text in drawn.subjects]
    figure = boundary.boundary(answers, weights, bias, drawn.labels, texts, thresholds)
    pictures.append(save(figure, folder, boundary.PICTURE))
    return tuple(pictures), excited


def _drawn(rows: int) -> NDArray[np.bool_]:
    drawn = np.zeros(rows, np.bool_)
    drawn[np.random.default_rng(0).permutation(rows)[:ROWS]] = True
    return drawn


def _excited(
    sizes: CharacterConvolutions,
    sums: PooledSums,
    features: CharacterCodes,
    effects: NDArray[np.float32],
    spelled: Sequence[tuple[str, str]],
) -> tuple[Excited, ...]:
    """The filters of the widest convolution, by what the rows themselves hold."""
    number = int(np.argmax(sizes.filter_widths))
    windows = _windows(features, sizes.filter_widths[number])
    own = effects[number * sizes.filters : (number + 1) * sizes.filters]
    strings = [
        "".join(spelled[code][0] or filters.MANY for code in window) for window in windows.tolist()
    ]
    return filters.most_exciting(
        strings, sums.excitations(number, windows), own, places=_places(windows, spelled)
    )


def _windows(features: CharacterCodes, width: int) -> NDArray[np.uint8]:
    """Different windows of codes that lie in the texts, the most frequent ones."""
    # A featuriser may keep fewer codes than the filter is wide: then no window is whole.
    codes = np.pad(features.codes, ((0, 0), (0, max(0, width - features.codes.shape[1]))))
    views = np.lib.stride_tricks.sliding_window_view(codes, width, axis=1)
    windows = views[views[:, :, -1] != 0]
    different, counts = np.unique(windows, axis=0, return_counts=True)
    return different[np.argsort(-counts, kind="stable")[:MOST_WINDOWS]]


def _places(windows: NDArray[np.uint8], spelled: Sequence[tuple[str, str]]) -> list[str] | None:
    """The group that each window begins in, where a character alone does not tell its group."""
    characters = [character for character, _ in spelled if character]
    if len(set(characters)) == len(characters):
        return None
    return [spelled[code][1] for code in windows[:, 0].tolist()]
