"""What else is trained for a report: baselines, unseen feeds, later rows, other seeds.

Networks of trials may be trained on a stated share of the rows for a stated number of epochs, and
each is compared with one of the same budget.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.detectors import Detector
from models.training.baselines.table import baselines_of
from models.training.candidate import Candidate
from models.training.comparison import Rival, Rows, fit_and_measure, measure_rival
from models.training.data import Labelled
from models.training.fitted import Observer, fitted
from models.training.measuring import choose_on
from models.training.report.findings import Findings, LeftOut, Trial
from models.training.settings import TrainingSettings
from models.training.slices import Slice, measure

# A feed with fewer malicious rows than this to measure on says little either way.
FEWEST_ROWS = 50
MOST_FEEDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What to try.

    Attributes:
        baselines: Whether to fit other methods, on all rows.
        feeds: Whether to leave out each feed in turn.
        seeds: How many seeds to train under; 0 for none.
        later_than: Train on rows first seen before this date (ISO 8601), measure on those from
            ``until`` on; "" for no time split.
        until: See above.
        share: Of the rows of train that networks of trials see.
        epochs: That they are trained for.
    """

    baselines: bool = True
    feeds: bool = True
    seeds: int = 3
    later_than: str = ""
    until: str = ""
    share: float = 0.2
    epochs: int = 2

    @property
    def budget(self) -> str:
        """For the report."""
        return f"{100 * self.share:g} % of the training rows, {self.epochs} epochs"


def run_trials(
    trials: Trials,
    found: Findings,
    *,
    detector: Detector,
    settings: TrainingSettings,
    rows: Mapping[str, Labelled],
    observer: Observer,
) -> Findings:
    """Run them, and enter what they gave."""
    measured = rows["test"] if len(rows["test"]) else rows["validation"]
    lab = _Lab(trials, detector, settings, rows, measured, observer)
    entered: dict[str, object] = {"budget": trials.budget}
    if trials.baselines:
        entered["rivals"] = tuple(lab.rivals())
    beside: Candidate | None = None
    if trials.seeds or trials.feeds:
        beside = lab.small(settings.seed)
    if trials.seeds and beside:
        candidates = [beside, *(lab.small(settings.seed + n) for n in range(1, trials.seeds))]
        entered["seeds"] = tuple(
            Trial(name=f"seed {settings.seed + n}", figures=lab.figures(f"seed {n}", candidate))
            for n, candidate in enumerate(candidates)
        )
    if trials.feeds and beside:
        entered["left_out"] = tuple(lab.left_out(beside))
    if trials.later_than:
        entered["time_split"] = tuple(lab.later())
    return replace(found, **entered)  # type: ignore[arg-type]


class _Lab:
    """Trains what trials ask for."""

    def __init__(
        self,
        trials: Trials,
        detector: Detector,
        settings: TrainingSettings,
        rows: Mapping[str, Labelled],
        measured: Labelled,
        observer: Observer,
    ) -> None:
        self._trials = trials
        self._detector = detector
        self._settings = settings
        self._rows = rows
        self._measured = measured
        self._observer = observer

    def rivals(self) -> list[Rival]:
        """Baselines on all rows, and the paper's plain network on the budget of the trials."""
        train, validation = _rows(self._rows["train"]), _rows(self._rows["validation"])
        measured = _rows(self._measured)
        found = []
        for baseline in baselines_of(self._detector.name, self._settings.seed):
            self._observer.stage(f"Baseline: {baseline.name}")
            found.append(fit_and_measure(baseline, train, validation, measured))
        plain = self._settings.recipe.plain
        if plain is not None:
            self._observer.stage("Baseline: the plain network of the paper")
            settings = replace(
                self._settings, recipe=replace(self._settings.recipe, sizes=plain), teachers=()
            )
            candidate = self._fitted(settings, self._rows["train"])
            found.append(
                measure_rival(
                    f"plain network of the paper ({settings.policy.epochs} epochs)",
                    candidate.logits(validation.subjects),
                    candidate.logits(measured.subjects),
                    validation=validation,
                    test=measured,
                )
            )
        return found

    def small(self, seed: int, kept: NDArray[np.bool_] | None = None) -> Candidate:
        """A network on the budget, of those rows of train that are kept."""
        train = self._rows["train"]
        drawn = np.random.default_rng(0).random(len(train)) < self._trials.share
        self._observer.stage(f"Trial: seed {seed}, {'some' if kept is not None else 'all'} feeds")
        settings = replace(
            self._settings,
            seed=seed,
            plan=replace(self._settings.plan, seed=seed),
            policy=replace(self._settings.policy, epochs=self._trials.epochs),
            teachers=(),
        )
        return self._fitted(settings, train.take(drawn if kept is None else drawn & kept))

    def left_out(self, beside: Candidate) -> list[LeftOut]:
        """Each feed with enough rows to measure, judged by a network that never saw it."""
        feeds = Counter(
            source
            for source, label in zip(
                self._measured.sources, self._measured.labels.tolist(), strict=True
            )
            if label
        )
        found = []
        for feed, count in feeds.most_common(MOST_FEEDS):
            if count < FEWEST_ROWS:
                continue
            sources = np.array(self._rows["train"].sources, object)
            without = self.small(self._settings.seed, sources != feed)
            found.append(
                LeftOut(
                    feed=feed,
                    without=self.figures(feed, without, feed),
                    beside=self.figures(feed, beside, feed),
                )
            )
        return found

    def later(self) -> list[Slice]:
        """Malicious rows seen after the last one trained on, against benign ones of test."""
        train = self._rows["train"]
        dates = np.array(train.dates, object)
        earlier = (train.labels == 0) | ((dates != "") & (dates < self._trials.later_than))
        candidate = self.small(self._settings.seed, earlier)
        seen = np.array(self._measured.dates, object)
        later = (self._measured.labels == 0) | (seen >= self._trials.until)
        name = f"first seen from {self._trials.until} on, trained before {self._trials.later_than}"
        return [self.figures(name, candidate, kept=later)]

    def figures(
        self,
        name: str,
        candidate: Candidate,
        feed: str | None = None,
        kept: NDArray[np.bool_] | None = None,
    ) -> Slice:
        """Figures on the rows measured: all, or those kept, or the benign and one feed's."""
        measured = self._measured
        if feed is not None:
            kept = (measured.labels == 0) | (np.array(measured.sources, object) == feed)
        if kept is not None:
            measured = measured.take(kept)
        chosen = choose_on(self._rows["validation"], candidate.logits, self._settings.recipe)
        logits = candidate.logits(measured.subjects)
        return measure(name, logits, measured.labels, chosen.thresholds)

    def _fitted(self, settings: TrainingSettings, train: Labelled) -> Candidate:
        with tempfile.TemporaryDirectory(prefix="weir-trial-") as folder:
            candidate, _ = fitted(
                self._detector,
                settings,
                {**self._rows, "train": train},
                Path(folder),
                self._observer,
            )
        return candidate


def _rows(labelled: Labelled) -> Rows:
    return Rows(subjects=labelled.subjects, labels=labelled.labels, sources=labelled.sources)
