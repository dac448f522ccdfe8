"""Telemetry to test with: the sample of the repository, and events made to be bad."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import orjson

SAMPLE = Path(__file__).parents[2] / "deploy" / "sample" / "urls.jsonl.gz"

BAD = (
    b"",
    None,
    b"not json",
    b"[]",
    b"{}",
    b'{"url": 7}',
    b'{"url": ""}',
    b'{"url": "\xff"}',
    b'{"url": "http://a.example/", "id": [1]}',
)
"""Values that must end as dead letters."""


@functools.cache
def sample() -> tuple[bytes, ...]:
    """Events of the sample that can be judged."""
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines()
    return tuple(line for line in lines if _is_good(line))


def distinct(n: int, start: int = 0) -> list[bytes]:
    """n good events with URLs that all differ, made from the sample's, numbered from ``start``."""
    urls = [orjson.loads(line)["url"] for line in sample()]
    return [
        orjson.dumps({"id": number, "url": f"{urls[number % len(urls)]}?n={number}"})
        for number in range(start, start + n)
    ]


def _is_good(line: bytes) -> bool:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(event, dict) and isinstance(event.get("url"), str) and bool(event["url"])
