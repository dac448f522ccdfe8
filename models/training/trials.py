"""What else is trained for a report: baselines, unseen feeds, later rows, other seeds, variants.

Networks of trials may be trained on a stated share of the rows for a stated number of epochs, and
each is compared with one of the same budget.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.detectors import Detector
from models.thresholds import Thresholds
from models.training import trial_rows, work_folder
from models.training.baselines.table import baselines_of
from models.training.candidate import Candidate
from models.training.comparison import Rival, Rows, fit_and_measure, measure_rival
from models.training.data import Labelled
from models.training.fitted import Observer, fitted
from models.training.measuring import choose_on
from models.training.recipe import Recipe
from models.training.report.findings import Findings, LeftOut, Trial
from models.training.settings import TrainingSettings
from models.training.slices import Slice, measure
from models.training.trial_plan import Trials, counted

# A feed with fewer malicious rows than this to measure on says little either way.
FEWEST_ROWS = 50
MOST_FEEDS = 12
AS_IT_IS = "as it is"


Keep = Callable[[Labelled], NDArray[np.bool_]]
"""Which of n rows to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """A network of a trial, and thresholds chosen on the validation rows that it saw."""

    candidate: Candidate
    thresholds: Thresholds

    def figures(self, name: str, rows: Labelled) -> Slice:
        return measure(name, self.candidate.logits(rows.subjects), rows.labels, self.thresholds)


def run_trials(
    trials: Trials,
    found: Findings,
    *,
    detector: Detector,
    settings: TrainingSettings,
    rows: Mapping[str, Labelled],
    data: str,
    work: Path,
    observer: Observer,
) -> Findings:
    """Run them, and enter what they gave.

    Called again with the same work folder, networks that are there are not trained again.

    Args:
        trials: What to try.
        found: What was measured before.
        detector: Of the networks.
        settings: Of the training that they are beside.
        rows: Of each split, as they are labelled: a teacher has seen every feed and every year.
        data: SHA-256 of the file that the rows are from.
        work: Folder of their checkpoints.
        observer: Is told of progress.
    """
    lab = _Lab(trials, detector, settings, rows, data, work, observer)
    budget = (
        f"{trials.budget}, without teachers"
        if settings.teachers or settings.judged
        else trials.budget
    )
    entered: dict[str, object] = {"budget": budget}
    if trials.baselines:
        entered["rivals"] = tuple(lab.rivals())
    beside: _Network | None = None
    if trials.seeds or trials.feeds or trials.variants:
        beside = lab.small(0)
    if trials.seeds and beside:
        entered["seeds"] = tuple(lab.seeds(beside))
    if trials.variants and beside:
        entered["ablations"] = tuple(lab.variants(beside))
    if trials.feeds and beside:
        entered["left_out"] = (*lab.left_out(beside), *lab.unseen_sources(beside))
    if trials.later_than:
        entered["time_split"] = (lab.later(),)
    return replace(found, **entered)  # type: ignore[arg-type]


