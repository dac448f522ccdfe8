"""The peers' own environment: what they need, pinned by digest, and the TensorFlow that is ours.

It is made by the benchmark in ``build/peers`` and made again when the pins change. TensorFlow and
numpy come from the environment that runs the benchmark, so that the same network runs on the same
library; where both have a library, the peers' own goes first.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "requirements.lock"
FOLDER: Final = HERE.parents[2] / "build" / "peers"
_MADE_OF: Final = "made-of.lock"


def interpreter() -> Path:
    """Python of the peers' environment, which is made first where it is not there.

    Raises:
        RuntimeError: it cannot be made; the message has the installer's.
    """
    python = FOLDER / "bin" / "python"
    made_of = FOLDER / _MADE_OF
    if made_of.is_file() and made_of.read_bytes() == LOCK.read_bytes():
        return python
    _run(sys.executable, "-m", "venv", "--clear", str(FOLDER))
    _run(
        *(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--no-deps", "-r", str(LOCK)),
    )
    # After the peers' own folder on the path.
    own = Path(sysconfig.get_path("purelib", vars={"base": str(FOLDER)}))
    (own / "of-the-benchmark.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    made_of.write_bytes(LOCK.read_bytes())
    return python


def versions() -> dict[str, str]:
    """What the peers run on, by distribution."""
    pins = (line.split()[0] for line in LOCK.read_text().splitlines() if "==" in line)
    return {
        name: version
        for name, _, version in (pin.partition("==") for pin in pins)
        if name in {"confluent-kafka", "kafka-python", "quixstreams"}
    }


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"The peers' environment cannot be made:\n{done.stderr.strip()}")
