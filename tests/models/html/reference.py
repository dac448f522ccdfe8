"""The featuriser and the network of pages as they are defined, a token and a window at a time."""

from __future__ import annotations

import re
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from models.html.architecture import InspectorSizes

Tensors = dict[str, NDArray[np.float32]]

SMALL = InspectorSizes(inspector=(12, 10), master=(8,))
SIZES = {
    "small": SMALL,
    "one layer, no master": InspectorSizes(inspector=(5,), master=()),
    "three layers and two": InspectorSizes(inspector=(6, 9, 4), master=(7, 5)),
    "one unit each": InspectorSizes(inspector=(1, 1), master=(1,)),
}
PAGES = {
    "empty": b"",
    "no tokens at all": b" <>&\n\x00\x7f" * 40,
    "one token": b"login",
    "fewer tokens than pieces": b"<a href=x>Sign in</a>",
    "a form": b"<form action='/post.php'><input name=user><input name=pass></form>" * 40,
    "upper case": b"<FORM ACTION='/POST.PHP'>" * 30,
    "not UTF-8": b"caf\xe9 \xff\xfe\x80abc\xc0\xaf " * 50,
    "UTF-8": "Учётная запись: ввійти. 登录。".encode() * 60,
    "binary": np.random.default_rng(5).integers(0, 256, 5_000, np.uint8).tobytes(),
    "deeply nested": b"<div>" * 5_000 + b"</div>" * 5_000,
    "one long token": b"A" * 100_000,
    "no end": b"<script>eval(atob('" + b"aGVsbG8gd29ybGQ" * 700,
}

_TOKEN = re.compile(rb"[^\x00-\x7f]+|\w+")


def tokens(page: bytes) -> list[tuple[int, int, bytes]]:
    """First byte, byte after the last, and bytes of every token."""
    return [(found.start(), found.end(), found.group()) for found in _TOKEN.finditer(page)]


def fnv_1a(token: bytes) -> int:
    hashed = 0xCBF29CE484222325
    for byte in token:
        hashed = ((hashed ^ byte) * 0x100000001B3) % 2**64
    return hashed


def bin_of(token: bytes) -> int:
    hashed = fnv_1a(token.lower())
    return ((hashed ^ hashed >> 32) * 0x9E3779B97F4A7C15 % 2**64) >> 54


def featurise(page: bytes) -> tuple[NDArray[np.int64], list[int]]:
    """Counts int64[16, 1024], not yet limited to 65,535, and the 17 bounds."""
    found = tokens(page)
    counts = np.zeros((16, 1024), np.int64)
    bounds = [0]
    for piece in range(16):
        first, last = piece * len(found) // 16, (piece + 1) * len(found) // 16
        for _, _, token in found[first:last]:
            counts[piece, bin_of(token)] += 1
        if piece:
            bounds.append(found[first][0] if found else len(page))
    return counts, [*bounds, len(page)]


def random_tensors(sizes: InspectorSizes, seed: int = 0) -> Tensors:
    """Weights of about the size that keeps activations about 1."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in sizes.shapes().items():
        given = generator.standard_normal(shape)
        if name == "inspector_1/kernel":
            given /= 2  # few of the 1,024 bins have anything in them
        elif name.endswith("kernel"):
            given /= sqrt(shape[0])
        else:
            given = given / 2 + name.endswith("gamma")
        tensors[name] = given.astype(np.float32)
    return tensors


def defined_logit(sizes: InspectorSizes, tensors: Tensors, counts: NDArray[np.integer]) -> float:
    """The network as it is defined, in float64, averaging pieces before the first layer."""
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    scaled = np.log1p(counts.astype(np.float64))
    highest = np.full(sizes.inspector[-1], -np.inf)
    for pieces in (1, 2, 4, 8, 16):
        for first in range(0, 16, pieces):
            hidden = scaled[first : first + pieces].mean(axis=0)
            for number in range(1, len(sizes.inspector) + 1):
                name = f"inspector_{number}"
                hidden = hidden @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
                hidden = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-3)
                hidden = hidden * weights[f"{name}_norm/gamma"] + weights[f"{name}_norm/beta"]
                hidden = np.maximum(hidden, 0)
            highest = np.maximum(highest, hidden)
    hidden = highest
    for number in range(1, len(sizes.master) + 1):
        name = f"master_{number}"
        hidden = np.maximum(hidden @ weights[f"{name}/kernel"] + weights[f"{name}/bias"], 0)
    return float((hidden @ weights["logit/kernel"] + weights["logit/bias"])[0])
