"""`weir topics`: make the topics that a worker needs, and say how they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.text import visible
from workers.cli.app import new_app
from workers.cli.options import CLIENT, takes_settings
from workers.cli.work import DETECTORS
from workers.errors import ConfigurationError, LogUnavailableError, TopicMissingError
from workers.settings.resolve import Given, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workers.log.topics import TopicDescription
    from workers.settings.policies import Settings

_NAMES: Final = ("input_topic", "verdict_topic", "dead_letter_topic")
_LOGS: Final = ("log_level", "log_format")

# Kafka's own limits: a topic's number of partitions is an int32 there, its replicas an int16.
_MOST_PARTITIONS: Final = 2_147_483_647
_MOST_REPLICAS: Final = 32_767

# As many replicas of a worker as a machine or two can feed; more can be added to a topic later.
_PARTITIONS: Final = 4

# A new cluster has no coordinator for a group before it is asked for one. Less time than a
# cluster that is away takes to be given up, so that this is not waited for twice.
_COORDINATOR_S: Final = 8.0

_TopicNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="url|html|path|TOPIC",
        help=(
            "Which topics: a detector stands for its input, verdict and dead-letter topics of the "
            "settings. Default: url."
        ),
        show_default=False,
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A topic that was asked for.

    Attributes:
        name: Its name.
        settings: Of the detector whose topic it is; of url's for others.
        config: What it is created with, under Kafka's names.
    """

    name: str
    settings: Settings
    config: Mapping[str, str] = field(default_factory=dict)


