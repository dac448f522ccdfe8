from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from workers.cli.main import run

SECRET = "open sesame"  # noqa: S105


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIR_SASL_PASSWORD", SECRET)


def test_each_setting_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "weir.toml"
    config.write_text("max_delay_ms = 7\n[kafka]\nfetch.max.bytes = 5\n")
    monkeypatch.setenv("WEIR_GROUP_ID", "mine")

    assert run(["check-config", "url", "--max-batch", "9", "--config", str(config)]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["setting", "value", "from"]
    assert ["max_batch", "9", "--max-batch"] in lines
    assert ["max_delay_ms", "7", f"{config}:max_delay_ms"] in lines
    assert ["group_id", "mine", "WEIR_GROUP_ID"] in lines
    assert ["engine", "auto", "default"] in lines
    assert ["kafka.fetch_max_bytes", "5", f"{config}:kafka.fetch.max.bytes"] in lines
    assert ["sasl_password", "(hidden)", "WEIR_SASL_PASSWORD"] in lines


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-config", "--max-batch", "9", "--json"]) == 0

    document = orjson.loads(capsys.readouterr().out)
    assert document["max_batch"] == {"value": 9, "origin": "--max-batch"}
    assert document["ssl_check_hostname"] == {"value": True, "origin": "default"}
    assert document["model"] == {"value": None, "origin": "default"}
    assert document["sasl_password"] == {"value": "(hidden)", "origin": "WEIR_SASL_PASSWORD"}


def test_defaults_are_those_of_the_detector(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-config", "html", "--json"]) == 0

    document = orjson.loads(capsys.readouterr().out)
    assert document["input_topic"] == {"value": "telemetry.html", "origin": "default"}
    assert document["dead_letter_topic"] == {"value": "telemetry.html.dead", "origin": "default"}
    assert document["group_id"] == {"value": "fishweir-html", "origin": "default"}
    assert document["max_batch"] == {"value": 64, "origin": "default"}
    assert document["max_page_bytes"] == {"value": 33_554_432, "origin": "default"}


def test_the_help_of_a_worker_tells_its_own_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["work", "path", "--help"]) == 0
    own = " ".join(capsys.readouterr().out.split())
    assert "Topic of the telemetry to judge. Default: telemetry.paths." in own
    assert run(["check-config", "--help"]) == 0
    common = " ".join(capsys.readouterr().out.split())
    assert "Default: telemetry.urls (html: telemetry.html, path: telemetry.paths)." in common


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "JSON"])
def test_no_secret_is_shown(form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(["check-config", *form])

    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--max-batch", "0"], "Setting 'max_batch' has value '0' from --max-batch: out of range"),
        (["--ssl-cafile", "/nowhere"], "no such file"),
        (["--kafka", "fetch.max.byte=1"], "did you mean fetch.max.bytes?"),
        (["--kafka", "fetch.max.bytes=x"], "not an int"),
        (["--kafka", "enable.auto.commit=true"], "cannot be changed"),
    ],
    ids=["range", "file", "unknown client option", "its type", "ours to set"],
)
def test_what_a_worker_would_refuse(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check-config", *arguments]) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err


def test_an_unknown_client_option_may_be_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check-config", "--kafka", f"sasl.jaas.config={SECRET}"]) == 2

    assert "sasl_jaas_config" in (told := capsys.readouterr().err)
    assert SECRET not in told
