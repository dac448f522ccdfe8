"""`weir schema`: print the contracts of what travels."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def schema(
    contract: Annotated[
        Literal["telemetry-url", "telemetry-html", "telemetry-path", "verdict", "dead-letter"]
        | None,
        typer.Argument(
            metavar="telemetry-url|telemetry-html|telemetry-path|verdict|dead-letter",
            help="Which contract; all, as one JSON object, without it.",
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of the detectors' telemetry, of verdicts or of dead letters."""
    import orjson  # noqa: PLC0415

    from schemas.contracts import CONTRACTS, contract_text  # noqa: PLC0415
    from schemas.contracts import contract as read  # noqa: PLC0415

    if contract is not None:
        typer.echo(contract_text(contract).rstrip(b"\n"))
    else:
        together = {name: read(name) for name in CONTRACTS}
        typer.echo(orjson.dumps(together, option=orjson.OPT_INDENT_2))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(short_help="Print the contracts as JSON Schema.")(schema)
