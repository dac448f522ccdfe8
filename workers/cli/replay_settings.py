"""The settings of `weir replay`: the worker's, but for topics and a group of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from workers.errors import ConfigurationError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from workers.settings.policies import Settings, Topics

VERDICTS: Final = "alerts.replay"
"""Where verdicts go by default."""


def replay_settings(
    given: Given, detector: str, run: str, verdicts: str, dead_letters: str
) -> Settings:
    """The settings of the replay.

    Args:
        given: The options that a worker has too, but for topics of outcomes and the group.
        detector: Whose events are replayed.
        run: The run's name.
        verdicts: Topic that verdicts go to.
        dead_letters: Topic for what cannot be judged.

    Raises:
        ConfigurationError: a name cannot be used, or a topic is not the replay's own.
    """
    from workers.replay.plan import RUN, group_of  # noqa: PLC0415

    if RUN.fullmatch(run) is None:
        raise ConfigurationError(
            f"Option --run has value {run!r}: no name of a run; give up to 100 letters, digits, "
            "dots, hyphens and underscores, e.g. november-url-3"
        )
    live = load(given, detector=detector, role="replay").settings
    own = {"verdict_topic": verdicts, "dead_letter_topic": dead_letters}
    options = {**given.options, **own}
    # Who stands before a flood of bad records waits for whoever sends them to be mended; history
    # is not.
    options.setdefault("breaker", "off")
    settings = load(replace(given, options=options), detector=detector, role="replay").settings
    _see_own(settings.topics, live.topics)
    connection = replace(settings.connection, group_id=group_of(run), auto_offset_reset="earliest")
    return replace(settings, connection=connection)


def _see_own(ours: Topics, live: Topics) -> None:
    """See that nothing goes where the live workers publish.

    Raises:
        ConfigurationError: it would.
    """
    from workers.settings.policies import Topics  # noqa: PLC0415

    theirs = {
        Topics().verdict_topic: "live verdict topic",
        f"{live.input_topic}.dead": "live dead-letter topic",
        live.verdict_topic: "live verdict topic",
        live.dead_letter_topic: "live dead-letter topic",
    }
    for option, topic in (
        ("--verdict-topic", ours.verdict_topic),
        ("--dead-letter-topic", ours.dead_letter_topic),
    ):
        if topic in theirs:
            raise ConfigurationError(
                f"Option {option} has value {topic!r}: that is the {theirs[topic]}, and a replay "
                f"publishes to topics of its own; give another, e.g. {VERDICTS}"
            )
