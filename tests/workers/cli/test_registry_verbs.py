"""`weir models` about a registry, as a person or a script calls it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.artefact import MANIFEST, load
from tests.models.networks import save_artefact
from tests.models.registry.stores import artefact
from workers.cli.main import run

Caught = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> Path:
    """An empty registry, which the environment names, beside artefacts url@1 to url@3."""
    folder = tmp_path / "models"
    folder.mkdir()
    for number in (1, 2, 3):
        artefact(tmp_path / str(number), number)
    monkeypatch.setenv("WEIR_MODELS", str(folder))
    return folder


def told(capsys: Caught, *arguments: str) -> Any:
    assert run(["models", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: Caught, *arguments: str, code: int = 1) -> str:
    assert run(list(arguments)) == code
    return capsys.readouterr().err


def test_a_model_is_added_promoted_and_rolled_back(
    tmp_path: Path, models: Path, capsys: Caught
) -> None:
    folders = [str(tmp_path / str(number)) for number in (1, 2, 3)]
    assert run(["models", "add", *folders]) == 0
    assert [line.split(" (")[0] for line in capsys.readouterr().out.splitlines()] == [
        "url@1",
        "url@2",
        "url@3",
    ]
    assert [row["new"] for row in told(capsys, "add", folders[0])] == [False]
    assert run(["models", "promote", "url@1"]) == 0
    assert "url@1 (" in capsys.readouterr().out
    assert told(capsys, "promote", "url@2")["live"]["version"] == 2
    assert run(["models", "promote", "url@2"]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert told(capsys, "candidate", "url@3")["candidate"]["version"] == 3

    listed = [row for row in told(capsys, "list") if Path(row["folder"]).is_relative_to(models)]
    assert [(row["version"], row["state"]) for row in listed] == [
        (1, "previous"),
        (2, "live"),
        (3, "candidate"),
    ]
    assert told(capsys, "prune", "--keep", "0")["removed"] == {"url": []}
    assert told(capsys, "rollback", "url")["live"]["version"] == 1
    assert told(capsys, "candidate", "url", "--none")["candidate"] is None
    assert told(capsys, "prune", "--keep", "1", "--dry-run")["removed"] == {"url": [2]}
    assert run(["models", "prune", "url", "--keep", "1"]) == 0
    assert capsys.readouterr().out == "url: removed 2\n"
    changes = [(one["action"], one["version"]) for one in told(capsys, "history", "url")]
    assert changes == [
        ("promote", 1),
        ("promote", 2),
        ("candidate", 3),
        ("rollback", 1),
        ("candidate", None),
    ]


def test_the_live_version_scores_and_another_may_be_named(tmp_path: Path, capsys: Caught) -> None:
    source = tmp_path / "urls.txt"
    source.write_text("http://a.example/\n")

    def scored(*options: str) -> str:
        assert run(["score", "url", "--engine", "tables", "--input", str(source), *options]) == 0
        digest = json.loads(capsys.readouterr().out)["model"]["digest"]
        return next(n for n in "123" if load(tmp_path / n).digest == digest)

    assert "no version of 'url' is live" in refused(capsys, "score", "url", "x")
    run(["models", "add", *(str(tmp_path / n) for n in "123")])
    run(["models", "promote", "url@2"])
    run(["models", "candidate", "url@3"])
    capsys.readouterr()
    assert scored() == "2"
    assert scored("--model", "url@1") == "1"
    assert scored("--model", "url@candidate") == "3"
    assert scored("--model", str(tmp_path / "1")) == "1"
    assert "no url@9" in refused(capsys, "score", "url", "x", "--model", "url@9")
    assert "is for detector 'url'" in refused(capsys, "score", "path", "x", "--model", "url@1")


def test_differences_of_two_versions_are_told(tmp_path: Path, capsys: Caught) -> None:
    run(["models", "add", str(tmp_path / "1")])
    save_artefact(tmp_path / "other", version=4)
    manifest = tmp_path / "other" / MANIFEST
    share = {"share": 0.75}
    part = {"area": 0.9, "detection": {"0.001": share}, "at": {"malicious": {"detected": share}}}
    metrics = {"test": {"all": part, "kinds": {"telemetry": part}, "odd": [1], "none": None}}
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "metrics": metrics}))
    capsys.readouterr()

    document = told(capsys, "diff", "url@1", str(tmp_path / "other"))
    changes = {row["what"]: (row["before"], row["after"]) for row in document["settings"]}
    assert changes["version"] == (1, 4)
    assert changes["network.filters"] == (3, 8)
    assert changes["digest"][1] == document["after"]["digest"]
    tensors = {row["name"]: row for row in document["tensors"]}
    assert tensors["dense_1/kernel"]["before"] is None
    assert tensors["logit/bias"]["largest"] > 0
    figures = {(row["slice"], row["figure"]): row["after"] for row in document["figures"]}
    assert figures == {
        (name, figure): value
        for name in ("all", "kinds.telemetry")
        for figure, value in (
            ("area", 0.9),
            ("detected at 0.001", 0.75),
            ("detected, malicious", 0.75),
        )
    }
    assert run(["models", "diff", "url@1", str(tmp_path / "other")]) == 0
    shown = capsys.readouterr().out
    assert "network.filters" in shown
    assert "kinds.telemetry" in shown
    assert run(["models", "diff", "url@1", "url@1"]) == 0
    assert capsys.readouterr().out == "No difference.\n"


def test_signatures_are_made_checked_and_required(
    tmp_path: Path, models: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = str(tmp_path / "key"), str(tmp_path / "key.pub")
    monkeypatch.setenv("FISHWEIR_KEY_PASSPHRASE", "correct horse")
    assert run(["models", "keygen", "--private", private, "--public", public]) == 0
    run(["models", "add", str(tmp_path / "1"), str(tmp_path / "2")])
    assert run(["models", "sign", "url@1", "--key", private]) == 0
    said = capsys.readouterr()
    assert "signed by key" in said.out
    assert "correct horse" not in said.out + said.err
    assert "PRIVATE" not in said.out + said.err

    (row,) = told(capsys, "verify", "url@1", "--key", public)
    assert row["ok"] is True
    assert row["signer"] in said.out
    assert "not signed" in refused(capsys, "models", "verify", "url@2", "--key", public)

    strict = ("--require-signature", "true", "--trusted-keys", public)
    assert told(capsys, "promote", "url@1", *strict)["live"]["version"] == 1
    assert "not signed" in refused(capsys, "models", "promote", "url@2", *strict)
    assert "not signed" in refused(capsys, "models", "add", str(tmp_path / "3"), *strict)
    assert run(["score", "url", "x", "--engine", "tables", *strict]) == 0
    score = ("score", "url", "x", "--model")
    assert "not signed" in refused(capsys, *score, "url@2", *strict)
    assert "not signed" in refused(capsys, *score, str(tmp_path / "2"), *strict)
    monkeypatch.setenv("FISHWEIR_KEY_PASSPHRASE", "battery")
    assert "passphrase is wrong" in refused(capsys, "models", "sign", "url@2", "--key", private)
    (tmp_path / "passphrase").write_text("correct horse\n")
    file = ("--passphrase-file", str(tmp_path / "passphrase"))
    assert run(["models", "sign", "url@2", "--key", private, *file]) == 0


def test_the_model_of_the_package_is_trusted_as_its_code_is(
    tmp_path: Path, capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = str(tmp_path / "key.pub")
    run(["models", "keygen", "--private", str(tmp_path / "key"), "--public", public])
    monkeypatch.delenv("WEIR_MODELS")
    strict = ("--require-signature", "true", "--trusted-keys", public)
    assert run(["score", "url", "x", "--engine", "tables", *strict]) == 0


def test_check_config_reads_the_keys_and_shows_where_they_are(
    tmp_path: Path, models: Path, capsys: Caught
) -> None:
    private, public = str(tmp_path / "key"), str(tmp_path / "key.pub")
    run(["models", "keygen", "--private", private, "--public", public])
    capsys.readouterr()
    assert run(["check-config", "--model", "url@3", "--trusted-keys", public, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    shown = {key: document[key]["value"] for key in ("models", "model", "trusted_keys")}
    assert shown == {"models": str(models), "model": "url@3", "trusted_keys": public}
    said = refused(capsys, "check-config", "--trusted-keys", private, code=2)
    assert "holds a private key" in said


@pytest.mark.parametrize(
    ("arguments", "told_of", "code"),
    [
        (("models", "promote", "url"), "does not say which version", 1),
        (("models", "promote", "../url@1"), "no model's name", 1),
        (("models", "promote", "url@../1"), "version '../1'", 1),
        (("models", "promote", "url@live"), "does not say which version", 1),
        (("models", "candidate", "url@1", "--none"), "--none", 2),
        (("models", "rollback", "url"), "no model 'url'", 1),
        (("models", "diff", "url@1", "url@2"), "no url@1", 1),
        (("models", "verify", "url@1"), "no url@1", 1),
        (("models", "add", "/nowhere"), "/nowhere", 1),
        (("models", "list", "--models", "/nowhere"), "no such folder", 2),
        (("score", "url", "x", "--model", "url@x"), "not a version in a registry", 2),
    ],
)
def test_mistakes_are_told_in_one_line(
    capsys: Caught, arguments: tuple[str, ...], told_of: str, code: int
) -> None:
    said = refused(capsys, *arguments, code=code)
    assert told_of in said
    assert said.count("\n") == 1


def test_without_a_registry_the_setting_is_named(
    capsys: Caught, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEIR_MODELS")
    assert "'models' is missing" in refused(capsys, "models", "promote", "url@1", code=2)
    said = refused(capsys, "score", "url", "x", "--model", "url@1", code=2)
    assert "give models too" in said


def test_a_broken_version_and_a_broken_pointer_are_named_beside_the_others(
    tmp_path: Path, models: Path, capsys: Caught
) -> None:
    run(["models", "add", str(tmp_path / "1"), str(tmp_path / "2")])
    (models / "url" / "1" / MANIFEST).write_text("{}")
    (models / "url" / "live.json").write_text("{}")
    capsys.readouterr()
    assert run(["models", "list"]) == 1
    said = capsys.readouterr()
    assert f"{models}/url/2" in said.out
    assert f"{models}/url/1/manifest.json" in said.err
    assert f"{models}/url/live.json" in said.err
    assert run(["models", "verify"]) == 1
    assert "failed" in capsys.readouterr().out


def test_a_live_version_that_is_gone_or_another_is_told_by_the_list(
    tmp_path: Path, models: Path, capsys: Caught
) -> None:
    run(["models", "add", str(tmp_path / "1")])
    run(["models", "promote", "url@1"])
    shutil.rmtree(models / "url" / "1")
    assert "url@1 is live" in (said := refused(capsys, "models", "list"))
    assert "cannot be found" in said
    artefact(models / "url" / "1", 1, seed=99)
    assert "but has the digest" in refused(capsys, "models", "list")


def test_a_lock_whose_holder_was_killed_is_free(
    tmp_path: Path, models: Path, capsys: Caught
) -> None:
    run(["models", "add", str(tmp_path / "1")])
    holder = (
        "import sys, time, pathlib\n"
        "from models.registry.writing import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", holder, str(models / "url")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == b"held\n"
        said = refused(capsys, "models", "promote", "url@1")
        assert f"process {held.pid}" in said
        held.kill()
    assert run(["models", "promote", "url@1"]) == 0
