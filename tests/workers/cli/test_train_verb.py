"""`weir train`, as a person or a script calls it, with recipes made small."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import models.path.recipe
import models.url.recipe
from models.artefact import load, verify
from models.training import run as training
from tests.models.networks import save_artefact
from tests.models.training.trainings import recipe
from tests.workers.cli.labelled import NAMED, write_paths, write_urls
from workers.cli import labelled_data
from workers.cli.main import run

# Keras 3 saves TensorFlow's variables through an interface that NumPy 2 is moving away from.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, detector in ((models.url.recipe, "url"), (models.path.recipe, "path")):
        monkeypatch.setattr(module, "RECIPE", recipe(detector))


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    return write_urls(tmp_path / "own.csv")


def refused(command: list[str], capsys: Said) -> tuple[int, str]:
    code = run(command)
    *stages, said = capsys.readouterr().err.splitlines()
    assert said.startswith("Error: ")
    assert all(stage.startswith("Reading ") for stage in stages)
    return code, said


def test_training_ends_with_an_artefact_that_evaluates(
    urls: Path, tmp_path: Path, capsys: Said
) -> None:
    output = tmp_path / "mine" / "2"
    small = ("--epochs", "1", "--width", "32", "--batch-size", "16", "--version", "2")
    command = ["train", "url", "--data", str(urls), *NAMED, *small]
    assert run([*command, "--output", str(output), "--name", "mine"]) == 0
    said = capsys.readouterr()
    assert "Epoch 1: loss" in said.err
    assert f"Artefact: {output}, digest {load(output).digest}" in said.out
    assert f"Report: {output}/report.md" in said.out
    made = load(output)
    assert (made.name, made.version) == ("mine", 2)
    assert made.manifest["featuriser"]["width"] == 32
    assert made.manifest["training"]["plan"]["size"] == 16

    assert run([*command, "--output", str(output)]) == 1
    assert "holds an artefact already" in capsys.readouterr().err

    work = ["--work-folder", f"{output}.work", "--output", str(tmp_path / "other")]
    assert run([*command, *work, "--seed", "9"]) == 1
    assert "seed was 0 and is now 9" in capsys.readouterr().err

    assert run(["evaluate", "url", "--data", str(urls), *NAMED, "--model", str(output)]) == 0
    assert "mine 2 on test" in capsys.readouterr().out


def test_paths_are_trained_where_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.chdir(tmp_path)
    data = write_paths(tmp_path / "paths.csv")
    assert run(["train", "path", "--data", str(data), "--epochs", "2"]) == 0
    artefact = load(tmp_path / "runs" / "path" / "1")
    assert (artefact.detector.name, artefact.name, artefact.version) == ("path", "path", 1)
    assert not any(check.failed for check in verify(artefact))
    assert "On test" in capsys.readouterr().out
    assert (tmp_path / "runs" / "path" / "1.work" / "training.json").exists()
    card = (tmp_path / "runs" / "path" / "1" / "card.md").read_text()
    assert f"```\nweir train path --data {data} --epochs 2\n```" in card


def test_a_teacher_is_named_by_its_folder(urls: Path, tmp_path: Path) -> None:
    save_artefact(tmp_path / "teacher")
    command = ["train", "url", "--data", str(urls), *NAMED, "--epochs", "1"]
    output = tmp_path / "taught"
    taught = ["--teacher", str(tmp_path / "teacher"), "--distillation", "0.25"]
    assert run([*command, *taught, "--invented", "0.5", "--output", str(output)]) == 0
    told = load(output).manifest["training"]
    assert told["teachers"] == [load(tmp_path / "teacher").digest]
    assert (told["distillation"], told["invented"]) == (0.25, 0.5)


def test_interrupted_it_says_how_to_go_on(
    urls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def interrupted(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fitted", interrupted)
    command = ["train", "url", "--data", str(urls), *NAMED, "--output", str(tmp_path / "it")]
    assert run(command) == 130
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--train-before", "2024-01-01"],
            "--train-before has value '2024-01-01' without --trials",
        ),
        (
            ["--trials", "--measure-from", "2024-01-01"],
            "--measure-from has value '2024-01-01' without --train-before",
        ),
        (["--trials", "--train-before", "soon"], "--train-before has value 'soon', which is no"),
    ],
    ids=["no trials", "no first date", "no date"],
)
def test_dates_that_would_not_be_used_are_refused(
    urls: Path, tmp_path: Path, capsys: Said, options: list[str], message: str
) -> None:
    command = ["train", "url", "--data", str(urls), *NAMED, "--output", str(tmp_path / "it")]
    code, said = refused([*command, *options], capsys)
    assert code == 2
    assert message in said


def test_pages_are_read_whole(urls: Path, capsys: Said) -> None:
    code, said = refused(["train", "html", "--data", str(urls), "--width", "99"], capsys)
    assert code == 2
    assert "--width has value 99, but detector 'html' reads its subjects whole" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("text,label\na,7\n", "holds values other than 0 and 1"),
        ("text,label\na,0\nb,0\n", "benign and 0 malicious rows"),
        ("words,label\na,0\n", "no column 'text'"),
    ],
    ids=["labels", "one label", "columns"],
)
def test_data_that_does_not_do_is_told_in_a_line(
    tmp_path: Path, capsys: Said, change: str, message: str
) -> None:
    data = tmp_path / "data.csv"
    data.write_text(change)
    code, said = refused(["train", "url", "--data", str(data)], capsys)
    assert code == 1
    assert message in said


def test_excluded_sources_are_named(tmp_path: Path, capsys: Said) -> None:
    data = tmp_path / "data.csv"
    lines = [f"http://{n}.example/,{n % 2},{'openphish' if n == 7 else 'own'}" for n in range(300)]
    data.write_text("\n".join(["text,label,source", *lines]) + "\n")
    code, said = refused(["train", "url", "--data", str(data)], capsys)
    assert code == 1
    assert "'openphish' (1)" in said


@pytest.mark.parametrize("verb", ["train", "evaluate"])
@pytest.mark.parametrize("missing", ["pyarrow", "sklearn", "matplotlib"])
def test_a_missing_extra_is_named_with_how_to_install_it(
    urls: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said, verb: str, missing: str
) -> None:
    def find_spec(name: str) -> object | None:
        return None if name == missing else importlib.util.find_spec(name)

    monkeypatch.setattr(labelled_data, "find_spec", find_spec)
    code, said = refused([verb, "url", "--data", str(urls)], capsys)
    assert code == 2
    assert missing in said
    assert "pip install 'fishweir[train]'" in said
