"""`weir dead show`: all that is known of one dead letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from workers.cli.dead_topic import (
    INTERRUPTED,
    SETTINGS,
    AsJson,
    Detector,
    open_topic,
    place_text,
    value_text,
)
from workers.cli.moments import shown
from workers.cli.options import takes_settings
from workers.errors import ConfigurationError, LogError
from workers.settings.resolve import Given
from workers.signals import stopping_on_signals

if TYPE_CHECKING:
    from schemas.dead_letter_reader import Told
    from workers.cli.dead_topic import DeadTopic
    from workers.log.contract import Records

_PLACE: Final = re.compile(r"([0-9]{1,10}):([0-9]{1,19})")
# Characters that are shown of a value, of a key and of a header.
_VALUE: Final = 2_000
_KEY: Final = 200


@takes_settings(*SETTINGS)
def show(
    given: Given,
    detector: Detector,
    place: Annotated[
        str,
        typer.Argument(
            metavar="PARTITION:OFFSET", help="Of the dead-letter topic, as weir dead list has it."
        ),
    ],
    *,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Write the bytes of the value to standard output, exactly."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: why it is one, from where, and its bytes.

    --json has key, value and headers in base64, whole.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ConfigurationError(
            f"Argument PARTITION:OFFSET has value {place!r}; give two numbers, e.g. 0:17"
        )
    if raw and as_json:
        raise ConfigurationError("Options --raw and --json exclude each other; give one of them")
    topic = open_topic(given, detector)
    partition, offset = int(match[1]), int(match[2])
    with stopping_on_signals(topic.stopping.set):
        record = _read(topic, partition, offset)
    if record is None:
        if topic.stopping.is_set():
            raise typer.Exit(INTERRUPTED)
        raise LogError(
            f"{place_text(topic.name, partition, offset)}: there is no record (a transaction's "
            "marker, or one that was compacted away); weir dead list names letters"
        )
    if raw:
        typer.echo(record.values[0] or b"", nl=False)
        return
    from schemas.dead_letter_reader import told  # noqa: PLC0415

    known = told(record.headers[0])
    if as_json:
        _print_json(record, known)
    else:
        _print(record, known)


def _read(topic: DeadTopic, partition: int, offset: int) -> Records | None:
    """The record there; None if there is none, or reading was interrupted.

    Raises:
        LogError: the partition does not exist, or does not reach there.
    """
    from workers.log.contract import TopicPartition  # noqa: PLC0415
    from workers.range_reader import Span  # noqa: PLC0415

    at, bounds = TopicPartition(topic.name, partition), topic.bounds()
    if at not in bounds:
        raise LogError(f"topic '{topic.name}' has partitions 0 to {len(bounds) - 1}")
    begin, end, _ = bounds[at]
    if not begin <= offset < end:
        raise LogError(
            f"{topic.name}[{partition}] "
            + (f"has offsets {begin} to {end - 1}" if begin < end else "is empty")
        )
    with topic.reading({at: Span(offset, offset + 1)}, bounds) as reader:
        for records in reader.turns():
            if len(records):
                return records
    return None


def _print(record: Records, known: Told | None) -> None:
    from schemas.dead_letter_reader import own_headers  # noqa: PLC0415
    from schemas.text import visible  # noqa: PLC0415

    key, value = record.keys[0], record.values[0]
    rows = [("place", place_text(record.topic, int(record.partitions[0]), int(record.offsets[0])))]
    rows.append(("time", shown(int(record.timestamps[0]))))
    if known is None:
        rows.append(("dead letter", "no: it has not the headers of one"))
        headers = list(record.headers[0])
    else:
        rows += _told_rows(known)
        headers = own_headers(record.headers[0])
    rows.append(("key", "none" if key is None else value_text(key, _KEY)))
    rows += [
        (f"header {visible(name)}", "no value" if content is None else value_text(content, _KEY))
        for name, content in headers
    ]
    rows.append(("value", "none" if value is None else f"{len(value):,} bytes"))
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        typer.echo(f"{name.ljust(width)}  {text}")
    if value:
        typer.echo(value_text(value, _VALUE))


def _told_rows(known: Told) -> list[tuple[str, str]]:
    from schemas.causes import Cause, Stage  # noqa: PLC0415
    from schemas.text import visible  # noqa: PLC0415

    meanings = {cause.value: cause.meaning for cause in Cause}
    rows = [
        ("cause", known.cause),
        ("", meanings.get(known.cause, "A code that this version does not know.")),
        ("detail", visible(known.detail)),
        ("stage", f"{known.stage}: {Stage(known.stage).meaning}"),
    ]
    if known.origin is None:
        rows.append(("origin", "not told, or not well-formed"))
    else:
        place = place_text(known.origin.topic, known.origin.partition, known.origin.offset)
        rows.append(("origin", f"{place} of {shown(known.origin.timestamp)}"))
    if known.original_null:
        rows.append(("original", "had no value"))
    if known.truncated is not None:
        rows.append(
            (
                "truncated",
                visible(
                    f"{known.truncated}; the original value had {known.original_length} bytes, "
                    f"SHA-256 {known.original_sha256}"
                ),
            )
        )
    return rows


def _print_json(record: Records, known: Told | None) -> None:
    import orjson  # noqa: PLC0415

    letter: dict[str, Any] | None = None
    if known is not None:
        from schemas.causes import Cause  # noqa: PLC0415

        meanings = {cause.value: cause.meaning for cause in Cause}
        letter = known._asdict() | {
            "meaning": meanings.get(known.cause),
            "origin": None if known.origin is None else known.origin._asdict(),
        }
    document = {
        "topic": record.topic,
        "partition": int(record.partitions[0]),
        "offset": int(record.offsets[0]),
        "timestamp": int(record.timestamps[0]),
        "letter": letter,
        "key_base64": _base64(record.keys[0]),
        "headers_base64": [[name, _base64(content)] for name, content in record.headers[0]],
        "value_base64": _base64(record.values[0]),
    }
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _base64(content: bytes | None) -> str | None:
    import base64  # noqa: PLC0415

    return None if content is None else base64.b64encode(content).decode()
