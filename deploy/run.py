"""What `make run` runs: a broker, unless one is given, and the demonstration on the samples.

python deploy/run.py
python deploy/run.py --bootstrap-servers host:9092
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Events of each detector; a worker is started for each.
SAMPLES = {
    "url": HERE / "sample" / "urls.jsonl.gz",
    "html": HERE / "sample" / "pages.jsonl.gz",
    "path": HERE / "sample" / "paths.jsonl.gz",
}
LAUNCHER = HERE / "kafka" / "launcher.py"
# Exit codes of the launcher that mean: this machine cannot run a broker.
MISSING = {3: "Maven", 4: "Java", 5: "Kafka's jars"}


def main() -> int:
    """Run the demonstration and return its exit code."""
    if len(sys.argv) > 1:
        return demonstrate(*sys.argv[1:])
    launcher = subprocess.Popen(
        [sys.executable, LAUNCHER, "run", "--port", "0", "--with-parent"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        print("starting a Kafka node (the first time, Maven fetches it: 55 MB)", flush=True)
        serving = launcher.stdout.readline().split() if launcher.stdout else []
        if serving[:1] == ["serving"]:
            return demonstrate("--bootstrap-servers", serving[1])
        code = launcher.wait()
        if code not in MISSING:
            return code or 1
        print(
            f"{MISSING[code]} cannot be had (see above), so there is no Kafka broker: going on "
            "with a log in memory. The workers are the same.",
            flush=True,
        )
        return demonstrate("--memory")
    finally:
        launcher.terminate()
        launcher.wait()


def demonstrate(*options: str) -> int:
    """Run ``weir demo`` on the samples."""
    inputs = [
        part for detector, file in SAMPLES.items() for part in ("--input", f"{detector}={file}")
    ]
    return subprocess.call([sys.executable, "-m", "workers.cli", "demo", *inputs, *options])


if __name__ == "__main__":
    sys.exit(main())
