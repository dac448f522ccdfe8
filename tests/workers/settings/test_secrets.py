from __future__ import annotations

from pathlib import Path

import pytest

from workers.settings.resolve import HIDDEN, Effective, Given, SettingsError, load

SECRET = "open sesame"  # noqa: S105
SASL = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "ali"}


def loaded(given: Given | None = None, environ: dict[str, str] | None = None) -> Effective:
    return load(given or Given(options=SASL), detector="url", environ=environ or {})


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    return path


def test_from_the_environment() -> None:
    effective = loaded(environ={"WEIR_SASL_PASSWORD": SECRET})

    assert effective.settings.connection.sasl_password == SECRET


@pytest.mark.parametrize("place", ["option", "variable", "file"])
def test_from_a_file_named(place: str, secret_file: Path, tmp_path: Path) -> None:
    given, environ = Given(options=SASL), {}
    if place == "option":
        given = Given(options=SASL | {"sasl_password_file": str(secret_file)})
    elif place == "variable":
        environ = {"WEIR_SASL_PASSWORD_FILE": str(secret_file)}
    else:
        config = tmp_path / "weir.toml"
        config.write_text('sasl_password_file = "password"\n')
        given = Given(options=SASL, config=config)

    # The line's end is no part of the password.
    assert loaded(given, environ).settings.connection.sasl_password == SECRET


def test_a_file_named_higher_up_beats_a_value_lower_down(secret_file: Path) -> None:
    given = Given(options=SASL | {"sasl_password_file": str(secret_file)})

    effective = loaded(given, {"WEIR_SASL_PASSWORD": "other"})

    assert effective.settings.connection.sasl_password == SECRET


def test_value_and_file_in_one_place_are_a_mistake(secret_file: Path) -> None:
    with pytest.raises(SettingsError, match="'sasl_password' is given twice"):
        loaded(environ={"WEIR_SASL_PASSWORD": SECRET, "WEIR_SASL_PASSWORD_FILE": str(secret_file)})


def test_never_in_a_repr() -> None:
    effective = loaded(
        Given(options=SASL, overrides=[f"proxy.url={SECRET}"]),
        {"WEIR_SASL_PASSWORD": SECRET, "WEIR_SSL_PASSWORD": SECRET},
    )

    assert SECRET not in repr(effective.entries)
    assert "sasl_password" not in repr(effective.settings.connection)


def test_hidden_among_the_entries() -> None:
    effective = loaded(
        Given(options=SASL, overrides=[f"proxy.url={SECRET}", "fetch.max.bytes=1"]),
        {"WEIR_SASL_PASSWORD": SECRET},
    )
    shown = {entry.key: entry.shown for entry in effective.entries}

    assert shown["sasl_password"] == HIDDEN
    assert shown["kafka.proxy_url"] == HIDDEN
    assert shown["kafka.fetch_max_bytes"] == "1"
    assert shown["ssl_password"] is None


@pytest.mark.parametrize("content", [b" \n", b"\xff\xfe open sesame"], ids=["empty", "not UTF-8"])
def test_a_bad_secret_is_not_told_in_the_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        loaded(environ={"WEIR_SASL_PASSWORD_FILE": str(path)})

    assert f"value '{path}' from WEIR_SASL_PASSWORD_FILE" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_bad_secret_in_toml_is_not_told_in_the_error(tmp_path: Path) -> None:
    config = tmp_path / "weir.toml"
    config.write_text("sasl_password = 471147114711\n")

    with pytest.raises(SettingsError) as caught:
        loaded(Given(options=SASL, config=config))

    assert "'sasl_password' has a value from" in str(caught.value)
    assert "4711" not in str(caught.value)


def test_a_client_option_that_does_not_exist_may_have_been_meant_as_a_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(environ={"WEIR_KAFKA_SSL_KEYSTORE_PASSWORD": SECRET})

    assert "'ssl_keystore_password' from WEIR_KAFKA_SSL_KEYSTORE_PASSWORD" in str(caught.value)
    assert SECRET not in str(caught.value)
