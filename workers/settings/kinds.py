"""What kinds of value a setting may have: each reads one from text or TOML, or says what is wrong.

``read`` raises `ValueError` with half a sentence that completes "Setting 'x' has value 'y' from
z: ...", saying what is wrong and what to give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# https://github.com/apache/kafka/blob/trunk/clients/src/main/java/org/apache/kafka/common/internals/Topic.java
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_OFFSETS = re.compile(r"([0-9]{1,9}):([0-9]{1,18})(?:-([0-9]{1,18}))?")
_HIGHEST_PORT = 65_535
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


class Kind(Protocol):
    """Reads the value of a setting."""

    @property
    def metavar(self) -> str:
        """What stands for the value in help texts."""
        ...

    def read(self, value: object) -> object:
        """The value, from text (environment, option) or from what TOML gave.

        Raises:
            ValueError: it cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``, both included."""

    low: int
    high: int
    unit: str = ""

    @property
    def metavar(self) -> str:
        """What stands for the value."""
        return {"ms": "MS", "bytes": "BYTES"}.get(self.unit, "N")

    def read(self, value: object) -> int:
        """The number."""
        # int() would also take 1_000 and other scripts' digits; bool is an int, to Python.
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()):
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise ValueError(f"not a whole number; give {self._range()}")
        if not self.low <= number <= self.high:
            raise ValueError(f"out of range; give {self._range()}")
        return number

    def _range(self) -> str:
        unit = {"ms": " of milliseconds", "bytes": " of bytes"}.get(self.unit, "")
        return f"a number{unit} from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def metavar(self) -> str:
        """What stands for the value."""
        return "|".join(self.words)

    def read(self, value: object) -> str:
        """The word, as spelt in ``words``."""
        # Kafka spells its protocols in capitals and the rest in small letters: take either.
        for word in self.words:
            if isinstance(value, str) and value.strip().lower() == word.lower():
                return word
        raise ValueError(f"not one of the choices; give one of {', '.join(self.words)}")


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    metavar: str = "true|false"

    def read(self, value: object) -> bool:
        """The answer."""
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else None
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise ValueError("neither yes nor no; give true or false")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the whole: more than 0 and less than 1."""

    metavar: str = "SHARE"

    def read(self, value: object) -> float:
        """The number."""
        try:
            share = float(str(value))
        except ValueError:
            share = float("nan")
        if isinstance(value, bool) or not 0 < share < 1:
            raise ValueError("not a share; give a number between 0 and 1, such as 0.5")
        return share


@dataclass(frozen=True, slots=True)
class OffsetRanges:
    """Offsets by partition, ``PARTITION:FIRST-LAST``, comma-separated (in TOML also a list)."""

    metavar: str = "PARTITION:FIRST-LAST,..."

    def read(self, value: object) -> tuple[tuple[int, int, int], ...]:
        """The ranges as (partition, first, last), both included."""
        parts = value if isinstance(value, list) else str(value).split(",")
        ranges = []
        for part in parts:
            found = re.fullmatch(
                r"([0-9]{1,9}):([0-9]{1,18})(?:-([0-9]{1,18}))?", str(part).strip()
            )
            if found is None:
                raise ValueError(f"{part!r} is not PARTITION:FIRST-LAST; give e.g. 3:1200-1299")
            first = int(found[2])
            last = first if found[3] is None else int(found[3])
            if last < first:
                raise ValueError(f"{part!r} ends before it begins; give e.g. 3:1200-1299")
            ranges.append((int(found[1]), first, last))
        return tuple(ranges)


@dataclass(frozen=True, slots=True)
class Text:
    """Any text that is not empty."""

    metavar: str = "TEXT"

    def read(self, value: object) -> str:
        """The text."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError("not a text; give one that is not empty")
        return value


@dataclass(frozen=True, slots=True)
class KafkaName:
    """A name as Kafka allows for topics and static members."""

    metavar: str = "NAME"

    def read(self, value: object) -> str:
        """The name."""
        if isinstance(value, str) and _TOPIC.fullmatch(value) and value not in {".", ".."}:
            return value
        raise ValueError(
            "not a name that Kafka allows; give 1 to 249 letters, digits, '.', '_' or '-'"
        )


@dataclass(frozen=True, slots=True)
class Servers:
    """Brokers to start from, ``host:port``, comma-separated (in TOML also a list)."""

    metavar: str = "HOST:PORT,..."

    def read(self, value: object) -> str:
        """The brokers, without spaces."""
        parts = value if isinstance(value, list) else str(value).split(",")
        servers = [str(part).strip() for part in parts]
        for server in servers:
            host, colon, port = server.rpartition(":")
            if not (colon and _is_host(host) and _is_port(port, lowest=1)):
                raise ValueError(
                    f"{server!r} is not host:port; give e.g. broker-1:9092,broker-2:9092"
                )
        return ",".join(servers)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, ``host:port``; port 0 lets the system pick one."""

    metavar: str = "HOST:PORT"

    def read(self, value: object) -> str:
        """The address, without spaces."""
        address = str(value).strip()
        host, colon, port = address.rpartition(":")
        if not (colon and _is_host(host) and _is_port(port, lowest=0)):
            raise ValueError(
                "not host:port; give e.g. 127.0.0.1:9100, or port 0 to have one picked"
            )
        return address


def _is_host(text: str) -> bool:
    bare_ipv6 = ":" in text and not (text.startswith("[") and text.endswith("]"))
    return bool(text) and not bare_ipv6 and not re.search(r"[\s/]", text)


def _is_port(text: str, *, lowest: int) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and lowest <= int(text) <= _HIGHEST_PORT


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """A file that can be read."""

    metavar: str = "FILE"

    def read(self, value: object) -> str:
        """The path."""
        path = Path(Text().read(value)).expanduser()
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no such file"
            raise ValueError(f"{what}; give the path of a file that exists")
        return str(path)


@dataclass(frozen=True, slots=True)
class ExistingFolder:
    """A folder that is there."""

    metavar: str = "FOLDER"

    def read(self, value: object) -> Path:
        """The path."""
        path = Path(Text().read(value)).expanduser()
        if not path.is_dir():
            what = "a file" if path.is_file() else "no such folder"
            raise ValueError(f"{what}; give the path of a folder that exists")
        return path
