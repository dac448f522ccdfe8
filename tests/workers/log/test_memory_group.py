"""Groups of the in-process log under any order of events."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from workers.log.contract import TopicPartition
from workers.log.memory_group import Member, MemoryGroup

PLACES = [TopicPartition("topic", number) for number in range(5)]


class Group(RuleBasedStateMachine):
    members = Bundle("members")

    def __init__(self) -> None:
        super().__init__()
        self.group = MemoryGroup()
        self.present: list[Member] = []
        # What each believes to have: it was given it and has not let go.
        self.believed: dict[Member, set[TopicPartition]] = {}

    @rule(target=members)
    def join(self) -> Member:
        member = Member("topic", 0.0)
        self.group.join(member, PLACES)
        self.present.append(member)
        self.believed[member] = set()
        return member

    @rule(member=consumes(members))
    def leave(self, member: Member) -> None:
        self.group.leave(member)
        self.present.remove(member)
        del self.believed[member]

    @rule(member=consumes(members))
    def expel(self, member: Member) -> None:
        self.group.expel(member)
        assert member.expelled
        self.present.remove(member)
        del self.believed[member]

    @rule(member=members)
    def let_go(self, member: Member) -> None:
        leaving = self.group.to_release(member)
        self.group.release(member, leaving)
        self.believed[member] -= leaving

    @rule(member=members)
    def take(self, member: Member) -> None:
        self.believed[member] |= self.group.take(member)

    @invariant()
    def nothing_has_two_owners(self) -> None:
        everything = [place for held in self.believed.values() for place in held]
        assert len(everything) == len(set(everything))

    @invariant()
    def the_group_knows_what_members_believe(self) -> None:
        for member, held in self.believed.items():
            assert self.group.owned(member) == held

    @rule(first=st.integers(0, 10))
    def settle(self, first: int) -> None:
        """When all have let go and taken, in any order, all is shared out evenly."""
        turns = [*self.present[first:], *self.present[:first]]
        for act in (self.let_go, self.take):
            for member in turns:
                act(member)
        if turns:
            sizes = sorted(len(self.believed[member]) for member in turns)
            assert sum(sizes) == len(PLACES)
            assert sizes[-1] - sizes[0] <= 1


TestGroup = Group.TestCase
TestGroup.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
