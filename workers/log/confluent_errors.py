"""What librdkafka reports, in the words of the workers."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaError, KafkaException
from kafka.errors import ProducerFencedError, SaslAuthenticationFailedError, for_code

from workers.errors import AssignmentLostError, LogError, LogUnavailableError, WorkerError
from workers.log.kafka_errors import translate as translate_brokers

# Of its own, which no broker says.
_PASSING: Final = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - the names that confluent-kafka gives them
        KafkaError._IN_PROGRESS,  # noqa: SLF001
        KafkaError._MSG_TIMED_OUT,  # noqa: SLF001
        KafkaError._PREV_IN_PROGRESS,  # noqa: SLF001
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
        KafkaError._PURGE_QUEUE,  # noqa: SLF001
        KafkaError._QUEUE_FULL,  # noqa: SLF001
        KafkaError._RESOLVE,  # noqa: SLF001
        KafkaError._RETRY,  # noqa: SLF001
        KafkaError._SSL,  # noqa: SLF001
        KafkaError._TIMED_OUT,  # noqa: SLF001
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001
        KafkaError._TRANSPORT,  # noqa: SLF001
        # Topics are asked for anew, which names one that is not there.
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._WAIT_CACHE,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
    }
)


def error_of(raised: KafkaException) -> KafkaError:
    """What a raised exception is about."""
    error: KafkaError = raised.args[0]
    return error


def translate(error: KafkaError, doing: str) -> WorkerError:
    """The worker's error for one of librdkafka's.

    What brokers say has the same words as with kafka-python.

    Args:
        error: What was reported.
        doing: What was being done, for the message: "reading topic 'telemetry.urls'".
    """
    code, told = error.code(), " ".join(str(error.str()).split())
    if code == KafkaError._AUTHENTICATION:  # noqa: SLF001
        return translate_brokers(SaslAuthenticationFailedError(told), doing)
    if code == KafkaError._FENCED:  # noqa: SLF001
        return translate_brokers(ProducerFencedError(told), doing)
    if code == KafkaError._ASSIGNMENT_LOST:  # noqa: SLF001
        return AssignmentLostError(f"{doing}: this member is no longer in the group ({told})")
    if code in _PASSING or (code < 0 and error.retriable()):
        return LogUnavailableError(f"{doing}: {told}")
    if code > 0:
        return translate_brokers(for_code(code)(told), doing)
    return LogError(f"{doing}: {error.name()}: {told}")