class _Lab:
    """Trains what trials ask for."""

    def __init__(
        self,
        trials: Trials,
        detector: Detector,
        settings: TrainingSettings,
        rows: Mapping[str, Labelled],
        data: str,
        work: Path,
        observer: Observer,
    ) -> None:
        self._trials = trials
        self._detector = detector
        # What was asked for, in the recipe too, since variants are changes of it.
        # Seeds count from 0, whichever the training took.
        plan = replace(settings.plan, seed=0)
        recipe = replace(settings.recipe, policy=settings.policy, plan=plan)
        self._settings = replace(
            settings,
            recipe=recipe,
            seed=0,
            plan=plan,
            teachers=(),
            judged="",
            distillation=0.0,
            invented=0.0,
        )
        self._rows = rows
        self._measured = trial_rows.measured(rows)
        self._data = data
        self._work = work
        self._observer = observer

    def rivals(self) -> list[Rival]:
        """Baselines and the paper's plain network, on all rows."""
        train, validation = _rows(self._rows["train"]), _rows(self._rows["validation"])
        measured = _rows(self._measured)
        found = []
        for baseline in baselines_of(self._detector.name, self._settings.seed):
            self._observer.stage(f"Baseline: {baseline.name}")
            found.append(fit_and_measure(baseline, train, validation, measured))
        plain = self._settings.recipe.plain
        if plain is not None:
            self._observer.stage("Baseline: the plain network of the paper")
            own = self._settings.recipe
            recipe = replace(own, sizes=plain, trainee=own.plain_trainee or own.trainee)
            candidate = self._fitted("plain", replace(self._settings, recipe=recipe), self._rows)
            found.append(
                measure_rival(
                    f"plain network of the paper ({counted(self._settings.policy.epochs)})",
                    candidate.logits(validation.subjects),
                    candidate.logits(measured.subjects),
                    validation=validation,
                    test=measured,
                )
            )
        return found

    def small(
        self,
        seed: int,
        what: str = "all feeds",
        keep: Keep | None = None,
        recipe: Recipe | None = None,
    ) -> _Network:
        """A network on the budget; neither its training nor its validation sees other rows."""
        self._observer.stage(f"Trial: seed {seed}, {what}")
        rows = self._kept(keep)
        recipe = recipe or self._settings.recipe
        candidate = self._fitted(
            what,
            replace(
                self._settings,
                recipe=recipe,
                seed=seed,
                plan=replace(recipe.plan, seed=seed),
                policy=replace(recipe.policy, epochs=self._trials.epochs),
            ),
            rows,
        )
        chosen = choose_on(rows["validation"], candidate.logits, recipe)
        return _Network(candidate=candidate, thresholds=chosen.thresholds)

    def seeds(self, first: _Network) -> Iterator[Trial]:
        """The same rows under several seeds."""
        for number in range(self._trials.seeds):
            seed = self._settings.seed + number
            network = self.small(seed) if number else first
            name = f"seed {seed}"
            yield Trial(name=name, figures=network.figures(name, self._measured))

    def variants(self, own: _Network) -> Iterator[Trial]:
        """The recipe as it is, then with one thing changed."""
        recipe = self._settings.recipe
        if not recipe.variants:
            return
        yield Trial(name=AS_IT_IS, figures=own.figures(AS_IT_IS, self._measured))
        for name, change in recipe.variants.items():
            network = self.small(self._settings.seed, name, recipe=change(recipe))
            yield Trial(name=name, figures=network.figures(name, self._measured))

    def left_out(self, beside: _Network) -> Iterator[LeftOut]:
        """Each feed with enough rows to measure, judged by a network that never saw it.

        A feed without which there is nothing malicious to learn cannot be left out.
        """
        malicious = self._measured.labels != 0
        feeds = Counter(np.array(self._measured.sources, object)[malicious].tolist())
        for feed, count in feeds.most_common(MOST_FEEDS):
            without = partial(trial_rows.not_of, feed)
            if count < FEWEST_ROWS or not all(
                part.malicious and part.benign for part in self._kept(without).values()
            ):
                continue
            network = self.small(self._settings.seed, f"without {feed or 'the unnamed'}", without)
            measured = self._measured
            rows = measured.take((measured.labels == 0) | ~trial_rows.not_of(feed, measured))
            yield LeftOut(
                feed=feed or "unnamed",
                without=network.figures(feed, rows),
                beside=beside.figures(feed, rows),
            )

    def unseen_sources(self, beside: _Network) -> Iterator[LeftOut]:
        """Whole sources of both labels, judged by a network that saw none of them."""
        sources = trial_rows.some_sources(self._rows)
        without = partial(_others, sources)
        rows = self._measured.take(trial_rows.of(sources, self._measured))
        if not all(
            part.malicious and part.benign for part in (rows, *self._kept(without).values())
        ):
            return
        name = f"{len(sources)} whole sources, of both labels"
        network = self.small(self._settings.seed, f"without {name}", without)
        yield LeftOut(
            feed=name, without=network.figures(name, rows), beside=beside.figures(name, rows)
        )

    def later(self) -> Slice:
        """Malicious rows seen after the last one trained on, against all benign ones."""
        before, since = self._trials.later_than, self._trials.measured_from
        network = self.small(
            self._settings.seed, f"before {before}", lambda rows: trial_rows.before(rows, before)
        )
        rows = self._measured.take(trial_rows.since(self._measured, since))
        return network.figures(f"first seen from {since} on, trained before {before}", rows)

    def _kept(self, keep: Keep | None) -> dict[str, Labelled]:
        """Rows on the budget, of those to keep."""
        train, validation = self._rows["train"], self._rows["validation"]
        train = train.take(trial_rows.drawn(train, self._trials.share))
        return {
            name: part.take(keep(part)) if keep else part
            for name, part in (("train", train), ("validation", validation))
        }

    def _fitted(
        self, what: str, settings: TrainingSettings, rows: Mapping[str, Labelled]
    ) -> Candidate:
        """The network of a trial, from its checkpoints where it was trained before."""
        record = settings.record(self._data)
        told = json.dumps([what, self._trials.share, record], sort_keys=True)
        folder = self._work / hashlib.sha256(told.encode()).hexdigest()[:16]
        work_folder.claim(folder, record)
        candidate, _ = fitted(self._detector, settings, rows, folder, self._observer)
        return candidate


def _others(sources: frozenset[str], rows: Labelled) -> NDArray[np.bool_]:
    return ~trial_rows.of(sources, rows)


def _rows(labelled: Labelled) -> Rows:
    return Rows(subjects=labelled.subjects, labels=labelled.labels, sources=labelled.sources)
