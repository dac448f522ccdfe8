from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest
import typer

from models.errors import ArtefactError
from schemas.errors import ContractError
from workers.cli import main
from workers.errors import ConfigurationError, LogUnavailableError
from workers.settings.setting import Setting
from workers.settings.table import SETTINGS


def weir(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workers.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0

    told = capsys.readouterr().out
    assert all(f"\n  {verb} " in told for verb in main.VERBS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["work", "url", "--help"],
        ["feed", "--help"],
        ["watch", "--help"],
        ["topics", "create", "--help"],
        ["score", "url", "--help"],
    ],
    ids=" ".join,
)
def test_help_needs_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; from workers.cli.main import run; code = run(sys.argv[1:]);"
        "heavy = {'kafka', 'tensorflow', 'keras', 'numpy', 'pyarrow'} & set(sys.modules);"
        "print(heavy or 'light', file=sys.stderr); sys.exit(code)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0
    assert ended.stderr.strip() == "light"


def test_plain_off_a_terminal() -> None:
    told = weir("work", "url", "--help").stdout

    assert told.isascii()
    assert "\x1b" not in told


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_worker_takes_every_setting(setting: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    main.run(["work", "url", "--help"])

    # A password on a command line is seen by everybody on the machine.
    option = f"{setting.option}-file" if setting.secret else setting.option
    entries = [" ".join(entry.split()) for entry in capsys.readouterr().out.split("\n  -")]
    (entry,) = (entry for entry in entries if f"-{entry}".startswith(f"{option} "))
    assert "Default: " in entry
    assert f"Env: {setting.variable}" in entry


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"weir {metadata.version('fishweir')}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("first\nsecond"), 2),
        (LogUnavailableError("first\nsecond"), 1),
        (ArtefactError("first\nsecond"), 1),
        (ContractError("first\nsecond"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_a_line_and_an_exit_code(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def build(_arguments: object) -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def fail() -> None:
            raise error

        return app

    monkeypatch.setattr(main, "build", build)

    assert main.run([]) == code
    captured = capsys.readouterr()
    assert captured.err == "Error: first\nError: second\n"
    assert captured.out == ""


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_arguments: object) -> typer.Typer:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "build", build)

    with pytest.raises(ZeroDivisionError):
        main.run([])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fed"], "Did you mean 'feed'?"),
        (["work", "uri"], "Did you mean 'url'?"),
        (["work", "url", "--max-btach", "3"], "--max-batch"),
        (["check-config", "--sasl-password", "x"], "--sasl-password-file"),
    ],
    ids=["verb", "detector", "option", "password as an option"],
)
def test_a_slip_of_the_pen(arguments: list[str], told: str) -> None:
    ended = weir(*arguments)

    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_settings_that_cannot_be_used_stop_a_worker_at_once() -> None:
    ended = weir("work", "url", "--max-batch", "\x1b[31mmany")

    assert ended.returncode == 2
    assert ended.stderr == (
        "Error: Setting 'max_batch' has value '\\x1b[31mmany' from --max-batch: "
        "not a whole number; give a number from 1 to 65536\n"
    )
