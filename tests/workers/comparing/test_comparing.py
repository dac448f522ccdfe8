"""Comparisons against one made the plain way, with dicts of all verdicts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.label import LABELS
from tests.workers.accounting import NOON
from tests.workers.comparing.given import judged, loaded, origin
from tests.workers.running import INPUT
from workers.comparing.comparing import compare
from workers.comparing.comparison import Comparison
from workers.comparing.wanted import ModelWanted, Wanted, Within
from workers.errors import ConfigurationError
from workers.range_reader import Span

NAMES = ("alerts", "alerts.shadow")
SEVERITIES = {label.value: label.severity for label in LABELS}


def parts(values: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def made(old: Sequence[bytes], new: Sequence[bytes], size: int = 3, **more: Any) -> Comparison:
    return compare(parts(old, size), parts(new, size), names=NAMES, **more)


def first_of_each(values: Sequence[bytes]) -> dict[object, dict[str, Any]]:
    found: dict[object, dict[str, Any]] = {}
    for value in values:
        verdict = loaded(value)
        key = verdict["record_id"] or (verdict["event_id"], verdict["subject"])
        found.setdefault(key, verdict)
    return found


_LOGITS = st.floats(-20, 20, width=32)
_VERDICTS = st.lists(
    st.one_of(
        st.builds(judged, st.builds(origin, st.integers(0, 12), st.integers(0, 1)), _LOGITS),
        st.builds(judged, st.none(), _LOGITS, event_id=st.integers(0, 5)),
    ),
    max_size=30,
)


@given(old=_VERDICTS, new=_VERDICTS, size=st.integers(1, 9), top=st.integers(0, 5))
def test_like_dicts(old: list[bytes], new: list[bytes], size: int, top: int) -> None:
    found = made(old, new, size, top=top)

    before, after = first_of_each(old), first_of_each(new)
    common = [key for key in after if key in before]
    labels = np.zeros((3, 3), np.int64)
    changes: list[float] = []
    newly: list[float] = []
    no_longer: list[float] = []
    for key in common:
        was, is_now = before[key], after[key]
        labels[SEVERITIES[was["label"]], SEVERITIES[is_now["label"]]] += 1
        change = float(np.float32(is_now["logit"]) - np.float32(was["logit"]))
        changes.append(change)
        if (was["label"] == "malicious") != (is_now["label"] == "malicious"):
            (newly if is_now["label"] == "malicious" else no_longer).append(change)
    assert found.labels.tolist() == labels.tolist()
    assert found.both == len(common)
    assert (found.newly_malicious, found.no_longer_malicious) == (len(newly), len(no_longer))
    assert [one.change for one in found.newly] == pytest.approx(sorted(newly, reverse=True)[:top])
    assert [one.change for one in found.no_longer] == pytest.approx(sorted(no_longer)[:top])
    for side, values, own, other in (
        (found.old, old, before, after),
        (found.new, new, after, before),
    ):
        assert side.events == len(own)
        assert side.repeats == len(values) - len(own)
        only = Counter(SEVERITIES[one["label"]] for key, one in own.items() if key not in other)
        assert side.only == (only[0], only[1], only[2])
    assert found.changes.counts.sum() == len(changes)
    if changes:
        assert (found.changes.least, found.changes.most) == (min(changes), max(changes))
        assert dict(found.changes.quantiles)[0.5] == pytest.approx(
            np.quantile(np.array(changes, np.float32), 0.5), abs=1e-6
        )
    assert orjson.loads(orjson.dumps(found.as_json()))["both"] == len(common)


def test_who_moved_is_told() -> None:
    old = [judged(origin(1), 1.0), judged(origin(2, 1), 5.0), judged(origin(3), 5.0)]
    new = [judged(origin(1), 6.5), judged(origin(2, 1), 2.0), judged(origin(3), 5.5)]

    found = made(old, new)

    (newly,) = found.newly
    assert (newly.subject, newly.place) == ("http://1.example/", f"{INPUT}[0] offset 1")
    assert newly.record_id == loaded(old[0])["record_id"]
    assert (newly.old_label, newly.new_label) == ("benign", "malicious")
    assert (newly.old_logit, newly.new_logit, newly.change) == (1.0, 6.5, 5.5)
    (no_longer,) = found.no_longer
    assert (no_longer.place, no_longer.change) == (f"{INPUT}[1] offset 2", -3.0)
    assert found.agreement == 1 / 3


def test_models_are_told_and_chosen() -> None:
    old = [
        judged(origin(1), 1.0),
        judged(origin(1), 5.0, by="2"),
        judged(origin(2), 1.0, by="2"),
    ]
    new = [judged(origin(1), 1.0, by="3"), judged(origin(2), 1.0, by="3")]

    both = made(old, new)
    assert [(one.version, one.verdicts, one.compared) for one in both.old.models] == [
        ("1", 1, True),
        ("2", 2, True),
    ]
    assert both.labels[0, 0] == 2, "of an event that both judged, the first counts"
    assert "alerts holds verdicts of 2 models for url (url@1 1111" in both.notes[0]
    assert "--old-model chooses one" in both.notes[0]

    for chosen in ("url@2", "222222"):
        wanted = Wanted(model=ModelWanted.parse(chosen, "--old-model"))
        second = made(old, new, old_wanted=wanted)
        assert [one.compared for one in second.old.models] == [False, True]
        assert (second.labels[2, 0], second.labels[0, 0]) == (1, 1)
        assert (second.old.left_out, second.notes) == (1, ())

    none = made(old, new, new_wanted=Wanted(model=ModelWanted.parse("url@4", "--new-model")))
    assert "alerts.shadow holds no verdict of model url@4" in none.notes


@pytest.mark.parametrize("text", ["", "url", "url@", "2", "abc12", "ABCDEF", "a@b@c", "url @2"])
def test_what_names_no_model(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--new-model has value"):
        ModelWanted.parse(text, "--new-model")


def test_detectors_that_one_side_alone_has_are_left_aside() -> None:
    old = [judged(origin(1), 1.0), judged(origin(2), 1.0, detector="html")]
    new = [judged(origin(1), 1.0), judged(origin(7), 1.0)]

    found = made(old, new)

    assert (found.old.events, found.old.only, found.old.left_out) == (1, (0, 0, 0), 1)
    assert (found.new.events, found.new.only, found.new.left_out) == (2, (1, 0, 0), 0)


def test_a_range_and_a_run() -> None:
    old = [judged(origin(offset, timestamp=NOON + offset), 1.0) for offset in range(10)]
    new = [
        judged(origin(offset, timestamp=NOON + offset), 1.0, replay={"run": "a"})
        for offset in range(0, 10, 2)
    ]
    new += [judged(origin(3, timestamp=NOON + 3), 9.0, replay={"run": "b"}), judged(None, 1.0)]

    spans = Within(topic=INPUT, spans={0: Span(2, 6), 1: Span(0, 9)})
    found = made(
        old, new, old_wanted=Wanted(within=spans), new_wanted=Wanted(within=spans, run="a")
    )
    assert (found.old.events, found.new.events, found.both) == (4, 2, 2)
    assert (found.old.left_out, found.new.left_out) == (6, 5)

    times = Wanted(within=Within(from_time=NOON + 8, to_time=NOON + 9))
    assert made(old, new, old_wanted=times, new_wanted=times).both == 1
    elsewhere = Wanted(within=Within(topic="another"))
    assert made(old, new, old_wanted=elsewhere, new_wanted=elsewhere).both == 0


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"7",
        b"nonsense",
        b"{}",
        *(
            orjson.dumps(loaded(judged(origin(1), 1.0)) | {name: value})
            for name, value in (
                ("version", 2),
                ("label", "harmless"),
                ("logit", "1"),
                ("logit", True),
                ("record_id", "0123"),
                ("record_id", "x" * 32),
                ("record_id", 7),
                ("subject", None),
                ("event_id", []),
                ("source", {"topic": INPUT}),
                ("source", "here"),
                ("thresholds", None),
                ("model", {"name": "url"}),
                ("detector", None),
            )
        ),
    ],
)
def test_what_is_no_verdict_costs_itself_alone(value: bytes) -> None:
    good = judged(origin(2), 1.0)

    found = made([value, good], [good])

    assert (found.both, found.old.unreadable, found.old.events) == (1, 1, 1)


def test_tombstones_and_errors_of_lines() -> None:
    good = judged(origin(2), 1.0)
    error = b'{"error": {"cause": "not-json", "detail": "...", "line": 2}}'

    found = compare([[None, error, good]], [[good]], names=NAMES)

    assert (found.both, found.old.unreadable, found.old.unjudged) == (1, 1, 1)


def test_what_cannot_be_joined_is_said() -> None:
    from_log, from_file = [judged(origin(1), 1.0)], [judged(None, 1.0)]

    assert "which those of weir score do not have" in made(from_log, from_file).notes[-1]
    assert "on the same records?" in made(from_log, [judged(origin(2), 1.0)]).notes[-1]
    empty = made([], [])
    assert (empty.both, empty.agreement, empty.changes.least, empty.notes) == (0, None, None, ())


def test_a_side_without_benign_verdicts_says_why_that_may_be() -> None:
    old, new = [judged(origin(1), 5.0)], [judged(origin(1), 5.0), judged(origin(2), 1.0)]

    (note,) = made(old, new).notes

    assert note.startswith("alerts holds no benign verdict")


@pytest.mark.parametrize("change", [0.0, 1e-7, 3.0, -3.0])
def test_a_change_that_all_share_has_a_histogram(change: float) -> None:
    old = [judged(origin(offset), 1.0) for offset in range(5)]
    new = [judged(origin(offset), 1.0 + change) for offset in range(5)]

    changes = made(old, new).changes

    assert changes.counts.max() == 5
    at = int(changes.counts.argmax())
    assert changes.edges[at] - 1e-9 <= change <= changes.edges[at + 1] + 1e-6
    assert math.isclose(-changes.edges[0], changes.edges[-1])
