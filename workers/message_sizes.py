"""How large the messages on a detector's topics may become, and the topics' settings for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schemas.limits import DecodingLimits
    from workers.settings.policies import Settings

MAX_MESSAGE_BYTES: Final = "max.message.bytes"

# Key and headers that a record comes with, tracing mostly. A dead letter has them too, and as much
# again for headers of its own, which are 2 KiB at the longest.
_AROUND_THE_VALUE: Final = 64 * 1024


def decoding_limits(settings: Settings) -> DecodingLimits:
    """What is taken of events, and how much of a batch is unpacked at once."""
    from schemas.limits import DecodingLimits  # noqa: PLC0415

    return DecodingLimits(
        max_page_bytes=settings.pages.max_bytes, max_part_bytes=settings.batch.max_batch_bytes
    )


def topic_configs(settings: Settings) -> dict[str, dict[str, str]]:
    """Settings of the input, verdict and dead-letter topics, under Kafka's names, by topic.

    The topic of pages takes whatever the decoder takes, and that of its dead letters all that the
    other takes. With pages of 32 MiB that is 97 MiB and some, which just fits into the largest
    request that brokers take by default (``socket.request.max.bytes``, 100 MiB). All other
    messages are smaller than the 1 MiB that topics take by default.
    """
    from schemas.telemetry import SUBJECTS, max_record_bytes  # noqa: PLC0415
    from workers.log.kafka_sizes import needed_message_bytes  # noqa: PLC0415

    names = settings.topics
    configs: dict[str, dict[str, str]] = {
        name: {} for name in (names.input_topic, names.verdict_topic, names.dead_letter_topic)
    }
    if settings.detector not in SUBJECTS:
        value = max_record_bytes(settings.detector, decoding_limits(settings))
        for times, name in enumerate((names.input_topic, names.dead_letter_topic), start=1):
            needed = needed_message_bytes(value + times * _AROUND_THE_VALUE)
            configs[name] = {MAX_MESSAGE_BYTES: str(needed)}
    return configs
