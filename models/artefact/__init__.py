"""Artefacts: weights as data beside a manifest that says what they are, checked before use.

A folder of three files (others in it are not read):

- ``manifest.json``: detector, version, sizes of the network, featuriser, thresholds, SHA-256 and
  length of the other two, what the weights were trained on and how well they do. Its own SHA-256
  is the artefact's digest, so the digest covers weights, thresholds and featuriser together.
- ``weights.safetensors``: float32 tensors under the names that the network's sizes imply.
- ``golden.json``: texts and the logits that these weights must give for them.

A fourth may stand beside them: ``manifest.sig``, signatures of the manifest
(`models.artefact.signature`), looked at if somebody's are asked for (`Trust`).

Nothing in an artefact is ever run. Sizes are checked against limits, and the files against
lengths and digests, before any tensor is allocated; the golden logits are checked when an engine
is made (`Artefact.engine`).
"""

from __future__ import annotations

from models.artefact.artefact import GOLDEN_TOLERANCE, Artefact
from models.artefact.checks import EngineCheck, verify
from models.artefact.finding import find
from models.artefact.manifest import GOLDEN, MANIFEST, WEIGHTS, Manifest
from models.artefact.reading import load, load_manifest
from models.artefact.signature import SIGNATURE
from models.artefact.trust import ANYONE, Trust
from models.artefact.writing import refuse_to_overwrite, save

__all__ = [
    "ANYONE",
    "GOLDEN",
    "GOLDEN_TOLERANCE",
    "MANIFEST",
    "SIGNATURE",
    "WEIGHTS",
    "Artefact",
    "EngineCheck",
    "Manifest",
    "Trust",
    "find",
    "load",
    "load_manifest",
    "refuse_to_overwrite",
    "save",
    "verify",
]
