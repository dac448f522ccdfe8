"""`weir models`, as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.artefact import WEIGHTS, load
from models.detectors import ENGINES
from tests.models.networks import save_artefact
from workers.cli.main import run


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    save_artefact(folder)
    return folder


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
    assert {name: check["problem"] for name, check in told["engines"].items()} == dict.fromkeys(
        ENGINES
    )
    assert run(["models", "verify", str(artefact)]) == 0
    assert capsys.readouterr().out.count("as it should be") == len(ENGINES)


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
