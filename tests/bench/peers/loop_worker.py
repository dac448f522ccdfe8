"""A worker as one writes it in an afternoon: kafka-python, a batch, the network, the verdicts."""

from __future__ import annotations

import argparse

import orjson
from kafka import KafkaConsumer, KafkaProducer

from tests.bench.peers.network import named


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("--servers", "--input", "--output", "--group"):
        parser.add_argument(option, required=True)
    parser.add_argument("--call", choices=("predict", "predict_on_batch", "function"))
    told = parser.parse_args()
    score = named("plain", told.call)
    consumer = KafkaConsumer(
        told.input,
        bootstrap_servers=told.servers,
        group_id=told.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=1024,
    )
    producer = KafkaProducer(bootstrap_servers=told.servers, linger_ms=5, compression_type="lz4")
    while True:
        polled = consumer.poll(timeout_ms=100, max_records=1024)
        records = [record for some in polled.values() for record in some]
        if not records:
            continue
        urls = [orjson.loads(record.value)["url"] for record in records]
        for record, url, found in zip(records, urls, score(urls), strict=True):
            value = orjson.dumps({"url": url, "score": found, "malicious": found > 0.5})
            producer.send(told.output, value, key=record.key)
        producer.flush()
        consumer.commit()


if __name__ == "__main__":
    main()
