"""`weir schema`: print the contracts of what travels."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def schema(
    contract: Annotated[
        Literal["telemetry", "verdict", "dead-letter"] | None,
        typer.Argument(
            metavar="telemetry|verdict|dead-letter",
            help="Which contract; all three, as one JSON object, without it.",
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of telemetry, verdicts or dead letters."""
    import orjson  # noqa: PLC0415

    from schemas.contracts import contract as read  # noqa: PLC0415
    from schemas.contracts import contract_text  # noqa: PLC0415

    names = {"telemetry": "telemetry-url", "verdict": "verdict", "dead-letter": "dead-letter"}
    if contract is not None:
        typer.echo(contract_text(names[contract]).rstrip(b"\n"))
    else:
        together = {short: read(name) for short, name in names.items()}
        typer.echo(orjson.dumps(together, option=orjson.OPT_INDENT_2))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Print the contracts as JSON Schema.")(schema)
