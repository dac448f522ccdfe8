"""Defaults that differ between the workers of the detectors; all others are the policies' own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workers.settings.setting import Setting

# A page is some hundred times the length of a URL: 64 keep an engine as busy as any batch of URLs.
_PAGES_IN_BATCH: Final = 64

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "url": {},
        "html": {"input_topic": "telemetry.html", "max_batch": _PAGES_IN_BATCH},
        "path": {"input_topic": "telemetry.paths"},
    }
)
"""By the detector's name, then by the key of the setting."""


def default_of(setting: Setting, detector: str) -> Any:
    """What a setting is for a detector where nothing is given."""
    return DEFAULTS[detector].get(setting.key, setting.default)


def default_in_words(setting: Setting, detector: str | None) -> Any:
    """The default as help texts show it: of one detector, or (None) of all."""
    own = {
        name: defaults[setting.key]
        for name, defaults in DEFAULTS.items()
        if setting.key in defaults and detector in (None, name)
    }
    if detector is not None or not own:
        return own.get(detector or "", setting.default)
    others = ", ".join(f"{name}: {value}" for name, value in own.items())
    return f"{setting.default} ({others})"
