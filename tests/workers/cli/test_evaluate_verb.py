"""`weir evaluate`, as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import models.url.recipe
from models.artefact import load
from tests.models.networks import save_artefact
from tests.models.training.trainings import data_for, recipe, trained
from tests.workers.cli.labelled import NAMED, write_urls
from workers.cli.main import run

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FIGURES = ("all", "AUC", "detected at 0.001", "false positives, malicious")
Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "url"
    save_artefact(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_urls(tmp_path_factory.mktemp("data") / "own.csv")


@pytest.fixture
def command(artefact: Path, data: Path) -> list[str]:
    return ["evaluate", "url", "--data", str(data), *NAMED, "--model", str(artefact)]


def test_figures_and_the_worst_mistakes_are_shown_defanged(
    command: list[str], capsys: Said
) -> None:
    assert run([*command, "--split", "all", "--worst", "2", "--engine", "tables"]) == 0
    said = capsys.readouterr().out
    assert all(figure in said for figure in FIGURES)
    assert said.count("hxxp://good") == 2
    assert said.count("hxxp://evil") == 2
    assert "\x1b" not in said


@pytest.mark.parametrize("engine", ["tables", "keras"])
def test_json_is_exact(command: list[str], artefact: Path, capsys: Said, engine: str) -> None:
    options = ["--split", "all", "--worst", "1", "--engine", engine, "--json"]
    assert run([*command, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["digest"] == load(artefact).digest
    assert told["engine"] == engine
    assert told["figures"]["all"]["benign"] + told["figures"]["all"]["malicious"] == 300
    assert told["rivals"] == []
    assert told["worst"]["benign"][0]["text"].startswith("http://good")
    assert "\x1b[31m" in told["worst"]["benign"][0]["text"]


def test_baselines_stand_beside_the_network(command: list[str], capsys: Said) -> None:
    assert run([*command, "--baselines", "--json"]) == 0
    rivals = json.loads(capsys.readouterr().out)["rivals"]
    assert [rival["all"]["area"] > 0.9 for rival in rivals] == [True, True]
    assert "logistic regression" in rivals[0]["name"]
    assert run([*command, "--baselines"]) == 0
    assert "logistic" in capsys.readouterr().out


def test_a_report_is_written_with_its_baselines_and_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setattr(models.url.recipe, "RECIPE", recipe("url"))
    data = data_for("url", tmp_path)
    done = trained(data, tmp_path)
    command = ["evaluate", "url", "--data", str(data), "--model", str(done.folder)]
    report = tmp_path / "report"
    assert run([*command, "--report", str(report), "--baselines"]) == 0
    assert f"Report: {report}/report.md" in capsys.readouterr().out
    told = (report / "report.md").read_text()
    assert told.startswith("# small 4\n")
    assert "gradient boosting |" in told
    assert "## Seeds\n\nnot run." in told
    assert {path.suffix for path in report.iterdir()} == {".md", ".json", ".png", ".svg"}
    assert len(list(report.glob("*.png"))) == len(list(report.glob("*.svg"))) == 7


def test_pages_are_shown_by_how_they_begin(tmp_path: Path, capsys: Said) -> None:
    data = data_for("html", tmp_path)
    done = trained(data, tmp_path, detector="html")
    command = ["evaluate", "html", "--data", str(data), "--model", str(done.folder)]
    assert run([*command, "--worst", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["worst"]["benign"][0]["text"].startswith("\ufffd<html><p>")
    assert "length-matched: yes" in told["figures"]["columns"]


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        (["--data", "missing.csv"], (1, "missing.csv cannot be read")),
        (["--split", "holdout"], (2, "--split has value 'holdout'")),
        (["--engine", "abacus"], (1, "'abacus' is unknown")),
        (["--text-column", "url"], (1, "no column 'url' (it has address, bad)")),
        (["--model", "nowhere"], (1, "nowhere/manifest.json")),
        (["--report", "folder", "--split", "all"], (2, "a report is of test rows")),
        (["--report", "folder"], (1, "does not tell parameters, data, training, libraries")),
    ],
    ids=[
        "no data",
        "no such split",
        "no such engine",
        "no such column",
        "no model",
        "a report of all rows",
        "a report of who knows what",
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    command: list[str], capsys: Said, options: list[str], ending: tuple[int, str]
) -> None:
    code, message = ending
    assert run([*command, *options]) == code
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("Error: ")
    assert said.count("\n") == 1


def test_an_artefact_of_another_detector_is_refused(
    artefact: Path, data: Path, capsys: Said
) -> None:
    command = ["evaluate", "path", "--data", str(data), *NAMED, "--model", str(artefact)]
    assert run(command) == 2
    assert "is for detector 'url', not 'path'" in capsys.readouterr().err
