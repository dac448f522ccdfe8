"""Where the model is, and whose keys vouch for it, as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.settings.policies import ModelChoice
from workers.settings.resolve import Given, SettingsError, load


def choice(tmp_path: Path, toml: str = "", **options: str) -> ModelChoice:
    config = tmp_path / "weir.toml"
    config.write_text(toml)
    given = Given(options=options, config=config)
    return load(given, detector="url", environ={}).settings.choice


def test_nothing_is_asked_for_where_nothing_is_given(tmp_path: Path) -> None:
    assert choice(tmp_path) == ModelChoice()


def test_a_version_is_told_from_a_folder_by_its_at_sign(tmp_path: Path) -> None:
    (tmp_path / "odd@name").mkdir()
    models = str(tmp_path)
    assert choice(tmp_path, models=models, model="url@3").model == "url@3"
    assert choice(tmp_path, models=models, model=models).model == tmp_path
    odd = f"{tmp_path}/odd@name"
    assert choice(tmp_path, model=odd).model == Path(odd)


def test_paths_in_a_file_of_settings_count_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for name in ("a.pem", "b.pem"):
        (tmp_path / name).write_text("")
    for keys in ('["a.pem", "b.pem"]', '"a.pem, b.pem"'):
        got = choice(
            tmp_path,
            f'models = "store"\nmodel = "url@3"\nrequire_signature = true\ntrusted_keys = {keys}\n',
        )
        assert got == ModelChoice(
            model="url@3",
            models=tmp_path / "store",
            require_signature=True,
            trusted_keys=f"{tmp_path}/a.pem,{tmp_path}/b.pem",
        )
    assert choice(tmp_path, 'model = "store"').model == tmp_path / "store"


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('model = "url@3"', "give models too"),
        ('model = "url@0"', "not a version in a registry"),
        ('model = "@"', "not a version in a registry"),
        ('model = "url@\\n"', "not a version in a registry"),
        ('model = "nowhere"', "no such folder"),
        ("model = 3", "not a text"),
        ('models = "nowhere"', "no such folder"),
        ("require_signature = true", "give trusted_keys too"),
        ('trusted_keys = "nowhere.pem"', "no such file"),
        ("trusted_keys = []", "not a text"),
        ("trusted_keys = [1]", "not a text"),
        ('trusted_keys = ""', "not a text"),
        ('trusted_keys = "weir.toml,"', "not a text"),
        ("trusted_keys = 5", "not a text"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, toml: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        choice(tmp_path, toml)
    assert len(caught.value.problems) == 1
