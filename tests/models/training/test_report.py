from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration import Calibration
from models.thresholds import Threshold, Thresholds
from models.training.calibration import fit_calibration, reliability
from models.training.card import CARD, write_card
from models.training.card_texts import card_texts
from models.training.comparison import Rival
from models.training.evaluation import Evaluation, evaluate, kinds
from models.training.licences import EXCLUDED_SOURCES, origins
from models.training.pictures import boundary, roc
from models.training.report import (
    JSON,
    MARKDOWN,
    NOT_RUN,
    Findings,
    LeftOut,
    Trial,
    percent,
    table,
    write,
)
from models.training.report.expectation import expectation
from models.training.report.trials import code
from models.training.robustness import Fall, Shift
from models.training.slices import Outcome, Share
from models.training.thresholds import benign_kinds, choose

HISTORY: Mapping[str, Any] = {
    "created_at": "2026-01-02T03:04:05+00:00",
    "parameters": 1234567,
    "data": {
        "sha256": "ab" * 32,
        "rows": {
            "train": {"benign": 9, "malicious": 8},
            "validation": {"benign": 7, "malicious": 6},
        },
    },
    "training": {
        "seed": 3,
        "policy": {"epochs": 8},
        "epochs": [
            {
                "epoch": 1,
                "loss": 0.5,
                "area": 0.9,
                "detection": {"0.01": 0.5, "0.001": 0.4, "0.0001": 0.1},
            }
        ],
        "chosen_epoch": 1,
    },
    "libraries": {"python": "3.12.1"},
}
SOURCES = ["links:adbar/trafilatura", "telemetry:a", "synthetic:ip", "feed|x", "feed:y"]


def rows(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int8], list[str]]:
    random = np.random.default_rng(seed)
    labels = np.tile(np.array([0, 0, 0, 1, 1], np.int8), 2000)
    logits = random.normal(4.0 * labels - 2).astype(np.float32)
    return logits, labels, SOURCES * 2000


def everything() -> tuple[Evaluation, Findings, Thresholds, Calibration]:
    logits, labels, sources = rows(0)
    choice = choose(benign_kinds(logits, labels, kinds(sources), lower_cased=logits))
    thresholds = choice.thresholds
    calibration = fit_calibration(logits, labels)
    test, test_labels, _ = rows(1)
    dates = ["2025-06-01", "2026-02-03"] * 5000
    figures = evaluate(
        test,
        test_labels,
        sources,
        thresholds,
        columns={"kind": ["file", "registry"] * 5000},
        lower_cased=test,
        dates=dates,
    )
    part = figures.everything
    share = Share(count=3, of=10)
    findings = Findings(
        choice=choice,
        scores=reliability(test, test_labels, calibration),
        rivals=(Rival(name="plain", seconds=1234.5, logits=test, evaluation=figures),),
        additions=(Fall(addition="`?x`", median=0.5, high=1.5, before=share, after=share),),
        changes=(
            Shift(
                change="port",
                texts=10,
                largest=0.25,
                mean=0.125,
                flipped=share,
                example=("http://a.example/`|`\n", "b"),
                logits=(1.0, 1.25),
            ),
        ),
        time_split=(part,),
        left_out=(LeftOut(feed="feed:y", without=part, beside=part),),
        seeds=(Trial(name="seed 1", figures=part),),
        ablations=(Trial(name="narrower", figures=part),),
        budget="a fifth of the rows, two epochs",
        origins=origins(sources, labels),
        excluded=EXCLUDED_SOURCES,
        pictures=(roc.PICTURE, boundary.PICTURE),
    )
    return figures, findings, thresholds, calibration


def written(folder: Path, findings: Findings | None, *, test: bool = True) -> str:
    figures, _, thresholds, _ = everything()
    write(
        folder,
        title="url 7",
        history=HISTORY,
        thresholds=thresholds,
        validation=figures,
        test=figures if test else None,
        findings=findings,
    )
    return (folder / MARKDOWN).read_text()


def card(
    folder: Path,
    findings: Findings | None,
    detector: str = "url",
    history: Mapping[str, Any] | None = None,
) -> str:
    figures, _, thresholds, calibration = everything()
    write_card(
        folder,
        title=f"{detector} 7",
        detector=detector,
        history=history or HISTORY,
        thresholds=thresholds,
        calibration=calibration if findings else None,
        validation=figures,
        test=figures,
        findings=findings,
        command="weir train url urls.parquet --output folder",
    )
    return (folder / CARD).read_text()


HEADINGS = (
    "Beside other methods",
    "How the thresholds were chosen",
    "What to expect",
    "Scores",
    "Harmless-looking additions",
    "Changes without meaning",
    "Time split",
    "Leave one feed out",
    "Seeds",
    "What each part is worth",
)


def section(report: str, heading: str) -> str:
    return report.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_a_report_has_a_section_for_all_that_was_measured(tmp_path: Path) -> None:
    report = written(tmp_path, everything()[1])
    assert report.startswith("# url 7\n")
    for heading in HEADINGS:
        assert "|" in section(report, heading), heading
        assert NOT_RUN not in section(report, heading), heading
    assert "a fifth of the rows" in section(report, "Seeds")
    for part in ("telemetry", "all, lower-cased", "kind: registry", "feed:y", "2026"):
        assert f"| {part} |" in section(report, "Test"), part
    assert NOT_RUN not in report


