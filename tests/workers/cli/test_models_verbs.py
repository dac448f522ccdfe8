"""`weir train`, `weir evaluate` and `weir models`, as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.artefact import WEIGHTS, load
from tests.models.networks import save_artefact
from workers.cli.main import run

# Keras 3 saves TensorFlow's variables through an interface that NumPy 2 is moving away from.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FIGURES = ("all", "AUC", "detected at 0.001", "false positives, malicious")


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    save_artefact(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own CSV, with names of columns of its own."""
    random = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("data") / "own.csv"
    lines = ["address,bad"]
    for number, label in enumerate(random.integers(0, 2, 300).tolist()):
        lines.append(f"http://{'evil' if label else 'good'}{number}.example/\x1b[31m,{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


NAMED = ("--text-column", "address", "--label-column", "bad")


def test_training_ends_with_an_artefact_that_evaluates(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine" / "2"
    small = ("--epochs", "1", "--width", "32", "--batch-size", "64", "--version", "2")
    command = ["train", "url", "--data", str(data), *NAMED, *small]
    assert run([*command, "--output", str(output), "--name", "mine"]) == 0
    said = capsys.readouterr()
    assert "Epoch 1: loss" in said.err
    assert f"Artefact: {output}" in said.out
    assert (load(output).name, load(output).version) == ("mine", 2)

    assert run([*command, "--output", str(output)]) == 1
    assert "holds an artefact already" in capsys.readouterr().err

    work = ["--work-folder", f"{output}.work", "--output", str(tmp_path / "other")]
    assert run([*command, *work, "--seed", "9"]) == 1
    assert "seed was 0 and is now 9" in capsys.readouterr().err

    assert run(["evaluate", "url", "--data", str(data), *NAMED, "--model", str(output)]) == 0
    assert "mine 2 on test" in capsys.readouterr().out


def test_evaluation_shows_figures_and_the_worst_mistakes_defanged(
    artefact: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "url", "--data", str(data), *NAMED, "--model", str(artefact)]
    assert run([*command, "--split", "all", "--worst", "2", "--engine", "tables"]) == 0
    said = capsys.readouterr().out
    assert all(figure in said for figure in FIGURES)
    assert said.count("hxxp://good") == 2
    assert said.count("hxxp://evil") == 2
    assert "\x1b" not in said


@pytest.mark.parametrize("engine", ["tables", "keras"])
def test_evaluation_as_json_is_exact(
    artefact: Path, data: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    command = ["evaluate", "url", "--data", str(data), *NAMED, "--model", str(artefact)]
    options = ["--split", "all", "--worst", "1", "--engine", engine, "--json"]
    assert run([*command, *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"]["digest"] == load(artefact).digest
    assert told["engine"] == engine
    assert told["figures"]["all"]["benign"] + told["figures"]["all"]["malicious"] == 300
    assert told["worst"]["benign"][0]["text"].startswith("http://good")
    assert "\x1b[31m" in told["worst"]["benign"][0]["text"]


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        (["--data", "missing.csv"], (1, "missing.csv cannot be read")),
        (["--split", "holdout"], (2, "--split has value 'holdout'")),
        (["--engine", "abacus"], (1, "'abacus' is unknown")),
        (["--text-column", "url"], (1, "no column 'url' (it has address, bad)")),
        (["--model", "nowhere"], (1, "nowhere/manifest.json")),
    ],
    ids=["no data", "no such split", "no such engine", "no such column", "no model"],
)
def test_what_evaluation_cannot_do_is_said_in_a_line(
    artefact: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    ending: tuple[int, str],
) -> None:
    command = ["evaluate", "url", "--data", str(data), *NAMED, "--model", str(artefact)]
    code, message = ending
    assert run([*command, *options]) == code
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("Error: ")
    assert said.count("\n") == 1


def test_models_of_a_folder_are_listed(
    artefact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "list", str(tmp_path), "--json"]) == 0
    listed = {row["folder"]: row for row in json.loads(capsys.readouterr().out)}
    row = listed[str(artefact)]
    assert (row["name"], row["version"], row["detector"]) == ("url", 7, "url")
    assert row["digest"] == load(artefact).digest
    assert row["thresholds"] == {"suspicious": 0.5, "malicious": 1.5}
    assert row["detected"] is None

    assert run(["models", "list", str(tmp_path)]) == 0
    assert row["digest"][:12] in capsys.readouterr().out


def test_a_manifest_that_cannot_be_read_is_named_beside_the_others(
    artefact: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text('{"metrics": 5}')
    assert run(["models", "list", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert str(artefact) in said.out
    assert f"{broken}/manifest.json: format None is unknown" in said.err


def test_an_artefact_as_it_should_be_is_verified_on_every_engine(
    artefact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "verify", str(artefact), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {name: check["problem"] for name, check in told["engines"].items()} == {
        "keras": None,
        "tables": None,
    }
    assert run(["models", "verify", str(artefact)]) == 0
    assert capsys.readouterr().out.count("as it should be") == 2


@pytest.mark.parametrize("what", ["altered", "missing"])
def test_an_artefact_that_is_not_fails(
    artefact: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    path = artefact / WEIGHTS
    if what == "altered":
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    assert run(["models", "verify", str(artefact)]) == 1
    said = capsys.readouterr()
    assert "failed" in said.out
    assert str(path) in said.err


def test_weights_that_give_other_logits_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_artefact(tmp_path / "one")
    save_artefact(tmp_path / "other", seed=1)
    # All digests are right, but the golden logits are those of other weights.
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    other = json.loads((tmp_path / "other" / "manifest.json").read_text())
    manifest["files"][WEIGHTS] = other["files"][WEIGHTS]
    (tmp_path / "one" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "one" / WEIGHTS).write_bytes((tmp_path / "other" / WEIGHTS).read_bytes())
    assert run(["models", "verify", str(tmp_path / "one")]) == 1
    said = capsys.readouterr()
    assert said.err.count("gives logit") == 2
    assert said.out.count("failed") == 2
