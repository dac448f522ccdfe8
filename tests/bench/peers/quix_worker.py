"""The same on Quix Streams: windows of 1,024 events a key, judged at one go, one verdict each."""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]  # in the peers' environment
from quixstreams.dataframe.windows import Collect  # type: ignore[import-not-found]

from tests.bench.peers.network import named

WINDOW = 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--servers", "--input", "--output", "--group"):
        parser.add_argument(option, required=True)
    parser.add_argument("--network", choices=("plain", "same"), default="plain")
    told = parser.parse_args()
    score = named(told.network, "predict_on_batch")

    def judge(window: dict[str, Any]) -> list[dict[str, Any]]:
        urls = [event["url"] for event in window["events"]]
        return [
            {"url": url, "score": found, "malicious": found > 0.5}
            for url, found in zip(urls, score(urls), strict=True)
        ]

    with tempfile.TemporaryDirectory() as state:
        application = Application(
            broker_address=told.servers,
            consumer_group=told.group,
            auto_offset_reset="earliest",
            state_dir=state,
            use_changelog_topics=False,
            producer_extra_config={"compression.type": "lz4"},
            loglevel="WARNING",
        )
        events = application.topic(told.input, value_deserializer="json")
        verdicts = application.topic(told.output, value_serializer="json")
        stream = application.dataframe(events)
        stream = stream.tumbling_count_window(WINDOW).agg(events=Collect()).final()
        stream = stream.apply(judge, expand=True)
        stream.to_topic(verdicts)
        application.run()


if __name__ == "__main__":
    main()
