"""``python -m workers.cli`` is ``weir``."""

from __future__ import annotations

from workers.cli.main import main

main()
