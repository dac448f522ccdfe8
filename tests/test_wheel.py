"""The wheel holds all that scoring needs: weights, contracts, the command."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import orjson
import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            folder,
            REPOSITORY,
        ],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def weir(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed in an environment of its own.

    Its dependencies are lent by this environment, which has them from the same lock file; the
    repository itself is not lent, for a path file named by a path file is not followed.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True
    )
    (packages / "lent.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin" / "weir"


def _run(command: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [command, *arguments], capture_output=True, cwd=folder, env=clean, check=False, timeout=120
    )


def test_the_wheel_scores_from_another_folder(weir: Path, tmp_path: Path) -> None:
    scored = _run(weir, "score", "url", "https://www.blackhat.com", folder=tmp_path)
    assert scored.returncode == 0, scored.stderr
    text = scored.stdout.decode()
    assert text.startswith("Score: 0.")
    assert text.rstrip().endswith("(Benign)  https://www.blackhat.com")


def test_the_wheel_scores_files(weir: Path, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("https://www.blackhat.com\nhttp://a.example/\n")
    scored = _run(
        weir, "score", "url", "--input", "urls.txt", "--output", "scored.jsonl", folder=tmp_path
    )
    assert scored.returncode == 0, scored.stderr
    lines = (tmp_path / "scored.jsonl").read_bytes().splitlines()
    assert [orjson.loads(line)["subject"] for line in lines] == [
        "https://www.blackhat.com",
        "http://a.example/",
    ]


def test_the_code_that_runs_is_the_wheels(weir: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [weir.parent / "python", "-c", "import workers, models, schemas; print(models.__file__)"],
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert Path(where.stdout.decode().strip()).is_relative_to(weir.parents[1])


def test_the_wheel_knows_its_contracts_and_models(weir: Path, tmp_path: Path) -> None:
    schema = _run(weir, "schema", "verdict", folder=tmp_path)
    assert orjson.loads(schema.stdout)["$schema"].startswith("https://json-schema.org/")
    verified = _run(weir, "models", "verify", folder=tmp_path)
    assert verified.returncode == 0, verified.stderr


def test_the_wheel_holds_no_tests_and_no_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        size = sum(entry.compress_size for entry in archive.infolist())
    assert not [name for name in names if name.startswith(("tests/", "deploy/"))]
    assert size < 12_000_000
