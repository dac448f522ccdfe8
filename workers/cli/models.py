"""`weir models`: artefacts and the registry, a file for each kind of verb."""

from __future__ import annotations

import typer

from workers.cli.app import new_app
from workers.cli.models_compare import compare
from workers.cli.models_diff import diff
from workers.cli.models_keys import keygen, sign
from workers.cli.models_list import list_models
from workers.cli.models_promote import candidate, history, promote, rollback
from workers.cli.models_store import add, prune
from workers.cli.models_verify import verify_models


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Models: trained weights, what they are, and which of them is live.")
    group.command("list")(list_models)
    group.command("verify")(verify_models)
    group.command("diff")(diff)
    group.command("compare")(compare)
    group.command("add")(add)
    group.command("promote")(promote)
    group.command("rollback")(rollback)
    group.command("candidate")(candidate)
    group.command("history")(history)
    group.command("prune")(prune)
    group.command("keygen")(keygen)
    group.command("sign")(sign)
    app.add_typer(group, name="models")
