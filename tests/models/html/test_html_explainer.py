from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evidence import Span
from models.html.architecture import InspectorSizes
from models.html.explainer import EXCERPT, PageExplainer, excerpt
from models.html.featuriser import PageFeaturiser
from models.html.tables import PagesTablesEngine
from models.html.windows import WINDOWS
from tests.models.html.reference import PAGES, SMALL, Tensors, bin_of, random_tensors

MOST = 5
# Enough words, none in the bin of another that matters here, that a page has all its windows.
FILLER = b" ".join(b"<p>plain%d words%d</p>" % (number, number) for number in range(400))


def explained(page: bytes, *, most: int = MOST, seed: int = 0) -> list[Span]:
    explainer = PageExplainer(SMALL, random_tensors(SMALL, seed))
    return explainer.explain(PageFeaturiser()([page]), most)[0]


def looking_for(token: bytes) -> tuple[InspectorSizes, Tensors]:
    """A network whose one unit that counts answers to one bin, and speaks for malicious."""
    sizes = InspectorSizes(inspector=(4,), master=())
    tensors = {name: np.zeros(shape, np.float32) for name, shape in sizes.shapes().items()}
    tensors["inspector_1/kernel"][bin_of(token), 0] = 1
    # Normalisation shows only how units stand to each other.
    tensors["inspector_1/bias"][1] = 0.5
    tensors["inspector_1_norm/gamma"][:] = 1
    tensors["logit/kernel"][0] = 3
    return sizes, tensors


def test_the_window_and_the_token_that_decided_are_found() -> None:
    sizes, tensors = looking_for(b"keylogger")
    hidden = FILLER[: len(FILLER) // 2] + b" <script>KeyLogger()</script> " + FILLER
    features = PageFeaturiser()([hidden])
    ((window, token),) = PageExplainer(sizes, tensors).explain(features, MOST)
    at = hidden.index(b"KeyLogger")
    assert (window.kind, token.kind) == ("window", "token")
    assert (token.start, token.end, token.text) == (at, at + len("KeyLogger"), "KeyLogger")
    piece = int(np.searchsorted(features.bounds[0], at, side="right")) - 1
    assert (window.start, window.end) == tuple(features.bounds[0, piece : piece + 2].tolist())
    assert window.text is not None
    assert "<script>KeyLogger()</script>" in window.text
    assert token.weight > 0
    # One window gives all that is above what the bias gives, and that is zero here.
    assert window.weight == pytest.approx(
        PagesTablesEngine(sizes, tensors).logits(features)[0], rel=1e-5
    )


def test_tokens_of_one_bin_share_its_weight_by_how_often_they_occur() -> None:
    words = (b"w%d" % number for number in range(100_000))
    other = next(word for word in words if bin_of(word) == bin_of(b"keylogger"))
    sizes, tensors = looking_for(b"keylogger")
    page = b"x " * 95 + (b"keylogger KEYLOGGER keylogger " + other + b" ") + b"x " * 105
    spans = PageExplainer(sizes, tensors).explain(PageFeaturiser()([page]), MOST)[0][1:]
    assert [span.text for span in spans] == ["keylogger", other.decode()]
    assert spans[0].weight == pytest.approx(3 * spans[1].weight)
    assert spans[0].start == page.index(b"keylogger")


@pytest.mark.parametrize("page", [page for page in PAGES.values() if page])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_spans_are_of_the_page_and_in_order(page: bytes, seed: int) -> None:
    window, *tokens = explained(page, seed=seed)
    assert window.kind == "window"
    assert 0 <= window.start < window.end <= len(page)
    assert len(tokens) <= MOST - 1
    assert [token.weight for token in tokens] == sorted(
        (token.weight for token in tokens), reverse=True
    )
    for token in tokens:
        assert token.kind == "token"
        assert window.start <= token.start < token.end <= window.end
        assert token.text == excerpt(page, token.start, token.end)
        assert token.weight > 0
    assert len({page[token.start : token.end].lower() for token in tokens}) == len(tokens)


@given(st.binary(max_size=600), st.integers(0, 4))
@settings(deadline=None)
def test_any_page_can_be_explained(page: bytes, most: int) -> None:
    spans = explained(page, most=most)
    assert len(spans) <= most
    assert all(span.text and len(span.text) <= EXCERPT for span in spans)
    assert all(0 <= span.start < span.end <= len(page) for span in spans)
    assert bool(spans) == bool(page and most)


def test_an_empty_page_has_nothing_to_show() -> None:
    assert explained(b"") == []


def test_the_parts_of_all_windows_and_the_biases_are_the_logit() -> None:
    # With the master's biases at zero the parts of the windows are all there is.
    tensors = random_tensors(SMALL)
    tensors["master_1/bias"][:] = 0
    tensors["logit/bias"][:] = 0
    features = PageFeaturiser()([page for page in PAGES.values() if page])
    parts = PageExplainer(SMALL, tensors).window_parts(features)
    logits = PagesTablesEngine(SMALL, tensors).logits(features)
    assert np.allclose(parts.sum(axis=1), logits, rtol=0, atol=1e-5)
    spans = PageExplainer(SMALL, tensors).explain(features, 1)
    first, last = np.array(WINDOWS).T
    shown = np.where(features.bounds[:, first] < features.bounds[:, last], parts, -np.inf)
    assert [of_page[0].weight for of_page in spans] == pytest.approx(shown.max(axis=1).tolist())


def test_a_token_s_weight_is_what_the_logit_rises_by_to_first_order() -> None:
    tensors = random_tensors(SMALL, 4)
    features = PageFeaturiser()([PAGES["a form"]])
    spans = PageExplainer(SMALL, tensors).explain(features, MOST)[0]
    assert not PageExplainer.exact
    token = next(span for span in spans if span.kind == "token")
    assert token.text is not None
    engine = PagesTablesEngine(SMALL, tensors)
    before = engine.logits(features)[0]
    without = features.rows(slice(None))
    without.counts[:, :, bin_of(token.text.encode())] = 0
    assert engine.logits(without)[0] < before


EXCERPTS = {
    "plain": (b"abcdef", 1, 4, "bcd"),
    "cut at its end": (b"x" * 1_000, 0, 1_000, "x" * EXCERPT),
    "begins within a character": ("éa".encode(), 1, 3, "a"),
    "ends within a character": ("aé".encode(), 0, 2, "a\ufffd"),
    "not UTF-8": (b"a\xffb", 0, 3, "a\ufffdb"),
    "nothing but rest": (b"\x80" * 5, 0, 5, "\ufffd" * 5),
    "long characters": ("\U0001f600".encode() * 200, 0, 800, "\U0001f600" * EXCERPT),
}


@pytest.mark.parametrize(("page", "start", "end", "shown"), EXCERPTS.values(), ids=EXCERPTS)
def test_excerpts(page: bytes, start: int, end: int, shown: str) -> None:
    assert excerpt(page, start, end) == shown


def test_a_large_page_is_explained() -> None:
    spans = explained(b"<div class=a>" * 1_500_000 + b"\xff" * 500_000)
    assert spans[0].kind == "window"