def test_what_was_not_run_is_said_to_be_not_run(tmp_path: Path) -> None:
    report = written(tmp_path, None, test=False)
    for heading in HEADINGS:
        assert NOT_RUN in section(report, heading), heading
    assert "## Test" not in report
    told = json.loads((tmp_path / JSON).read_text())
    assert told["findings"]["time_split"] is None


def test_what_does_not_apply_is_left_out(tmp_path: Path) -> None:
    findings = replace(everything()[1], additions=(), changes=(), time_split=())
    report = written(tmp_path, findings)
    for heading in ("Harmless-looking additions", "Changes without meaning", "Time split"):
        assert heading not in report


def test_pictures_are_shown_by_relative_path_where_there_are_any(tmp_path: Path) -> None:
    report = written(tmp_path, everything()[1])
    assert f"![{roc.PICTURE.title}](roc.png)" in section(report, "Beside other methods")
    assert "(boundary.svg)" in section(report, "What it learned")
    assert "calibration.png" not in report
    assert ".png" not in written(tmp_path, Findings())


def test_report_and_json_tell_the_same(tmp_path: Path) -> None:
    figures, findings, _, _ = everything()
    report = written(tmp_path, findings)
    told = json.loads((tmp_path / JSON).read_text())
    assert told["metrics"]["test"] == json.loads(json.dumps(figures.as_json()))
    assert told["findings"]["scores"]["bins"]
    assert f"| {percent(figures.everything.at_malicious.detected)} |" in report


def test_tables_have_as_many_cells_in_every_line(tmp_path: Path) -> None:
    findings = everything()[1]
    for text in (written(tmp_path, findings), card(tmp_path, findings)):
        widths: list[int] = []
        for line in text.splitlines():
            if line.startswith("|"):
                widths.append(line.replace("\\|", "").count("|"))
                assert widths[-1] == widths[0], line
            else:
                widths.clear()


def test_a_card_says_what_people_have_to_know(tmp_path: Path) -> None:
    text = card(tmp_path, everything()[1])
    for heading in (
        "Intended use",
        "Figures",
        "What labels and scores mean",
        "What to expect",
        "Known weaknesses",
        "Data",
        "How to retrain",
    ):
        assert section(text, heading), heading
    assert "| adbar/trafilatura | Apache-2.0 | 2026-08-21 |" in section(text, "Data")
    assert all(f"`{part}`" in section(text, "Data") for part in EXCLUDED_SOURCES)
    assert "weir train url urls.parquet" in section(text, "How to retrain")
    assert "top sites of 19 countries" in text
    assert NOT_RUN not in text


def test_a_card_names_teachers_and_how_they_were_made(tmp_path: Path) -> None:
    told = {"teachers": ["a" * 64, "b" * 64], "distillation": 0.7, "invented": 0.3}
    taught = {**HISTORY, "training": {**HISTORY["training"], **told}}
    retrain = section(card(tmp_path, everything()[1], history=taught), "How to retrain")
    assert "70 % what 2 teachers make" in retrain
    assert f"`{'a' * 12}`, `{'b' * 12}`" in retrain
    assert "of 0.3 invented texts a row" in retrain
    assert "teachers" not in section(card(tmp_path, everything()[1]), "How to retrain")


def test_a_card_of_other_data_does_not_tell_of_ours(tmp_path: Path) -> None:
    labels = np.zeros(3, np.int8)
    text = card(tmp_path, replace(everything()[1], origins=origins(["mine"] * 3, labels)))
    assert "top sites of 19 countries" not in text
    assert "| mine | not recorded |" in text


def test_a_card_without_findings_says_so(tmp_path: Path) -> None:
    text = card(tmp_path, None)
    assert text.count(NOT_RUN) == 5


@pytest.mark.parametrize("detector", [*card_texts(), "mail"])
def test_every_detector_has_a_card(detector: str, tmp_path: Path) -> None:
    assert card(tmp_path, everything()[1], detector).startswith(f"# Model card: {detector} 7\n")


def test_alerts_are_expected_by_bayes() -> None:
    outcome = Outcome(
        threshold=Threshold(logit=0, false_positive_rate=1e-3),
        false_positives=Share(count=100, of=100_000),
        detected=Share(count=600, of=1000),
    )
    found = expectation(outcome, 1e-3)
    assert found is not None
    assert found.alerts == pytest.approx(600 + 999)
    assert found.right == pytest.approx(600 / 1599)
    low, high = found.interval
    assert low < found.right < high
    assert expectation(replace(outcome, detected=Share(count=0, of=0)), 1e-3) is None
    nothing = replace(outcome, detected=Share(count=0, of=9), false_positives=Share(count=0, of=9))
    assert expectation(nothing, 1e-3) is not None


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [
        (0, 0, ""),
        (0, 100, "0.00 % (0.00 to 3.70)"),
        (50, 100, "50.00 % (40.38 to 59.62)"),
        (100, 100, "100.00 % (96.30 to 100.00)"),
    ],
    ids=["of nothing", "none", "half", "all"],
)
def test_a_share_is_said_with_its_interval(count: int, of: int, expected: str) -> None:
    assert percent(Share(count=count, of=of)) == expected


def test_a_cell_cannot_break_the_table() -> None:
    assert table(("a", "b"), [("x|y", "z\n# heading")]) == [
        "| a | b |",
        "| --- | --- |",
        "| x\\|y | z\\n# heading |",
        "",
    ]


def test_text_of_the_data_cannot_leave_its_code() -> None:
    told = code("http://a.example/``<b>\n# x")
    assert told == "`` hxxp://a[.]example/''<b>\\n# x ``"
