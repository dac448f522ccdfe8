"""`weir work`: run one replica of a detector's worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from workers.cli.app import new_app
from workers.cli.one_thread import numpy_in_one_thread
from workers.cli.options import takes_settings
from workers.heap import loading
from workers.settings.resolve import Given, load
from workers.settings.setting import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

DETECTORS: Final = {
    "url": "URLs",
    "html": "HTML pages",
    "path": "file paths and registry keys",
}
"""What has a worker, and what it judges."""


def _verb(detector: str, subject: str) -> Callable[..., None]:
    @takes_settings(*Panel, detector=detector)
    def work(given: Given) -> None:
        numpy_in_one_thread()
        with loading():
            from workers import journal  # noqa: PLC0415
            from workers.worker import run  # noqa: PLC0415

        settings = load(given, detector=detector).settings
        journal.configure(settings.journal, report_period_ms=settings.retry.report_period_ms)
        raise typer.Exit(run(settings))

    work.__doc__ = f"""Judge {subject} from a topic until SIGTERM or SIGINT.

    Replicas are this command started again: the group shares out the partitions. Settings come
    from options, then the environment, then the file of --config; weir check-config shows them.
    """
    return work


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Run one replica of a detector's worker.")

    @group.callback()
    def _group() -> None:
        """Keep the detector's name a word of its own."""

    for detector, subject in DETECTORS.items():
        group.command(detector)(_verb(detector, subject))
    app.add_typer(group, name="work")
