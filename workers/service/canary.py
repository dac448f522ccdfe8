"""A share of keys that a candidate judges in place of the model in service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from schemas.events import Events
from workers.batching import Batch
from workers.judge import Judge

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A candidate and its share.

    A key is drawn by its hash alone, so that it is judged by the same model always, by every
    replica and after every restart. The candidate's digest salts the hash: the next candidate
    draws other keys. A larger share keeps the keys of a smaller one. Kafka's partitioner hashes
    otherwise, so that the share is the same in all partitions.

    A record without a key is drawn by its subject instead (the text, or the page's SHA-256):
    equal subjects get the same model, whatever partition they fall in.

    Attributes:
        judge: The candidate.
        share: Of all keys, 0 to 1.
    """

    judge: Judge
    share: float
    _salt: bytes = field(init=False, repr=False)
    _below: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        salt = bytes.fromhex(self.judge.model.digest)[: blake2b.SALT_SIZE]
        object.__setattr__(self, "_salt", salt)
        object.__setattr__(self, "_below", round(self.share * 256**_HASH_BYTES))

    def draws(self, identities: Iterable[bytes]) -> NDArray[np.bool_]:
        """Which of n identities the candidate judges: bool[n]."""
        salt, below = self._salt, self._below
        return np.array(
            [
                int.from_bytes(blake2b(one, digest_size=_HASH_BYTES, salt=salt).digest()) < below
                for one in identities
            ],
            np.bool_,
        )

    def chosen(self, batch: Batch, events: Events) -> NDArray[np.bool_]:
        """Which of m events of a batch the candidate judges: bool[m]."""
        return self.draws(identities(batch, events))


def identities(batch: Batch, events: Events) -> Iterator[bytes]:
    """What each of m events is drawn by: the record's key, or without one the subject."""
    keys = batch.records.keys
    for number, row in enumerate(events.rows.tolist()):
        if (key := keys[row]) is not None:
            yield key
        elif events.digests is not None:
            yield events.digests[number].encode()
        else:
            subject = events.subjects[number]
            yield (
                subject if isinstance(subject, bytes) else subject.encode("utf-8", "surrogatepass")
            )
