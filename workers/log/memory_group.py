"""A consumer group of the in-process log: who reads which partition, and what is committed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from workers.log.contract import TopicPartition


class Member:
    """One source in a group. Its state is the group's; the broker's lock guards it."""

    def __init__(self, topic: str, now: float) -> None:
        self.id = uuid.uuid4().hex
        self.topic = topic
        self.last_poll = now
        self.expelled = False


class MemoryGroup:
    """Shares the partitions of topics out among members, cooperatively (as KIP-429).

    A partition that is to move stays with its owner until the owner lets go of it; only then does
    the next one get it. Nothing else is disturbed.
    """

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, int] = {}
        self.notes: dict[TopicPartition, str] = {}
        # Moves on with every change of who is to have what or has it: a fence.
        self.generation = 0
        self._members: list[Member] = []
        self._partitions: dict[str, list[TopicPartition]] = {}
        self._wanted: dict[TopicPartition, Member] = {}
        self._owners: dict[TopicPartition, Member] = {}

    @property
    def empty(self) -> bool:
        """Whether it has no member."""
        return not self._members

    def commit(
        self, positions: Mapping[TopicPartition, int], notes: Mapping[TopicPartition, str]
    ) -> None:
        """Commit positions with their notes; one without loses the note that it had."""
        self.committed |= positions
        self.notes |= {place: notes.get(place, "") for place in positions}

    def join(self, member: Member, partitions: Iterable[TopicPartition]) -> None:
        """Add a member of a topic with these partitions."""
        self._partitions[member.topic] = sorted(partitions)
        self._members.append(member)
        self._share_out(member.topic)

    def leave(self, member: Member) -> None:
        """Remove a member; what it owns is free at once."""
        if member not in self._members:
            return
        self._members.remove(member)
        self._owners = {place: owner for place, owner in self._owners.items() if owner != member}
        self._share_out(member.topic)

    def expel_silent(self, now: float, interval: float) -> None:
        """Remove members that have not polled for so long."""
        for member in list(self._members):
            if now - member.last_poll > interval:
                self.expel(member)

    def expel(self, member: Member) -> None:
        """Remove a member that is to find out by itself."""
        member.expelled = True
        self.leave(member)

    def expel_owners(self, partitions: Iterable[TopicPartition]) -> None:
        """Remove the members that own these."""
        for owner in {self._owners[place] for place in partitions if place in self._owners}:
            self.expel(owner)

    def owned(self, member: Member) -> set[TopicPartition]:
        """Partitions that are the member's."""
        return {place for place, owner in self._owners.items() if owner is member}

    def to_release(self, member: Member) -> set[TopicPartition]:
        """Partitions that the member has and somebody else is to have."""
        return {place for place in self.owned(member) if self._wanted.get(place) is not member}

    def release(self, member: Member, partitions: Iterable[TopicPartition]) -> None:
        """The member lets go of them."""
        self.generation += 1
        for place in partitions:
            if self._owners.get(place) is member:
                del self._owners[place]

    def has_something_for(self, member: Member) -> bool:
        """Whether `take` would give it anything."""
        return bool(self._free_for(member))

    def take(self, member: Member) -> set[TopicPartition]:
        """Give the member what it is to have and nobody owns; return what is new."""
        new = self._free_for(member)
        self._owners |= dict.fromkeys(new, member)
        return new

    def _free_for(self, member: Member) -> set[TopicPartition]:
        return {
            place
            for place, wanted in self._wanted.items()
            if wanted is member and place not in self._owners
        }

    def has(self, member_id: str, generation: int) -> bool:
        """Whether a member is in the group, and knows the generation that it is in."""
        known = any(member.id == member_id for member in self._members)
        return known and generation == self.generation

    def _share_out(self, topic: str) -> None:
        """Decide who is to have what: evenly, and as little moved as that allows."""
        self.generation += 1
        places = self._partitions.get(topic, [])
        members = [member for member in self._members if member.topic == topic]
        for place in places:
            self._wanted.pop(place, None)
        if not members:
            return
        least, more = divmod(len(places), len(members))
        # Those with most keep most.
        members.sort(key=lambda member: -len(self.owned(member)))
        room = {member: least + (index < more) for index, member in enumerate(members)}
        homeless = []
        for place in places:
            owner = self._owners.get(place)
            if owner is not None and room.get(owner, 0):
                self._wanted[place] = owner
                room[owner] -= 1
            else:
                homeless.append(place)
        for place in homeless:
            taker = next(member for member in members if room[member])
            self._wanted[place] = taker
            room[taker] -= 1
