"""`weir check-config`: the settings that hold, and where each came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workers.cli.options import takes_settings, text_of
from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load
from workers.settings.setting import Panel

if TYPE_CHECKING:
    from workers.settings.policies import ModelChoice
    from workers.settings.resolve import Entry


@takes_settings(*Panel)
def check_config(
    given: Given,
    detector: Annotated[
        Literal["url", "html", "path"],
        typer.Argument(
            metavar="url|html|path",
            help="Whose worker would run with these settings. Default: url.",
            show_default=False,
        ),
    ] = "url",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the effective settings with their origins, secrets hidden.

    Takes all options of weir work and reads the same environment and file. Exit code 2, with
    every mistake named, where the worker would not start with them.
    """
    from workers.log.opening import open_log  # noqa: PLC0415

    effective = load(given, detector=detector)
    open_log(effective.settings.connection)  # connects to nothing, but knows the client's options
    _check_keys(effective.settings.choice)
    entries = effective.entries
    if as_json:
        import orjson  # noqa: PLC0415

        document = {
            entry.key: {"value": _plain(entry.shown), "origin": str(entry.origin)}
            for entry in entries
        }
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        _print_table(entries)


def _check_keys(choice: ModelChoice) -> None:
    """See that files of trusted keys hold keys.

    Raises:
        ConfigurationError: they do not.
    """
    if choice.trusted_keys is None:
        return
    from models.errors import SignatureError  # noqa: PLC0415
    from workers.model_source import trust_of  # noqa: PLC0415

    try:
        trust_of(choice)
    except SignatureError as error:
        raise ConfigurationError(
            f"Setting 'trusted_keys' has value {choice.trusted_keys!r}: {error}"
        ) from error


def _print_table(entries: tuple[Entry, ...]) -> None:
    from workers.cli.terminal import print_table  # noqa: PLC0415

    rows = [(e.key, text_of(e.shown), str(e.origin)) for e in entries]
    # What somebody set stands out from what is as it comes.
    emphasis = [e.origin.kind != "default" for e in entries]
    print_table(("setting", "value", "from"), rows, emphasis=emphasis)


def _plain(value: object) -> Any:
    return value if isinstance(value, str | int | None) else str(value)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check-config", short_help="Print the settings that hold.")(check_config)
