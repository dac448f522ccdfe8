"""Compares two sets of verdicts: the old side is held, the new one passes by.

Of an event that a side has several verdicts on, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.label import LABELS
from workers.comparing.columns import NOWHERE, Collected, Columns
from workers.comparing.comparison import Changes, Comparison, Judged, Side
from workers.comparing.ranking import Ranking
from workers.comparing.rows import RowReader, Rows
from workers.comparing.wanted import Wanted

Values = Iterable[Sequence[bytes | None]]
"""Verdicts as they were published, some at a time."""

_MALICIOUS = LABELS[-1].severity


def compare(
    old: Values,
    new: Values,
    *,
    names: tuple[str, str],
    old_wanted: Wanted | None = None,
    new_wanted: Wanted | None = None,
    top: int = 20,
) -> Comparison:
    """Compare two sets of verdicts, joined by ``record_id``.

    Verdicts on events of no log, as `weir score` gives them, have none: what is known of the event
    (its own id, what was judged) stands for it.

    Args:
        old: The earlier verdicts; read first, to their end.
        new: The later verdicts.
        names: What old and new are called.
        old_wanted: Which of the old ones take part; by default all.
        new_wanted: Which of the new ones take part; by default all.
        top: How many are kept of the events that became malicious, and of those no longer so.
    """
    before = RowReader(old_wanted or Wanted())
    collected = Collected()
    for rows in _rows(before, old):
        collected.take(rows)
    columns = collected.columns()
    after = RowReader(new_wanted or Wanted())
    met = _Meeting(columns, top)
    for rows in _rows(after, new):
        met.take(rows)
    return met.comparison(names, before, after)


def _rows(reader: RowReader, values: Values) -> Iterator[Rows]:
    for some in values:
        yield reader.read(some)


class _Meeting:
    """The old side, and what the new one has shown so far."""

    def __init__(self, old: Columns, top: int) -> None:
        self._old = old
        self._seen = np.zeros(len(old), np.bool_)
        self._others = Collected()
        self._repeats = 0
        self._labels = np.zeros((len(LABELS), len(LABELS)), np.int64)
        self._changes: list[NDArray[np.float32]] = []
        self._newly = Ranking(top, 1)
        self._no_longer = Ranking(top, -1)

    def take(self, rows: Rows) -> None:
        """Enter verdicts of the new side."""
        at = self._old.places(rows.ids)
        found = at != NOWHERE
        self._others.take(rows, ~found)
        # Of several verdicts on an event within these rows, too, the first one counts.
        _, first = np.unique(rows.ids, return_index=True)
        fresh = np.zeros(len(rows), np.bool_)
        fresh[first] = True
        fresh &= found
        fresh[fresh] = ~self._seen[at[fresh]]
        self._repeats += int(np.count_nonzero(found & ~fresh))
        self._seen[at[fresh]] = True
        self._join(rows, np.flatnonzero(fresh), at[fresh])

    def _join(self, rows: Rows, chosen: NDArray[np.int64], at: NDArray[np.int64]) -> None:
        old_labels, new_labels = self._old.labels[at], rows.labels[chosen]
        old_logits = self._old.logits[at]
        np.add.at(self._labels, (old_labels, new_labels), 1)
        self._changes.append(rows.logits[chosen] - old_logits)
        was, is_now = old_labels == _MALICIOUS, new_labels == _MALICIOUS
        for index in np.flatnonzero(was != is_now).tolist():
            ranking = self._newly if is_now[index] else self._no_longer
            ranking.take(
                rows.verdicts[chosen[index]],
                int(old_labels[index]),
                float(old_logits[index]),
                int(new_labels[index]),
            )

    def comparison(self, names: tuple[str, str], before: RowReader, after: RowReader) -> Comparison:
        others = self._others.columns()
        changes = np.concatenate([np.empty(0, np.float32), *self._changes])
        self._changes.clear()
        # A topic of alerts holds those of every detector; only common ones can be compared.
        detectors = [{model.detector for model in side.models} for side in (before, after)]
        common = detectors[0] & detectors[1] or detectors[0] | detectors[1]
        only_old = ~self._seen & _of(before, common, self._old.models)
        only_new = _of(after, common, others.models)
        aside = (
            int(np.count_nonzero(~self._seen & ~only_old)),
            int(np.count_nonzero(~only_new)),
        )
        both = int(self._labels.sum())
        sides = (
            _side(names[0], before, self._old.labels[only_old], both, self._old.repeats, aside[0]),
            _side(
                names[1],
                after,
                others.labels[only_new],
                both,
                self._repeats + others.repeats,
                aside[1],
            ),
        )
        benign = (
            int(self._labels[0].sum()) + sides[0].only[0],
            int(self._labels[:, 0].sum()) + sides[1].only[0],
        )
        readers = (before, after)
        return Comparison(
            old=sides[0],
            new=sides[1],
            labels=self._labels,
            changes=Changes.of(changes),
            newly=self._newly.first(),
            no_longer=self._no_longer.first(),
            notes=(
                *_notes_on_side(sides[0], before, "--old-model", benign[0]),
                *_notes_on_side(sides[1], after, "--new-model", benign[1]),
                *_notes_on_both(sides, readers, both),
            ),
        )


def _of(reader: RowReader, detectors: set[str], models: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which of these are of models of these detectors."""
    wanted = np.array([model.detector in detectors for model in reader.models], np.bool_)
    return wanted[models] if len(wanted) else np.zeros(len(models), np.bool_)


