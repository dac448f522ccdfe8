"""The three places that settings come from, each read into one layer of raw values.

Reading a layer refuses what it does not know; values are judged later, and only those that no
higher layer overrides.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from workers.settings.setting import PREFIX
from workers.settings.table import BY_KEY, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
OVERRIDE_PREFIX: Final = f"{PREFIX}KAFKA_"
FILE_SUFFIX: Final = "_file"

# Kubernetes tells every container of every service of its namespace by such variables; a service
# whose name begins with "weir" must not stop the worker.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK: Final = re.compile(
    rf"{PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from: the kind of place, and its name there."""

    kind: Literal["default", "file", "environment", "option"]
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A value as it was given.

    Attributes:
        value: Text, or what TOML gave; not shown by ``repr``, since it may be a secret.
        origin: Where it came from.
        in_file: Whether ``value`` is the path of a file that holds the value.
        base: The folder that relative paths count from.
    """

    value: object = field(repr=False)
    origin: Origin
    in_file: bool = False
    base: Path = field(default_factory=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """All that one place gave.

    Attributes:
        values: By the keys of the table of settings.
        overrides: Further client options, by their name with underscores.
        problems: What could not be taken, each a sentence.
    """

    values: dict[str, Raw] = field(default_factory=dict)
    overrides: dict[str, Raw] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, key: str, raw: Raw) -> bool:
        """Take ``raw`` under ``key``, or under the secret that ``key`` names a file for."""
        secret = BY_KEY.get(key.removesuffix(FILE_SUFFIX)) if key.endswith(FILE_SUFFIX) else None
        if secret is not None and secret.secret:
            key, raw = (
                secret.key,
                Raw(value=raw.value, origin=raw.origin, in_file=True, base=raw.base),
            )
        if key not in BY_KEY:
            return False
        if (other := self.values.get(key)) is not None:
            self.problems.append(
                f"Setting {key!r} is given twice, by {other.origin} and {raw.origin}; give one"
            )
        self.values[key] = raw
        return True


def from_options(options: Mapping[str, str], overrides: Sequence[str]) -> Layer:
    """The command line: ``options`` by key, and each ``--kafka NAME=VALUE``."""
    layer = Layer()
    for key, value in options.items():
        origin = Origin(kind="option", name="--" + key.replace("_", "-"))
        if not layer.put(key, Raw(value=value, origin=origin)):
            raise KeyError(key)
    for pair in overrides:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            layer.problems.append(
                f"Option --kafka has value {name!r}: no NAME=VALUE; "
                "give e.g. --kafka fetch.max.bytes=1048576"
            )
            continue
        raw = Raw(value=value, origin=Origin(kind="option", name=f"--kafka {name}"))
        layer.overrides[override_name(name)] = raw
    return layer


def from_environment(environ: Mapping[str, str]) -> Layer:
    """The ``WEIR_*`` variables; an empty one counts as absent, as compose files set them."""
    layer = Layer()
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE or not value:
            continue
        raw = Raw(value=value, origin=Origin(kind="environment", name=variable))
        if layer.put(variable.removeprefix(PREFIX).lower(), raw):
            continue
        if variable.startswith(OVERRIDE_PREFIX):
            layer.overrides[override_name(variable.removeprefix(OVERRIDE_PREFIX))] = raw
        elif not _SERVICE_LINK.fullmatch(variable):
            known = [setting.variable for setting in SETTINGS] + [CONFIG_VARIABLE]
            layer.problems.append(
                f"Environment variable {variable!r} is no setting{_near(variable, known)}"
            )
    return layer


def from_file(path: Path, named_by: Origin) -> Layer:
    """A TOML file: settings by key, and a table ``[kafka]`` of further client options."""
    layer = Layer()
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        layer.problems.append(
            f"Setting 'config' has value {str(path)!r} from {named_by}: "
            f"{error.strerror or error}; give the path of a TOML file"
        )
        return layer
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        layer.problems.append(f"File {str(path)!r} is not TOML: {reason}")
        return layer
    for key, value in document.items():
        origin = Origin(kind="file", name=f"{path}:{key}")
        if key == "kafka" and isinstance(value, dict):
            for name, text in _flat(value):
                origin = Origin(kind="file", name=f"{path}:kafka.{name}")
                layer.overrides[override_name(name)] = Raw(value=text, origin=origin)
        elif not layer.put(key, Raw(value=value, origin=origin, base=path.parent)):
            layer.problems.append(
                f"Setting {key!r} in file {str(path)!r} is unknown{_near(key, [*BY_KEY, 'kafka'])}"
            )
    return layer


def override_name(name: str) -> str:
    """One spelling for ``fetch.max.bytes``, ``fetch_max_bytes`` and ``FETCH_MAX_BYTES``."""
    return name.strip().lower().replace(".", "_").replace("-", "_")


def _flat(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    """Leaves of nested tables: TOML reads an unquoted ``fetch.max.bytes`` as three of them."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield above + name, text


def _near(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {matches[0]!r}?" if matches else "; remove it"
