from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.settings.kinds import Choice, Flag, Whole
from workers.settings.resolve import Given, load
from workers.settings.setting import Setting
from workers.settings.table import SETTINGS

# Settings whose values are plain, so that any mixture of them holds together.
FREE = [
    setting
    for setting in SETTINGS
    if setting.key not in {"security_protocol", "sasl_mechanism", "delivery", "require_signature"}
    and not setting.key.startswith("retry_")
    and isinstance(setting.kind, Whole | Choice | Flag)
]


def texts(setting: Setting) -> st.SearchStrategy[str]:
    match setting.kind:
        case Whole(low=low, high=high):
            return st.integers(low, high).map(str)
        case Choice(words=words):
            return st.sampled_from(words)
    return st.sampled_from(["true", "false"])


@st.composite
def layers(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Values for some settings in each of the three places."""

    def layer() -> dict[str, str]:
        return {
            setting.key: draw(texts(setting))
            for setting in draw(st.lists(st.sampled_from(FREE), unique_by=lambda s: s.key))
        }

    return layer(), layer(), layer()


@given(layers())
def test_option_beats_variable_beats_file_beats_default(
    drawn: tuple[dict[str, str], dict[str, str], dict[str, str]],
) -> None:
    options, variables, file = drawn
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "weir.toml")
        config.write_text("".join(f"{key} = {value!r}\n" for key, value in file.items()))

        effective = load(
            Given(options=options, config=config),
            detector="url",
            environ={f"WEIR_{key.upper()}": value for key, value in variables.items()},
        )

        for entry in effective.entries:
            key = entry.key
            if key in options:
                expected, origin = options[key], "--" + key.replace("_", "-")
            elif key in variables:
                expected, origin = variables[key], f"WEIR_{key.upper()}"
            elif key in file:
                expected, origin = file[key], f"{config}:{key}"
            else:
                assert str(entry.origin) == "default"
                continue
            assert str(entry.value).lower() == expected.lower()
            assert str(entry.origin) == origin


def test_every_setting_reaches_the_object_that_owns_it() -> None:
    options = {
        "input_topic": "in",
        "verdict_topic": "out",
        "dead_letter_topic": "dead",
        "max_batch": "7",
        "max_batch_bytes": "70",
        "max_page_bytes": "80",
        "max_delay_ms": "8",
        "commit_interval_ms": "9",
        "publish_from": "malicious",
        "evidence_from": "never",
        "evidence_top": "3",
        "engine": "tables",
        "bootstrap_servers": "a:1, b:2",
        "retry_initial_ms": "1",
        "retry_max_ms": "2",
        "report_period_ms": "3",
        "shutdown_timeout_ms": "4",
        "log_level": "DEBUG",
        "log_format": "json",
    }

    settings = load(Given(options=options), detector="url", environ={}).settings

    assert settings.detector == "url"
    assert settings.topics.input_topic == "in"
    assert settings.topics.verdict_topic == "out"
    assert settings.topics.dead_letter_topic == "dead"
    assert (settings.batch.max_batch, settings.batch.max_delay_ms) == (7, 8)
    assert (settings.batch.max_batch_bytes, settings.pages.max_bytes) == (70, 80)
    assert settings.commit.interval_ms == 9
    assert settings.publish.publish_from == "malicious"
    assert (settings.evidence.evidence_from, settings.evidence.top) == ("never", 3)
    assert settings.choice.engine == "tables"
    assert settings.connection.bootstrap_servers == "a:1,b:2"
    assert (settings.retry.initial_ms, settings.retry.max_ms) == (1, 2)
    assert settings.retry.report_period_ms == 3
    assert settings.shutdown.timeout_ms == 4
    assert (settings.journal.log_level, settings.journal.log_format) == ("debug", "json")


def test_defaults_that_follow_from_others() -> None:
    settings = load(Given(options={"input_topic": "proxy"}), detector="url", environ={}).settings

    assert settings.topics.dead_letter_topic == "proxy.dead"
    assert settings.connection.group_id == "fishweir-url"
    assert settings.connection.client_id == "fishweir-url"
    patient = Given(options={"max_poll_interval_ms": "9000"})
    assert load(patient, detector="url", environ={}).settings.http.liveness_ms == 9_000
    assert load(Given(), detector="url", role="feed", environ={}).settings.connection.client_id == (
        "fishweir-feed"
    )


@pytest.mark.parametrize(
    ("detector", "topic", "batch"),
    [
        ("url", "telemetry.urls", 2048),
        ("html", "telemetry.html", 64),
        ("path", "telemetry.paths", 2048),
    ],
)
def test_defaults_that_follow_the_detector(detector: str, topic: str, batch: int) -> None:
    settings = load(Given(), detector=detector, environ={}).settings

    assert settings.topics.input_topic == topic
    assert settings.topics.dead_letter_topic == f"{topic}.dead"
    assert settings.topics.verdict_topic == "alerts"
    assert settings.connection.group_id == f"fishweir-{detector}"
    assert settings.batch.max_batch == batch
    given = Given(options={"input_topic": "pages", "max_batch": "9"})
    told = load(given, detector=detector, environ={}).settings
    assert (told.topics.dead_letter_topic, told.batch.max_batch) == ("pages.dead", 9)


def test_toml_gives_values_in_its_own_types(tmp_path: Path) -> None:
    config = tmp_path / "weir.toml"
    config.write_text(
        'max_batch = 12\nssl_check_hostname = false\nbootstrap_servers = ["a:1", "b:2"]\n'
    )

    settings = load(Given(), detector="url", environ={"WEIR_CONFIG": str(config)}).settings

    assert settings.batch.max_batch == 12
    assert settings.connection.ssl_check_hostname is False
    assert settings.connection.bootstrap_servers == "a:1,b:2"


def test_paths_in_a_file_count_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    config = tmp_path / "weir.toml"
    config.write_text('ssl_cafile = "ca.pem"\n')

    settings = load(Given(config=config), detector="url", environ={}).settings

    assert settings.connection.ssl_cafile == str(tmp_path / "ca.pem")


def test_an_empty_variable_counts_as_absent() -> None:
    settings = load(Given(), detector="url", environ={"WEIR_MAX_BATCH": ""}).settings

    assert settings.batch.max_batch == 2048


@pytest.mark.parametrize(
    "toml",
    [
        "[kafka]\nfetch.max.bytes = 3\n",
        '[kafka]\n"fetch.max.bytes" = "3"\n',
        "kafka.fetch_max_bytes = 3\n",
    ],
    ids=["bare dots", "quoted", "kafka-python's name"],
)
def test_client_options_have_one_name_in_every_spelling(tmp_path: Path, toml: str) -> None:
    config = tmp_path / "weir.toml"
    config.write_text(toml)

    def overrides(given: Given, environ: dict[str, str]) -> dict[str, str]:
        return dict(load(given, detector="url", environ=environ).settings.connection.overrides)

    variable = {"WEIR_KAFKA_FETCH_MAX_BYTES": "2"}
    assert overrides(Given(config=config), {}) == {"fetch_max_bytes": "3"}
    assert overrides(Given(config=config), variable) == {"fetch_max_bytes": "2"}
    option = Given(config=config, overrides=["fetch.max.bytes=1"])
    assert overrides(option, variable) == {"fetch_max_bytes": "1"}