def _side(
    name: str, reader: RowReader, only: NDArray[np.int8], both: int, repeats: int, aside: int
) -> Side:
    benign, suspicious, malicious = np.bincount(only, minlength=len(LABELS)).tolist()
    wanted = reader.wanted
    return Side(
        name=name,
        models=tuple(
            Judged(
                **model._asdict(),
                verdicts=reader.counts[number],
                compared=(wanted.detector in {None, model.detector})
                and (wanted.model is None or wanted.model.fits(model._asdict())),
            )
            for number, model in enumerate(reader.models)
        ),
        events=both + len(only),
        repeats=repeats,
        only=(benign, suspicious, malicious),
        left_out=reader.unwanted + aside,
        unjudged=reader.unjudged,
        unreadable=reader.unreadable,
    )


def _notes_on_side(side: Side, reader: RowReader, option: str, benign: int) -> Iterator[str]:
    compared = [model for model in side.models if model.compared]
    for detector in sorted({model.detector for model in compared}):
        several = [model for model in compared if model.detector == detector]
        if len(several) > 1:
            told = ", ".join(f"{one.name}@{one.version} {one.digest[:12]}" for one in several)
            yield (
                f"{side.name} holds verdicts of {len(several)} models for {detector} ({told}): of "
                f"an event that several judged, the first verdict counts; {option} chooses one"
            )
    if reader.nameless:
        yield (
            f"{side.name}: {reader.nameless:,} verdicts are on events of no log; their own ids and "
            "what was judged stand for a record_id"
        )
    if reader.wanted.model is not None and not any(model.compared for model in side.models):
        yield f"{side.name} holds no verdict of model {reader.wanted.model}"
    if side.events and not benign:
        yield (
            f"{side.name} holds no benign verdict: if only graver ones are published "
            "(--publish-from), events without a verdict were benign"
        )


def _notes_on_both(
    sides: tuple[Side, Side], readers: tuple[RowReader, RowReader], both: int
) -> Iterator[str]:
    if both or not (sides[0].events and sides[1].events):
        return
    if bool(readers[0].nameless) != bool(readers[1].nameless):
        yield (
            "no event is on both sides: verdicts from a log are joined by record_id, which those "
            "of weir score do not have"
        )
    else:
        yield "no event is on both sides: are these verdicts on the same records?"
