"""From raw values to the frozen settings, with the origin of each and every problem named."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workers.errors import ConfigurationError
from workers.log.connection import Connection
from workers.settings import policies
from workers.settings.detectors import default_of
from workers.settings.kinds import ExistingFile, ExistingFolder
from workers.settings.model_kinds import ExistingFiles, ModelPlace
from workers.settings.sources import (
    CONFIG_VARIABLE,
    Layer,
    Origin,
    Raw,
    from_environment,
    from_file,
    from_options,
    override_name,
)
from workers.settings.table import BY_KEY, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workers.settings.setting import Setting

HIDDEN: Final = "(hidden)"

_DEFAULT: Final = Origin(kind="default")
_LONGEST_SHOWN: Final = 100

# Client options that may hold a secret, by words in their names.
_SECRETIVE: Final = re.compile("password|passphrase|secret|token|credential|jaas|proxy|key$")

# Client options that are settings, by kafka-python's names, with Kafka's own where they differ.
_HAS_SETTING: Final = {s.field: s for s in SETTINGS if s.owner is Connection} | {
    "sasl_plain_username": BY_KEY["sasl_username"],
    "sasl_plain_password": BY_KEY["sasl_password"],
}


class SettingsError(ConfigurationError):
    """Settings that cannot be used; ``problems`` has one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line gave: options by key, ``--kafka`` pairs, and ``--config``."""

    options: Mapping[str, str] = field(default_factory=dict)
    overrides: Sequence[str] = ()
    config: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One effective setting: its value and where it came from."""

    key: str
    value: object = field(repr=False)
    origin: Origin
    secret: bool

    @property
    def shown(self) -> object:
        """The value, or a word in its place if it is a secret."""
        return HIDDEN if self.secret and self.value is not None else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The settings that hold, and the origin of each."""

    settings: policies.Settings
    entries: tuple[Entry, ...]


def load(
    given: Given,
    *,
    detector: str,
    role: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Effective:
    """Resolve all settings: option before environment variable before file before default.

    Args:
        given: What the command line gave.
        detector: Whose worker it is: some defaults follow it.
        role: What the client calls itself if not after the detector: ``feed``, ``watch``.
        environ: The environment; the process's own by default.

    Raises:
        SettingsError: naming every unknown key and every value that cannot be used.
    """
    environ = os.environ if environ is None else environ
    layers = [from_options(given.options, given.overrides), from_environment(environ)]
    if given.config is not None:
        layers.append(from_file(given.config, Origin(kind="option", name="--config")))
    elif environ.get(CONFIG_VARIABLE):
        named_by = Origin(kind="environment", name=CONFIG_VARIABLE)
        layers.append(from_file(Path(environ[CONFIG_VARIABLE]), named_by))
    problems = [problem for layer in layers for problem in layer.problems]

    entries: dict[str, Entry] = {}
    for setting in SETTINGS:
        raw = next(
            (layer.values[setting.key] for layer in layers if setting.key in layer.values), None
        )
        try:
            value = default_of(setting, detector) if raw is None else _read(setting, raw)
        except ValueError as error:
            problems.append(_problem(setting, raw, error))
            value, raw = default_of(setting, detector), None
        origin = _DEFAULT if raw is None else raw.origin
        entries[setting.key] = Entry(
            key=setting.key, value=value, origin=origin, secret=setting.secret
        )
    _derive(entries, detector=detector, role=role or detector)
    overrides = _overrides(layers, problems, str(entries["client"].value))
    problems.extend(_conflicts(entries))
    if problems:
        raise SettingsError(problems)
    return Effective(
        settings=_build(detector, entries, {e.key: str(e.value) for e in overrides}),
        entries=(
            *entries.values(),
            *(
                Entry(key=f"kafka.{e.key}", value=e.value, origin=e.origin, secret=e.secret)
                for e in overrides
            ),
        ),
    )


def _read(setting: Setting, raw: Raw) -> object:
    if raw.in_file:
        path = Path(ExistingFile().read(_from_base(raw)))
        # Editors and `echo` end a file with a newline that is no part of the secret.
        return setting.kind.read(path.read_text(encoding="utf-8").rstrip("\r\n"))
    if isinstance(setting.kind, ExistingFile | ExistingFolder):
        return setting.kind.read(_from_base(raw))
    if isinstance(setting.kind, ModelPlace | ExistingFiles) and raw.origin.kind == "file":
        return setting.kind.read(setting.kind.from_base(raw.value, raw.base))
    return setting.kind.read(raw.value)


def _from_base(raw: Raw) -> object:
    """Paths in a file of settings count from the folder of that file."""
    if not isinstance(raw.value, str) or raw.origin.kind != "file":
        return raw.value
    return str(raw.base / Path(raw.value).expanduser())


def _problem(setting: Setting, raw: Raw | None, error: ValueError) -> str:
    if raw is None:
        raise error  # a default that its own kind refuses is a mistake in the table
    # What a secret's file holds, and what is wrong with it, stays untold.
    shown = "a value" if setting.secret and not raw.in_file else f"value {_quoted(raw.value)}"
    reason = "not text in UTF-8" if isinstance(error, UnicodeDecodeError) else error
    return f"Setting {setting.key!r} has {shown} from {raw.origin}: {reason}"


def _quoted(value: object) -> str:
    text = repr(value)  # with whatever is not printable escaped
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "...'"


def _derive(entries: dict[str, Entry], *, detector: str, role: str) -> None:
    """Fill in the defaults that follow from others."""
    derived: dict[str, Callable[[], object]] = {
        "dead_letter_topic": lambda: f"{entries['input_topic'].value}.dead",
        "group_id": lambda: f"fishweir-{detector}",
        "client_id": lambda: f"fishweir-{role}",
        "liveness_ms": lambda: entries["max_poll_interval_ms"].value,
    }
    for key, value in derived.items():
        if entries[key].origin is _DEFAULT:
            entries[key] = Entry(key=key, value=value(), origin=_DEFAULT, secret=False)


def _overrides(layers: Sequence[Layer], problems: list[str], client: str) -> list[Entry]:
    merged: dict[str, Raw] = {}
    for layer in reversed(layers):
        merged.update(layer.overrides)
    for name, raw in merged.items():
        if (setting := _HAS_SETTING.get(name)) is not None:
            problems.append(
                f"Kafka option {name!r} from {raw.origin} is a setting of its own; "
                f"give {setting.key} or {setting.variable}"
            )
            continue
        if (refusal := _refusal(name, str(raw.value), client)) is not None:
            problems.append(f"Kafka option {name!r} {refusal[0]}from {raw.origin}: {refusal[1]}")
    return [
        Entry(
            key=override_name(name),
            value=raw.value,
            origin=raw.origin,
            secret=_SECRETIVE.search(name) is not None,
        )
        for name, raw in sorted(merged.items())
    ]


def _refusal(name: str, text: str, client: str) -> tuple[str, str] | None:
    """What the Kafka client has against one of its options: the value if it may be told, and why.

    Values of options that it does not know stay untold: other clients may know a secret by that
    name.
    """
    # Only now: the client takes longer to import than all else here, and is seldom overridden.
    from workers.log.opening import see_option  # noqa: PLC0415

    try:
        see_option(client, name, text)
    except ConfigurationError as error:
        reason = str(error).removeprefix(f"--kafka {name}")
        told = reason.removeprefix(f"={text}: ")
        if told != reason:
            return f"has value {_quoted(text)} ", told
        return "", reason.removeprefix(": ")
    return None


def _conflicts(entries: Mapping[str, Entry]) -> list[str]:
    """What each value allows and all together do not."""
    problems: list[str] = []
    value = {key: entry.value for key, entry in entries.items()}
    topics = ["input_topic", "verdict_topic", "dead_letter_topic"]
    topics += ["shadow_topic"] if value["shadow"] is not None else []
    for i, first in enumerate(topics):
        problems.extend(
            f"Settings {first!r} and {second!r} are both {value[first]!r}; give different topics"
            for second in topics[i + 1 :]
            if value[first] == value[second]
        )
    protocol, mechanism = str(value["security_protocol"]), value["sasl_mechanism"]
    if protocol.startswith("SASL") and mechanism is None:
        problems.append(f"Setting 'security_protocol' is {protocol!r}: give sasl_mechanism too")
    if not protocol.startswith("SASL") and mechanism is not None:
        problems.append(
            f"Setting 'sasl_mechanism' is {mechanism!r}, which security_protocol {protocol!r} does "
            "not use; give SASL_SSL or SASL_PLAINTEXT"
        )
    if mechanism == "PLAIN" or str(mechanism).startswith("SCRAM"):
        problems.extend(
            f"Setting 'sasl_mechanism' is {mechanism!r}: give {key} too"
            for key in ("sasl_username", "sasl_password")
            if value[key] is None
        )
    if value["ssl_keyfile"] is not None and value["ssl_certfile"] is None:
        problems.append("Setting 'ssl_keyfile' is given without ssl_certfile; give both")
    if value["delivery"] == "exactly-once" and value["isolation_level"] != "read_committed":
        problems.append(
            "Setting 'delivery' is 'exactly-once', which isolation_level "
            f"{value['isolation_level']!r} breaks: aborted events would be judged, and positions "
            "of transactions under way be passed over; give read_committed"
        )
    problems.extend(
        f"Setting {key!r} is {value[key]!r}, a version in a registry: give models too"
        for key in ("model", "shadow", "canary")
        if isinstance(value[key], str) and value["models"] is None
    )
    if value["require_signature"] and value["trusted_keys"] is None:
        problems.append("Setting 'require_signature' is true: give trusted_keys too")
    if int(str(value["retry_initial_ms"])) > int(str(value["retry_max_ms"])):
        problems.append(
            f"Setting 'retry_initial_ms' is {value['retry_initial_ms']}, more than retry_max_ms, "
            f"{value['retry_max_ms']}; give no more than that"
        )
    return problems


def _build(
    detector: str, entries: Mapping[str, Entry], overrides: Mapping[str, str]
) -> policies.Settings:
    def made(owner: type, **more: Any) -> Any:
        values = {s.field: entries[s.key].value for s in SETTINGS if s.owner is owner}
        return owner(**values, **more)

    return policies.Settings(
        detector=detector,
        connection=made(Connection, overrides=dict(overrides)),
        topics=made(policies.Topics),
        batch=made(policies.BatchPolicy),
        pages=made(policies.PagePolicy),
        commit=made(policies.CommitPolicy),
        publish=made(policies.PublishPolicy),
        evidence=made(policies.EvidencePolicy),
        retry=made(policies.RetryPolicy),
        breaker=made(policies.BreakerPolicy),
        shutdown=made(policies.ShutdownPolicy),
        choice=made(policies.ModelChoice),
        service=made(policies.ServicePolicy),
        drift=made(policies.DriftPolicy),
        http=made(policies.HttpPolicy),
        journal=made(policies.JournalPolicy),
    )
