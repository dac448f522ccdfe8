"""What holds of bookmarks on either log (`workers.log.bookmarks.Bookmarks`)."""

from __future__ import annotations

import time

import pytest

from tests.contracts.reader import PATIENCE, Reader
from tests.contracts.worlds import World
from workers.errors import AssignmentLostError
from workers.log.bookmarks import Bookmark
from workers.log.contract import TopicPartition

NOTE = '{"end": 7, "of": "ü"}'


def test_a_group_that_nobody_has_heard_of_has_none(world: World) -> None:
    assert world.bookmarks().read(world.group_id("nobody")) == {}


def test_what_is_laid_is_read_and_is_where_members_begin(world: World) -> None:
    topic, bookmarks, group = world.new_topic(2), world.bookmarks(), world.group_id()
    laid = {
        TopicPartition(topic, 0): Bookmark(0, NOTE),
        TopicPartition(topic, 1): Bookmark(2, ""),
    }
    bookmarks.lay(group, laid)
    assert bookmarks.read(group) == laid
    bookmarks.lay(group, {TopicPartition(topic, 1): Bookmark(1, NOTE)})
    assert bookmarks.read(group) == laid | {TopicPartition(topic, 1): Bookmark(1, NOTE)}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_commits_carry_the_notes_that_the_log_was_given(
    world: World, *, in_transaction: bool
) -> None:
    topic, bookmarks, group = world.new_topic(1), world.bookmarks(), world.group_id()
    place = TopicPartition(topic, 0)
    bookmarks.lay(group, {place: Bookmark(0, NOTE)})
    log = world.log(notes={place: NOTE})
    reader = Reader(log, topic, commits=False).until_assigned(1)
    if in_transaction:
        transactions = log.transactions()
        transactions.commit([], {reader.source.membership(): {place: 5}}, PATIENCE)
        transactions.close(PATIENCE)
    else:
        reader.source.commit({place: 5})
    reader.source.close()
    # A broker answers for a transaction before its positions can be seen.
    deadline = time.monotonic() + PATIENCE
    while bookmarks.read(group)[place].offset == 0:
        assert time.monotonic() < deadline
    assert bookmarks.read(group) == {place: Bookmark(5, NOTE)}


def test_a_group_with_a_member_takes_none(world: World) -> None:
    topic, bookmarks, group = world.new_topic(1), world.bookmarks(), world.group_id()
    place = TopicPartition(topic, 0)
    reader = Reader(world.log(), topic, commits=False).until_assigned(1)
    with pytest.raises(AssignmentLostError):
        bookmarks.lay(group, {place: Bookmark(3, NOTE)})
    assert bookmarks.read(group) == {}
    reader.source.close()
    bookmarks.lay(group, {place: Bookmark(3, NOTE)})
    assert bookmarks.read(group) == {place: Bookmark(3, NOTE)}
