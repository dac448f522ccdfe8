from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.workers.comparing.given import judged, origin
from workers.comparing import pictures
from workers.comparing.comparing import compare
from workers.comparing.comparison import Comparison
from workers.comparing.report import write
from workers.errors import ConfigurationError

EVIL = "http://a.example/|`[x](javascript:1)\n# head\u202e\x1b[2J"


def made() -> Comparison:
    old = [judged(origin(number), 1.0 + number / 10) for number in range(30)]
    new = [
        judged(origin(number), 1.0 + number / 8, subject=EVIL if number == 29 else "http://b.cz/")
        for number in range(30)
    ]
    return compare([old], [new], names=("alerts", "al|erts_`x`"))


def test_a_report_is_whole_and_the_same_again(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, made())

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == [
        *("changes.png", "changes.svg", "comparison.json", "comparison.md"),
        *("labels.png", "labels.svg"),
    ]
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert orjson.loads((tmp_path / "one" / "comparison.json").read_bytes())["both"] == 30


def test_what_others_wrote_is_text_in_it(tmp_path: Path) -> None:
    write(tmp_path, made())

    told = (tmp_path / "comparison.md").read_text()

    assert told.isascii()
    assert "\x1b" not in told
    assert "javascript" not in told.replace("`hxxp://a[.]example/\\|[x](javascript:1)", "")
    assert "# alerts against al|erts\\_\\`x\\`" in told
    (row,) = [line for line in told.splitlines() if "hxxp://a[.]" in line]
    assert row.count("|") - row.count("\\|") == 6


def test_pictures_are_told_to_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"pip install 'fishweir\[train\]'"):
        pictures.refuse_without_pictures()


def test_nothing_in_common_can_be_drawn_too(tmp_path: Path) -> None:
    write(tmp_path, compare([], [], names=("a", "b")))

    assert "No event is on both sides." in (tmp_path / "comparison.md").read_text()
