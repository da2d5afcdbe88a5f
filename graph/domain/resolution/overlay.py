"""A delta laid over what is stored: the identifiers and links it touches, as they are after it.

Everything here follows from statements and marks alone; what belongs to which customer comes later.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

from msgspec.structs import replace

from graph.domain.model.customers import Member
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.interaction_counts import add
from graph.domain.model.links import Link, State, moved, support, supported
from graph.domain.model.observations import Statement, evidence
from graph.domain.model.overrides import MarkKind
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Around, Region, Support
from graph.domain.resolution.intake import Delta
from graph.domain.resolution.resolution import idle_reason


class Overlay:
    """Identifiers and links before and after a delta.

    `members` and `links` are as after it; a pair that nothing supports any more is in `links_before` only. Sharing is
    counted anew each time that more of the store has been read (`judge`).
    """

    def __init__(
        self,
        delta: Delta,
        around: Around,
        stored: Support,
        rules: Rules,
        afresh: frozenset[str] = frozenset(),
        recount: bool = False,
    ) -> None:
        self.rules = rules
        self.afresh = afresh
        """Identifiers that are resolved anew whatever changes, since what is stored of them is of other rules."""
        self.recount = afresh if recount else frozenset()
        """Those whose neighbours are counted from their links: other links counted under those rules (`accept`)."""
        self.members_before: dict[str, Member] = dict(around.members)
        self.members: dict[str, Member] = {}
        self.links_before: dict[Pair, Link] = {}
        self.links: dict[Pair, Link] = {}
        self.touched_links: dict[Pair, None] = {}
        self.marked: set[str] = set()
        """Identifiers that a mark set or removed names."""
        self.block_flips: set[str] = set()
        self._around = around
        self._withdraw(delta.withdrawn, stored)
        self._add(delta.added)
        for statement in delta.same:
            for ends in combinations(statement.keys, 2):
                self._touch(ends)
        self._mark(delta)
        for key, order in delta.orders.items():
            if key in self.members or key in self.members_before:
                self.members[key] = replace(self._member(key), order=order)
        for key, change in delta.tallies.items():
            member = self._member(key)
            self.members[key] = replace(member, tally=add((member.tally, change)))
        self._degree_before = {key: member.degree for key, member in self.members_before.items()}
        for key in afresh:
            if key in self.members_before:
                self._member(key)
        self.shared_flips: set[str] = set()
        self.touched_keys = list(self.members)
        """The identifiers that the delta names."""
        self.judge()

    def _member(self, key: str) -> Member:
        member = self.members.get(key)
        if member is None:
            member = self.members_before.get(key) or Member(key)
            self.members[key] = member
        return member

    def _touch(self, ends: Pair) -> Link | None:
        """The link of a pair as it is so far, noted as touched."""
        if ends not in self.touched_links:
            self.touched_links[ends] = None
            before = self._around.links.get(ends)
            if before is not None:
                self.links_before[ends] = before
                self.links[ends] = before
        return self.links.get(ends)

    def _withdraw(self, withdrawn: Iterable[Statement], stored: Support) -> None:
        """Fold identifiers and links of withdrawn statements anew from the statements that stay."""
        withdrawn = list(withdrawn)
        gone = {(statement.source, statement.id) for statement in withdrawn}
        staying: dict[str, Mapping[ObservationKey, Statement]] = {}
        for key in {key for statement in withdrawn for key in statement.keys}:
            staying[key] = {name: one for name, one in stored.get(key, {}).items() if name not in gone}
            self.members[key] = replace(self._member(key), evidence=evidence(staying[key]))
        for ends in {ends for statement in withdrawn for ends in combinations(statement.keys, 2)}:
            before = self._touch(ends)
            fewer, more = sorted((staying[ends[0]], staying[ends[1]]), key=len)
            after = supported(ends, (fewer[name] for name in fewer if name in more), self.rules.accept)
            if after is None:
                self.links.pop(ends, None)
            else:
                self.links[ends] = after if before is None else after.with_state(before.state, before.reason)

    def _add(self, added: Iterable[Statement]) -> None:
        accept = self.rules.accept
        for statement in added:
            for key in statement.keys:
                member = self._member(key)
                self.members[key] = member.seen(statement.source, statement.seen_at)
            for ends in combinations(statement.keys, 2):
                self.links[ends] = support(self._touch(ends), ends, statement, accept)

    def _mark(self, delta: Delta) -> None:
        for marks, step in ((delta.marks_set, 1), (delta.marks_removed, -1)):
            for mark in marks:
                for key in mark.keys:
                    member = self._member(key)
                    blocked = step == 1 if mark.kind is MarkKind.BLOCKED else member.blocked
                    self.members[key] = replace(member, marks=member.marks + step, blocked=blocked)
                    self.marked.add(key)
        self.block_flips = {key for key in self.marked if self._was_blocked(key) != self.members[key].blocked}

    def _was_blocked(self, key: str) -> bool:
        before = self.members_before.get(key)
        return before is not None and before.blocked

    def add_region(self, region: Region) -> bool:
        """Take in what else has been read; what the delta touched stays as it is after it.

        Answers whether more identifiers may have come to be shared, or ceased to be.
        """
        for key, member in region.members.items():
            if key not in self.members_before:
                self.members_before[key] = member
                self._degree_before[key] = member.degree
            self.members.setdefault(key, self.members_before[key])
        for ends, link in region.links.items():
            if ends not in self.touched_links:
                self.links_before.setdefault(ends, link)
                self.links.setdefault(ends, link)
        # These count links that the delta does not touch; all other counts follow from those it does.
        again = bool(self.block_flips or self.recount)
        if again:
            self.judge()
        return again

    def judge(self) -> None:
        """Count degrees anew, and find the identifiers that come to be shared or cease to be."""
        accept = self.rules.accept
        changes: dict[str, dict[str, int]] = {}
        recount: Iterable[Pair] = self.touched_links
        if self.block_flips:
            at_flips = {ends for ends in self.links if not self.block_flips.isdisjoint(ends)}
            recount = {*self.touched_links, *at_flips}
        for ends in recount:
            a, b = ends
            before, after = self.links_before.get(ends), self.links.get(ends)
            was = before is not None and before.counted(accept) and not (self._was_blocked(a) or self._was_blocked(b))
            now = (
                after is not None and after.counted(accept) and not (self.members[a].blocked or self.members[b].blocked)
            )
            if was != now:
                for key, other in ((a, b), (b, a)):
                    counts = changes.setdefault(key, {})
                    namespace = namespace_of(other)
                    counts[namespace] = counts.get(namespace, 0) + (1 if now else -1)
        self.shared_flips = set()
        for key in self.recount & self.members.keys():
            changes[key] = {}
            self._degree_before[key] = {}
        for ends, link in self.links.items() if self.recount else ():
            unblocked = not (self.members[ends[0]].blocked or self.members[ends[1]].blocked)
            for key, other in (ends, ends[::-1]):
                if key in self.recount and unblocked and link.counted(accept):
                    namespace = namespace_of(other)
                    changes[key][namespace] = changes[key].get(namespace, 0) + 1
        for key in self.afresh & self.members.keys():
            changes.setdefault(key, {})
        for key, counts in changes.items():
            degree = dict(self._degree_before.get(key, {}))
            for namespace, change in counts.items():
                degree[namespace] = degree.get(namespace, 0) + change
                if not degree[namespace]:
                    del degree[namespace]
            member = self.members[key]
            shared = self.rules.is_shared(namespace_of(key), degree)
            self.members[key] = member.counted(degree, shared)
            known = self.members_before.get(key)
            if shared != (known is not None and known.shared):
                self.shared_flips.add(key)

    def link_is_idle(self, ends: Pair) -> bool:
        """Whether a link that is there is idle after the delta."""
        link = self.links[ends]
        if not link.counted(self.rules.accept):
            return True
        a, b = self.members[ends[0]], self.members[ends[1]]
        return a.shared or a.blocked or b.shared or b.blocked

    def idle(self, link: Link) -> Link:
        """An idle link with its reason."""
        ends = [self.members[link.a], self.members[link.b]]
        shared = {member.key for member in ends if member.shared}
        blocked = {member.key for member in ends if member.blocked}
        return link.with_state(State.IDLE, idle_reason(link, self.rules, shared, blocked))

    def matters(self, ends: Pair) -> bool | None:
        """Whether a touched link changed for resolution; `None` where it went to or from idle."""
        before, after = self.links_before.get(ends), self.links.get(ends)
        if after is None:
            return before is not None and before.state is not State.IDLE
        idle = self.link_is_idle(ends)
        if before is None:
            return not idle
        if idle != (before.state is State.IDLE):
            return None
        return not idle and moved(before, after, self.rules) != 0

    def comes_earlier(self, ends: Pair) -> bool:
        """Whether a touched link that is not idle is new, or has moved towards the beginning of the order."""
        before, after = self.links_before.get(ends), self.links.get(ends)
        if before is None or after is None:
            return after is not None
        return moved(before, after, self.rules) < 0

    def went_older(self, key: str) -> bool:
        """Whether an identifier is new, or was seen earlier than was known, so that it may become an anchor."""
        known, after = self.members_before.get(key), self.members[key].evidence
        before = None if known is None else known.evidence
        return before is None or (after is not None and after.first_seen < before.first_seen)

    def went_younger(self, key: str) -> bool:
        """Whether an identifier's first sighting was withdrawn, so that it may lose its place as an anchor."""
        known, after = self.members_before.get(key), self.members[key].evidence
        before = None if known is None else known.evidence
        return before is not None and (after is None or after.first_seen > before.first_seen)
