"""What the Kafka client raises, in the words of the workers."""

from __future__ import annotations

from kafka import errors

from workers.errors import (
    AssignmentLostError,
    AuthorisationError,
    ConfigurationError,
    LogUnavailableError,
    RecordTooLargeError,
    TopicMissingError,
    WorkerError,
)
from workers.errors import LogError as PermanentLogError
from workers.log.kafka_reasons import RefusedError

# The group has gone on without us (KIP-429, KIP-345).
_ASSIGNMENT_LOST = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_AUTHENTICATION = (
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)


def translate(error: Exception, doing: str) -> WorkerError:
    """The worker's error for one that the Kafka client raised.

    Args:
        error: What was raised.
        doing: What was being done, for the message: "reading topic 'telemetry.urls'".

    Returns:
        A `WorkerError`; itself if it is one already. Messages never hold a secret: of failed
        authentication they say only that it failed and which settings to look at.
    """
    if isinstance(error, WorkerError):
        return error
    if isinstance(error, RefusedError) and error.meaning is not None:
        return error.meaning
    known = _by_meaning(error, doing)
    if known is not None:
        return known
    if isinstance(error, errors.RetriableError | OSError):
        return LogUnavailableError(f"{doing}: {_told(error)}")
    return PermanentLogError(f"{doing}: {_told(error)}")


def _by_meaning(error: Exception, doing: str) -> WorkerError | None:
    """Errors with a name of their own here."""
    if isinstance(error, _AUTHENTICATION):
        return AuthorisationError(
            f"{doing}: the cluster did not accept who we are ({type(error).__name__}). Check "
            "--sasl-mechanism, --sasl-username and --sasl-password-file"
        )
    if isinstance(error, errors.AuthorizationError):
        return AuthorisationError(
            f"{doing}: {_told(error)}. Grant this client's principal {_rights(error)}"
        )
    if isinstance(error, _ASSIGNMENT_LOST):
        return AssignmentLostError(
            f"{doing}: this member is no longer in the group ({type(error).__name__})"
        )
    if isinstance(error, errors.RebalanceInProgressError):
        return LogUnavailableError(f"{doing}: the group is rebalancing; poll, then try again")
    return _of_a_topic(error, doing) or _by_setting(error, doing)


def _rights(error: Exception) -> str:
    """What to grant."""
    if isinstance(error, errors.GroupAuthorizationFailedError):
        return "Read on the group (--group-id)"
    if isinstance(error, errors.TransactionalIdAuthorizationFailedError):
        return "Write and Describe on the transactional id"
    if isinstance(error, errors.TopicAuthorizationFailedError):
        return (
            "Read and Describe on the topic it reads, Write and Describe on those it publishes to"
        )
    return (
        "what it needs: Read on the input topic and the group, Write and Describe on the topics "
        "published to"
    )


def _of_a_topic(error: Exception, doing: str) -> WorkerError | None:
    """Errors that a topic gives."""
    if isinstance(error, _TOO_LARGE):
        return RecordTooLargeError(f"{doing}: {_told(error)}")
    if isinstance(error, errors.InvalidTopicError):
        return TopicMissingError(f"{doing}: not a name that a topic can have")
    return None


def _by_setting(error: Exception, doing: str) -> ConfigurationError | None:
    """Errors that a setting must be changed for."""
    if isinstance(error, errors.FencedInstanceIdError):
        return ConfigurationError(
            f"{doing}: another member has taken over this --group-instance-id; give every replica "
            "one of its own"
        )
    if isinstance(error, errors.InvalidSessionTimeoutError):
        return ConfigurationError(
            f"{doing}: --session-timeout-ms is outside of what the broker allows "
            "(group.min.session.timeout.ms to group.max.session.timeout.ms)"
        )
    if isinstance(error, errors.InconsistentGroupProtocolError):
        return ConfigurationError(
            f"{doing}: members of another kind are in this group (they do not use the "
            "cooperative-sticky assignor); choose another --group-id or stop them first"
        )
    if isinstance(error, errors.InvalidGroupIdError | errors.KafkaConfigurationError):
        return ConfigurationError(f"{doing}: {_told(error)}")
    return None


def _told(error: Exception) -> str:
    """The error's own text and type, on one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if text.startswith(name) or not text else f"{name}: {text}"
