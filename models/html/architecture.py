"""Sizes of the inspector network, as data: what the manifest records and every engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from reprlib import repr as shown
from typing import Final

from models.errors import ArtefactError
from models.html.tokens import BINS

KIND: Final = "page-inspector"
EPSILON: Final = 1e-3
"""Added to variances before normalisation divides by their roots."""

# An artefact may not ask for more than this; the paper's network has 5.3 million.
MOST_PARAMETERS: Final = 50_000_000
# More layers and units than anyone wants; they bound what engines lay out in memory for a page.
MOST_LAYERS: Final = 16
MOST_UNITS: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectorSizes:
    """The sizes; the paper's (arXiv 1804.05020) are two of 1,024 for both parts.

    Attributes:
        inspector: Units of each layer that looks at a window; at least one layer.
        master: Units of each layer that judges what the inspector found.
        dropout: Share of units left out in training.
    """

    inspector: tuple[int, ...] = (256, 256)
    master: tuple[int, ...] = (256,)
    dropout: float = 0.2

    @property
    def parameters(self) -> dict[str, object]:
        """What the manifest records."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> InspectorSizes:
        """Read what a manifest records.

        Raises:
            ArtefactError: unknown kind, sizes of the wrong type or range, or more than
                ``MOST_PARAMETERS`` weights.
        """
        given = dict(parameters)
        kind = given.pop("kind", None)
        if kind != KIND:
            raise ArtefactError(f"network kind {shown(kind)} is unknown here; expected '{KIND}'")
        names = sorted(field.name for field in fields(cls))
        if set(given) != set(names):
            raise ArtefactError(
                f"network has the parameters {shown(sorted(given, key=str))}, expected {names}"
            )
        sizes = cls(
            inspector=_units(given["inspector"], "inspector"),
            master=_units(given["master"], "master"),
            dropout=_share(given["dropout"], "dropout"),
        )
        if not sizes.inspector:
            raise ArtefactError("inspector has no layers; give at least one")
        if sizes.weights > MOST_PARAMETERS:
            raise ArtefactError(
                f"network parameters {shown(dict(parameters))} ask for {sizes.weights} weights; "
                f"at most {MOST_PARAMETERS} are taken"
            )
        return sizes

    @property
    def weights(self) -> int:
        """How many numbers the artefact stores."""
        return sum(map(prod, self.shapes().values()))

    @property
    def bytes(self) -> int:
        """Their length, in float32."""
        return 4 * self.weights

    @property
    def tables(self) -> tuple[str, ...]:
        """None."""
        return ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor that the artefact stores, in float32."""
        shapes: dict[str, tuple[int, ...]] = {}
        units = BINS
        for number, next_units in enumerate(self.inspector, start=1):
            shapes[f"inspector_{number}/kernel"] = (units, next_units)
            shapes[f"inspector_{number}/bias"] = (next_units,)
            shapes[f"inspector_{number}_norm/gamma"] = (next_units,)
            shapes[f"inspector_{number}_norm/beta"] = (next_units,)
            units = next_units
        for number, next_units in enumerate(self.master, start=1):
            shapes[f"master_{number}/kernel"] = (units, next_units)
            shapes[f"master_{number}/bias"] = (next_units,)
            units = next_units
        shapes["logit/kernel"] = (units, 1)
        shapes["logit/bias"] = (1,)
        return shapes


def _units(values: object, what: str) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or len(values) > MOST_LAYERS:
        raise ArtefactError(f"{what} is not a list of at most {MOST_LAYERS}")
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_UNITS:
            raise ArtefactError(f"{what} has a layer that is not of 1 to {MOST_UNITS} units")
    return tuple(values)


def _share(value: object, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
        raise ArtefactError(f"{what} is not a number from 0 to below 1")
    return float(value)
