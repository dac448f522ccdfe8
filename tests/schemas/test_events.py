from __future__ import annotations

import hashlib

import numpy as np
import orjson

from schemas.causes import Cause, Rejects
from schemas.events import Events
from schemas.telemetry import DECODERS

REJECTS = Rejects(rows=np.array([1]), causes=[Cause.EMPTY], details=["`url` is empty"])


def test_some_of_the_events_are_taken_by_index() -> None:
    values = [b'{"url": "a", "id": 1}', b"", b'{"url": "b", "id": 2, "user": "ann"}']
    events = DECODERS["url"](values)
    taken = events.take(np.array([1]))
    assert (taken.subjects, taken.event_ids, taken.rows.tolist()) == (["b"], [2], [2])
    assert taken.further == [{"user": "ann"}]
    assert taken.rejects is events.rejects
    assert taken.kinds is taken.urls is taken.digests is None


def test_what_is_known_of_paths_and_pages_is_taken_along() -> None:
    paths = DECODERS["path"]([b'{"path": "HKLM"}', b'{"path": "a"}']).take(np.array([1, 0]))
    assert paths.kinds == ["file", "registry"]
    values = [orjson.dumps({"html": "a", "url": "http://a/"}), orjson.dumps({"html": "b"})]
    pages = DECODERS["html"](values).take(np.array([1]))
    assert (pages.subjects, pages.urls) == ([b"b"], [None])
    assert pages.digests == [hashlib.sha256(b"b").hexdigest()]


def test_bare_texts_and_pages_have_nothing_around_them() -> None:
    texts = Events.of_texts(["a", "b"], np.array([0, 2]), REJECTS, kinds=["file", "registry"])
    assert (texts.rows.tolist(), texts.kinds, texts.rejects) == (
        [0, 2],
        ["file", "registry"],
        REJECTS,
    )
    assert [texts.event_ids, texts.observed_at, texts.further] == [[None, None]] * 3
    assert texts.omitted == [(), ()]
    pages = Events.of_pages([b"", b"\xff"], ["http://a/", None])
    assert (pages.rows.tolist(), len(pages.rejects)) == ([0, 1], 0)
    assert pages.urls == ["http://a/", None]
    assert pages.digests == [hashlib.sha256(page).hexdigest() for page in (b"", b"\xff")]
    assert Events.of_pages([b"a"]).urls == [None]
