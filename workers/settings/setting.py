"""One setting: its name in every place that it can be given, its kind and its help."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workers.settings.kinds import Kind

PREFIX: Final = "WEIR_"


class Panel(Enum):
    """Settings that belong together, in the order and under the headings of help texts."""

    TOPICS = "Topics"
    BATCHES = "Batches and commits"
    MODEL = "Model and verdicts"
    SERVICE = "Models in service"
    KAFKA = "Kafka"
    GROUP = "Consumer group"
    SECURITY = "Kafka security"
    FAULTS = "Faults and stopping"
    HEALTH = "Metrics and health"
    LOGS = "Logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row.

    Attributes:
        key: Its name in TOML; the option and the variable follow from it.
        kind: Which values it takes.
        help: One sentence for the operator.
        panel: Where it stands in help texts.
        owner: The frozen object whose field it fills.
        field: The name of that field.
        secret: Its value is never shown, and may be given by file but not as an option, which
            other users of the machine could read.
        derived: In words, the default of a setting that follows from others.
    """

    key: str
    kind: Kind
    help: str
    panel: Panel
    owner: type
    field: str
    secret: bool = False
    derived: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.key.upper()

    @property
    def option(self) -> str:
        """The option on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def default(self) -> Any:
        """The default, from the object that owns the field."""
        found: Field[Any] = next(f for f in fields(self.owner) if f.name == self.field)
        if found.default is MISSING:
            raise TypeError(f"{self.owner.__name__}.{self.field} has no default")
        return found.default
