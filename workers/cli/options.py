"""Turns rows of the table of settings into typer options."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec, TypeVar

import typer

from workers.settings.detectors import default_in_words
from workers.settings.resolve import Given
from workers.settings.setting import Panel, Setting
from workers.settings.sources import CONFIG_VARIABLE, FILE_SUFFIX, OVERRIDE_PREFIX
from workers.settings.table import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


P = ParamSpec("P")
R = TypeVar("R")

CLIENT: Final = (Panel.KAFKA, Panel.SECURITY)
"""What every verb that talks to Kafka takes."""

ENGINE: Final = ("engine", "engine_threads", "gpu_memory_mb", "gpu_precision")
"""What computes, and how."""

MODEL: Final = ("models", "model", "require_signature", "trusted_keys", *ENGINE)
"""What every verb that judges takes to find its model."""

# Where `--kafka` stands in help texts.
_LAST_OF_CLIENT: Final = next(s for s in reversed(SETTINGS) if s.panel is Panel.KAFKA)

_OVERRIDE: Final = typer.Option(
    "--kafka",
    metavar="NAME=VALUE",
    help=(
        "Any further option of the Kafka client by its Kafka name, e.g. "
        f"fetch.max.bytes=1048576; repeatable. Default: none. Env: {OVERRIDE_PREFIX}<NAME>."
    ),
    rich_help_panel=Panel.KAFKA.value,
)
_CONFIG: Final = typer.Option(
    "--config",
    metavar="FILE",
    help=(
        "TOML file of settings, which options and environment override. Default: none. "
        f"Env: {CONFIG_VARIABLE}."
    ),
)
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def takes_settings(
    *chosen: Panel | str,
    detector: str | None = None,
) -> Callable[[Callable[Concatenate[Given, P], R]], Callable[..., R]]:
    """Give a verb the options of the ``chosen`` panels and keys, and ``--config``.

    The verb's first parameter receives them as `Given`; its others are options of its own. Help
    texts show the defaults of ``detector``, or of all.
    """

    def decorate(verb: Callable[Concatenate[Given, P], R]) -> Callable[..., R]:
        settings = [s for s in SETTINGS if s.panel in chosen or s.key in chosen]

        @functools.wraps(verb)
        def wrapper(**arguments: Any) -> R:
            options = {
                name: text
                for name in map(_parameter, settings)
                if (text := arguments.pop(name)) is not None
            }
            given = Given(
                options=options,
                overrides=arguments.pop("kafka", None) or (),
                config=arguments.pop("config"),
            )
            return verb(given, **arguments)  # type: ignore[call-arg]  # only keywords are left

        _, *own = inspect.signature(verb, eval_str=True).parameters.values()
        signature = inspect.Signature(
            [
                *(p for p in own if p.kind is not _KEYWORD),
                *(p for p in own if p.kind is _KEYWORD),
                *_parameters(settings, detector),
            ]
        )
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return wrapper

    return decorate


def _parameters(settings: list[Setting], detector: str | None) -> Iterator[inspect.Parameter]:
    for setting in settings:
        yield _optional(_parameter(setting), _annotation(setting, detector))
        if setting is _LAST_OF_CLIENT:
            yield _optional("kafka", Annotated[list[str] | None, _OVERRIDE])
    yield _optional("config", Annotated[Path | None, _CONFIG])


def _optional(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, _KEYWORD, default=None, annotation=annotation)


def _parameter(setting: Setting) -> str:
    """Secrets may only be given by file: other users of the machine can read command lines."""
    return setting.key + FILE_SUFFIX if setting.secret else setting.key


def _annotation(setting: Setting, detector: str | None) -> Any:
    text, metavar, variable = setting.help, setting.kind.metavar, setting.variable
    if setting.secret:
        text, metavar = f"File that holds the {text[0].lower()}{text[1:]}", "FILE"
        variable = f"{variable}{FILE_SUFFIX.upper()}, or {variable} itself"
    default = setting.derived or text_of(default_in_words(setting, detector))
    return Annotated[
        str | None,
        typer.Option(
            setting.option + (FILE_SUFFIX.replace("_", "-") if setting.secret else ""),
            help=f"{text} Default: {default}. Env: {variable}.",
            metavar=metavar,
            rich_help_panel=setting.panel.value,
        ),
    ]


def text_of(value: object) -> str:
    """The value of a setting as an operator would write it."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