@takes_settings(*CLIENT, *_NAMES, "max_page_bytes", *_LOGS)
def create(
    given: Given,
    topics: _TopicNames = None,
    *,
    partitions: Annotated[
        int,
        typer.Option(
            min=1,
            max=_MOST_PARTITIONS,
            metavar="N",
            help=f"Partitions, the most replicas that can share the work. Default: {_PARTITIONS}.",
            show_default=False,
        ),
    ] = _PARTITIONS,
    replication_factor: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_MOST_REPLICAS,
            metavar="N",
            help="Brokers that hold each partition. Default: the cluster's.",
        ),
    ] = None,
    topic_config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Setting of the new topics, e.g. retention.ms=86400000; repeatable.",
        ),
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Create topics that do not exist yet.

    Topics that exist are left as they are, and reported. Topics of HTML pages, and of their dead
    letters, are given the max.message.bytes that the largest page needs.
    """
    from workers.log import topics as cluster  # noqa: PLC0415

    config = dict(map(_setting, topic_config or ()))
    outcomes = []
    for target in _asked_for(topics, given):
        connection = target.settings.connection
        created = cluster.create(
            connection,
            {target.name: partitions},
            {**target.config, **config},
            replication=replication_factor or -1,
        )
        outcomes.append(
            {"topic": target.name, "created": bool(created)}
            | asdict(cluster.facts(connection, target.name))
        )
    if as_json:
        _print_json(outcomes)
        return
    from workers.cli.terminal import print_table  # noqa: PLC0415

    rows = [
        (
            str(outcome["topic"]),
            "created" if outcome["created"] else "exists",
            str(outcome["partitions"]),
            str(outcome["max_message_bytes"]),
        )
        for outcome in outcomes
    ]
    print_table(("topic", "outcome", "partitions", "max.message.bytes"), rows)


@takes_settings(*CLIENT, *_NAMES, "group_id", *_LOGS)
def describe(given: Given, topics: _TopicNames = None, *, as_json: _AsJson = False) -> None:
    """Show partitions, leaders, offsets, and how far the workers' group has come.

    Exit code 1 if a topic does not exist; the others are shown.
    """
    from tenacity import (  # noqa: PLC0415
        Retrying,
        retry_if_exception_type,
        stop_after_delay,
        wait_fixed,
    )

    from workers.log import topics as cluster  # noqa: PLC0415

    retrying = Retrying(
        retry=retry_if_exception_type(LogUnavailableError),
        stop=stop_after_delay(_COORDINATOR_S),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    described: list[tuple[TopicDescription, str]] = []
    missing: list[str] = []
    for target in _asked_for(topics, given):
        connection = target.settings.connection
        try:
            (topic,) = retrying(cluster.describe, connection, [target.name])
        except TopicMissingError as error:
            missing.append(str(error))
        else:
            described.append((topic, connection.group_id))
    if as_json:
        _print_json([_document(topic, group) for topic, group in described])
    else:
        for number, (topic, group) in enumerate(described):
            if number:
                typer.echo()
            _print_description(topic, group)
    for message in missing:
        typer.echo(f"Error: {visible(message)}", err=True)
    if missing:
        raise typer.Exit(1)


def _asked_for(asked: Sequence[str] | None, given: Given) -> list[_Target]:
    """The topics of the detectors that were named, and those named themselves, each once."""
    from workers import journal  # noqa: PLC0415
    from workers.message_sizes import topic_configs  # noqa: PLC0415

    of_detector: dict[str, list[_Target]] = {}
    for detector in DETECTORS:
        settings = load(given, detector=detector, role="topics").settings
        of_detector[detector] = [
            _Target(name=name, settings=settings, config=config)
            for name, config in topic_configs(settings).items()
        ]
    settings = of_detector["url"][0].settings
    journal.configure(settings.journal, client=False)
    # Where detectors share a topic (the verdicts', or one that was named for all), url's stands.
    known: dict[str, _Target] = {}
    for targets in of_detector.values():
        known = {target.name: target for target in targets} | known
    found: dict[str, _Target] = {}
    for name in asked or ["url"]:
        for target in of_detector.get(name) or [
            known.get(name) or _Target(name=name, settings=settings)
        ]:
            found.setdefault(target.name, target)
    return list(found.values())


def _setting(pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not equals or not name:
        raise ConfigurationError(
            f"Option --topic-config has value {pair!r}: no NAME=VALUE; "
            "give e.g. --topic-config retention.ms=86400000"
        )
    return name, value


def _print_description(topic: TopicDescription, group: str) -> None:
    from workers.cli.terminal import print_table  # noqa: PLC0415

    lag = _lag(topic)
    title = (
        f"{topic.name}: {len(topic.partitions)} partitions, replication {topic.replication}, "
        f"max.message.bytes {topic.max_message_bytes}, group {group} "
        + ("has committed nothing" if lag is None else f"has lag {lag}")
    )
    heads = ("partition", "leader", "replicas", "in sync", "begin", "end", "committed", "lag")
    rows = [
        (
            str(partition.partition),
            "none" if partition.leader < 0 else str(partition.leader),
            ",".join(map(str, partition.replicas)),
            ",".join(map(str, partition.in_sync)),
            str(partition.begin),
            str(partition.end),
            "none" if partition.committed is None else str(partition.committed),
            "none" if partition.lag is None else str(partition.lag),
        )
        for partition in topic.partitions
    ]
    print_table(heads, rows, title=title)


def _document(topic: TopicDescription, group: str) -> dict[str, object]:
    document = asdict(topic)
    for described, partition in zip(document["partitions"], topic.partitions, strict=True):
        described["lag"] = partition.lag
    return document | {"group": group, "replication": topic.replication, "lag": _lag(topic)}


def _lag(topic: TopicDescription) -> int | None:
    """What the group has still to read; None where it has committed nothing anywhere.

    Partitions without a commit count from their beginning once any has one.
    """
    if all(partition.committed is None for partition in topic.partitions):
        return None
    return sum(
        partition.end - partition.begin if partition.lag is None else partition.lag
        for partition in topic.partitions
    )


def _print_json(document: object) -> None:
    import orjson  # noqa: PLC0415

    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = new_app(help="Create topics, and show how they are.")
    group.command(short_help="Create topics that do not exist yet.")(create)
    group.command(short_help="Show partitions, offsets and lag.")(describe)
    app.add_typer(group, name="topics")
