"""Sizes of the character network, as data: what the manifest records and every engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import prod
from reprlib import repr as shown

from models.errors import ArtefactError

KIND = "character-convolutions"
# An artefact may not ask for more than this; the talk's network has 2.2 million.
MOST_PARAMETERS = 50_000_000
# Wider filters and deeper networks than anyone wants; they bound what engines lay out in memory.
WIDEST_FILTER = 64
MOST_LAYERS = 16
MOST_UNITS = 4096
# Codes are uint8.
MOST_CODES = 256
LARGEST_SCALE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterConvolutions:
    """The sizes; the defaults are the talk's (eXpose, arXiv 1702.08568).

    Attributes:
        alphabet: Codes, padding among them.
        embedding: Numbers a character is embedded in.
        filter_widths: Characters that one filter of each convolution sees.
        filters: Filters of each convolution.
        gram_orders: Characters of the n-grams of the wide part (`models.characters.grams`), 2 or
            more.
        gram_buckets: Vectors of its table, a power of two; 0 for no wide part.
        gram_units: Numbers of each vector.
        dense: Units of each dense layer.
        pooling_scale: What the sums are multiplied by. A sum over some 50 positions is that much
            larger than one activation; 1/16 brings it to the size that the dense layers'
            initialisation expects.
        dropout: Share of pooled and dense units left out in training.
    """

    alphabet: int = 128
    embedding: int = 32
    filter_widths: tuple[int, ...] = (2, 3, 4, 5)
    filters: int = 256
    gram_orders: tuple[int, ...] = ()
    gram_buckets: int = 0
    gram_units: int = 0
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
            ArtefactError: unknown kind, sizes of the wrong type or range, or more than
                ``MOST_PARAMETERS`` weights.
        """
        given = dict(parameters)
        kind = given.pop("kind", None)
        if kind != KIND:
            raise ArtefactError(f"network kind {shown(kind)} is unknown here; expected '{KIND}'")
        names = {field.name for field in fields(cls)}
        if set(given) != names:
            raise ArtefactError(
                f"network parameters {shown(sorted(set(given) ^ names))} are unknown or missing; "
                f"expected {sorted(names)}"
            )
        filter_widths = _sizes(given["filter_widths"], "filter_widths", WIDEST_FILTER)
        if not filter_widths or len(set(filter_widths)) < len(filter_widths):
            raise ArtefactError(f"filter_widths {filter_widths} are none, or not each another")
        buckets = _whole(given["gram_buckets"], "gram_buckets", MOST_PARAMETERS)
        orders = _sizes(given["gram_orders"], "gram_orders", WIDEST_FILTER)
        units = _whole(given["gram_units"], "gram_units", MOST_UNITS)
        if buckets & (buckets - 1) or not (buckets > 0) == bool(orders) == (units > 0):
            raise ArtefactError(
                f"gram_buckets {buckets} with gram_orders {orders} and gram_units {units}: "
                "expected a power of two with orders and units, or 0 with none"
            )
        if 1 in orders:
            # It would be a marker alone, for which no character of the text accounts.
            raise ArtefactError(f"gram_orders {orders} hold an order below 2")
        architecture = cls(
            alphabet=_size(given["alphabet"], "alphabet", MOST_CODES),
            embedding=_size(given["embedding"], "embedding"),
            filter_widths=filter_widths,
            filters=_size(given["filters"], "filters"),
            gram_orders=orders,
            gram_buckets=buckets,
            gram_units=units,
            dense=_sizes(given["dense"], "dense"),
            pooling_scale=_number(given["pooling_scale"], "pooling_scale", LARGEST_SCALE),
            dropout=_number(given["dropout"], "dropout", 1.0),
        )
        if architecture.weights > MOST_PARAMETERS:
            raise ArtefactError(
                f"network parameters {shown(dict(parameters))} ask for {architecture.weights} "
                f"weights; at most {MOST_PARAMETERS} are taken"
            )
        return architecture

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
        """The vectors of n-grams: hundreds are added up, so that roundings even out."""
        return ("grams/vectors",) if self.gram_buckets else ()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor that the artefact stores, in float32."""
        shapes: dict[str, tuple[int, ...]] = {
            "embedding/embeddings": (self.alphabet, self.embedding),
        }
        for width in self.filter_widths:
            shapes[f"convolution_{width}/kernel"] = (width, self.embedding, self.filters)
            shapes[f"convolution_{width}/bias"] = (self.filters,)
        if self.gram_buckets:
            shapes["grams/vectors"] = (self.gram_buckets, self.gram_units)
        units = self.filters * len(self.filter_widths) + self.gram_units
        for number, next_units in enumerate(self.dense, start=1):
            shapes[f"dense_{number}/kernel"] = (units, next_units)
            shapes[f"dense_{number}/bias"] = (next_units,)
            units = next_units
        shapes["logit/kernel"] = (units, 1)
        shapes["logit/bias"] = (1,)
        return shapes


def without_grams(sizes: CharacterConvolutions) -> CharacterConvolutions:
    """The same network without its wide part."""
    return replace(sizes, gram_orders=(), gram_buckets=0, gram_units=0)


def _size(value: object, what: str, most: int = MOST_PARAMETERS) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ArtefactError(f"{what} is not a whole number of 1 to {most}")
    return value


def _whole(value: object, what: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ArtefactError(f"{what} is not a whole number of 0 to {most}")
    return value


def _sizes(values: object, what: str, most: int = MOST_PARAMETERS) -> tuple[int, ...]:
    if not isinstance(values, list | tuple) or len(values) > MOST_LAYERS:
        raise ArtefactError(f"{what} is not a list of at most {MOST_LAYERS}")
    return tuple(_size(value, what, most) for value in values)


def _number(value: object, what: str, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise ArtefactError(f"{what} is not a number of 0 to {most}")
    return float(value)
