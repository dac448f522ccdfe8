"""Files of pages: found, read as far as they go, and made into events that decode to them."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.telemetry import DECODERS
from workers.cli.pages import Page, PageError, page_event, page_files, read_page
from workers.errors import ConfigurationError

ANY_PAGE = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet='\x00\x1f\n\r\t"\\<é', max_size=200).map(str.encode),
)


@given(ANY_PAGE, st.binary(min_size=1, max_size=20).map(os.fsdecode))
def test_an_event_decodes_to_the_page_byte_for_byte(content: bytes, name: str) -> None:
    value = orjson.dumps(page_event(Page(name, content)))

    events = DECODERS["html"]([value])

    assert events.subjects == [content]


@given(ANY_PAGE)
def test_the_shorter_way_is_taken(content: bytes) -> None:
    event = page_event(Page("p", content))

    length = len(orjson.dumps(event["html"] if "html" in event else event["html_base64"]))
    assert length <= len(base64.b64encode(content)) + 2
    if "html_base64" in event:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return
        assert length <= len(orjson.dumps(text))


def test_folders_are_searched_and_files_taken_as_named(tmp_path: Path) -> None:
    for name in ("b/z.html", "b/a.HTM", "b/deep/er/x.xhtml", "b/style.css", "odd.name"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"<p>")
    (tmp_path / "b" / "up").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "folder.html").mkdir()

    found = list(page_files([str(tmp_path / "odd.name"), str(tmp_path / "b"), "-"]))

    assert found == [
        str(tmp_path / "odd.name"),
        *(str(tmp_path / "b" / name) for name in ("a.HTM", "z.html", "deep/er/x.xhtml")),
        "-",
    ]


def test_a_folder_without_pages_and_a_file_that_is_missing_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no pages"):
        list(page_files([str(tmp_path)]))
    with pytest.raises(ConfigurationError, match="no such file"):
        list(page_files([str(tmp_path / "missing.html")]))


def test_a_large_file_is_read_one_byte_further_than_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_bytes(b"x" * 1000)

    assert len(read_page(str(path), 1000).content) == 1000
    assert len(read_page(str(path), 999).content) == 1000
    assert len(read_page(str(path), 10).content) == 11


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="Is a directory"):
        read_page(str(tmp_path), 10)


def test_standard_input_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"<p>\xff\r\n")))

    assert read_page("-", 100) == Page("standard input", b"<p>\xff\r\n")
