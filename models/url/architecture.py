"""Sizes of the character network, as data: what the manifest records and every engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from models.errors import ArtefactError
from models.url.featuriser import ALPHABET

KIND = "character-convolutions"
# An artefact may not ask for more than this; the talk's network has 2.2 million.
MOST_PARAMETERS = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterConvolutions:
    """The sizes; the defaults are the talk's (eXpose, arXiv 1702.08568).

    Attributes:
        embedding: Numbers a character is embedded in.
        filter_widths: Characters that one filter of each convolution sees.
        filters: Filters of each convolution.
        dense: Units of each dense layer.
        pooling_scale: What the sums are multiplied by. A sum over some 50 positions is that much
            larger than one activation; 1/16 brings it to the size that the dense layers'
            initialisation expects.
        dropout: Share of pooled and dense units left out in training.
    """

    embedding: int = 32
    filter_widths: tuple[int, ...] = (2, 3, 4, 5)
    filters: int = 256
    dense: tuple[int, ...] = (1024, 1024)
    pooling_scale: float = 0.0625
    dropout: float = 0.3

    @property
    def parameters(self) -> dict[str, object]:
        """What the manifest records."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> CharacterConvolutions:
        """Read what a manifest records.

        Raises:
            ArtefactError: unknown kind or sizes, or more than ``MOST_PARAMETERS`` weights.
        """
        given = dict(parameters)
        kind = given.pop("kind", None)
        if kind != KIND:
            raise ArtefactError(f"network kind {kind!r} is unknown here; expected '{KIND}'")
        try:
            for name in ("filter_widths", "dense"):
                given[name] = tuple(int(size) for size in given[name])  # type: ignore[attr-defined]
            architecture = cls(**given)  # type: ignore[arg-type]
            shapes = architecture.shapes()
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(f"network parameters {dict(parameters)!r}: {error}") from error
        weights = sum(_product(shape) for shape in shapes.values())
        if weights > MOST_PARAMETERS or any(size < 1 for s in shapes.values() for size in s):
            raise ArtefactError(
                f"network parameters {dict(parameters)!r} ask for {weights} weights; "
                f"at least 1 a side and at most {MOST_PARAMETERS} are taken"
            )
        return architecture

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor that the artefact stores, in float32."""
        shapes: dict[str, tuple[int, ...]] = {
            "embedding/embeddings": (ALPHABET, self.embedding),
        }
        for width in self.filter_widths:
            shapes[f"convolution_{width}/kernel"] = (width, self.embedding, self.filters)
            shapes[f"convolution_{width}/bias"] = (self.filters,)
        units = self.filters * len(self.filter_widths)
        for number, next_units in enumerate(self.dense, start=1):
            shapes[f"dense_{number}/kernel"] = (units, next_units)
            shapes[f"dense_{number}/bias"] = (next_units,)
            units = next_units
        shapes["logit/kernel"] = (units, 1)
        shapes["logit/bias"] = (1,)
        return shapes


def _product(sizes: tuple[int, ...]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product
