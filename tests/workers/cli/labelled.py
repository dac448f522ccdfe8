"""A user's own CSV, with names of columns of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAMED = ("--text-column", "address", "--label-column", "bad")


def write_urls(path: Path, rows: int = 300) -> Path:
    """No splits, no sources; texts hold an escape sequence."""
    random = np.random.default_rng(5)
    lines = ["address,bad"]
    for number, label in enumerate(random.integers(0, 2, rows).tolist()):
        lines.append(f"http://{'evil' if label else 'good'}{number}.example/\x1b[31m,{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_paths(path: Path, rows: int = 300) -> Path:
    random = np.random.default_rng(6)
    lines = ["text,label,kind"]
    for number, label in enumerate(random.integers(0, 2, rows).tolist()):
        name = "payload" if label else "setup"
        lines.append(f"C:\\Users\\ann\\{name}{number}.exe,{label},file")
    path.write_text("\n".join(lines) + "\n")
    return path
