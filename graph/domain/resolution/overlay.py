"""The overlay of a delta: the identifiers and links that it touches, before and after it.

Everything here follows from statements and overrides alone; which customer they belong to is decided later.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

from msgspec.structs import replace

from graph.domain.model.customers import Member
from graph.domain.model.guarded_values import guarded_values_of, value_sets_of, with_values_of
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.interaction_counts import add
from graph.domain.model.links import Link, LinkState, link_supported_by, position_change, with_statement
from graph.domain.model.observations import EvidenceStatement, evidence
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import EvidenceByKey, Neighborhood, Region
from graph.domain.resolution.intake import Delta
from graph.domain.resolution.resolution import exclusion_reason


class Overlay:
    """Identifiers and links before and after a delta.

    `members` and `links` are those after it; a pair that no statement supports any longer is in `links_before` only.
    Sharing is determined again each time that more of the store has been read (`update_sharing`).
    """

    def __init__(
        self,
        delta: Delta,
        neighborhood: Neighborhood,
        stored: EvidenceByKey,
        rules: Rules,
        reprocess: frozenset[str] = frozenset(),
        recount_neighbors: bool = False,
        stated: EvidenceByKey | None = None,
    ) -> None:
        """`stated` are the stored statements of attributes at identifiers whose guarded values are computed again."""
        self.rules = rules
        self.reprocess = reprocess
        """Identifiers that are resolved again whatever changes, since their stored state results from other rules."""
        self.recount_neighbors = reprocess if recount_neighbors else frozenset()
        """Identifiers whose neighbors are counted again from their links, since `min_confidence` has changed."""
        self.members_before: dict[str, Member] = dict(neighborhood.members)
        self.members: dict[str, Member] = {}
        self.links_before: dict[Pair, Link] = {}
        self.links: dict[Pair, Link] = {}
        self.touched_links: dict[Pair, None] = {}
        self.override_keys: set[str] = set()
        """Identifiers that an override set or removed by the delta names."""
        self.block_flips: set[str] = set()
        self._neighborhood = neighborhood
        self._restate(stated or {}, delta)
        self._withdraw(delta.withdrawn, stored)
        self._add(delta.added)
        for statement in delta.unchanged:
            for pair in combinations(statement.keys, 2):
                self._touch(pair)
        self._apply_overrides(delta)
        for key, order in delta.orders.items():
            if key in self.members or key in self.members_before:
                self.members[key] = replace(self._member(key), order=order)
        for key, change in delta.interaction_counts.items():
            member = self._member(key)
            self.members[key] = replace(member, interaction_counts=add((member.interaction_counts, change)))
        self._degree_before = {key: member.degree for key, member in self.members_before.items()}
        for key in reprocess:
            if key in self.members_before:
                self._member(key)
        self.shared_flips: set[str] = set()
        self.touched_keys = list(self.members)
        """The identifiers that the delta names."""
        self.update_sharing()

    def _member(self, key: str) -> Member:
        member = self.members.get(key)
        if member is None:
            member = self.members_before.get(key) or Member(key)
            self.members[key] = member
        return member

    def _touch(self, pair: Pair) -> Link | None:
        """Mark the link of a pair as touched and return its state so far."""
        if pair not in self.touched_links:
            self.touched_links[pair] = None
            before = self._neighborhood.links.get(pair)
            if before is not None:
                self.links_before[pair] = before
                self.links[pair] = before
        return self.links.get(pair)

    def _withdraw(self, withdrawn: Iterable[EvidenceStatement], stored: EvidenceByKey) -> None:
        """Compute the identifiers and links of withdrawn statements again from the statements that remain."""
        withdrawn = list(withdrawn)
        removed = {(statement.source, statement.id) for statement in withdrawn}
        remaining: dict[str, Mapping[ObservationKey, EvidenceStatement]] = {}
        for key in {key for statement in withdrawn for key in statement.keys}:
            statements = stored.get(key, {})
            remaining[key] = {name: statement for name, statement in statements.items() if name not in removed}
            self.members[key] = replace(self._member(key), evidence=evidence(remaining[key]))
        for pair in {pair for statement in withdrawn for pair in combinations(statement.keys, 2)}:
            before = self._touch(pair)
            fewer, more = sorted((remaining[pair[0]], remaining[pair[1]]), key=len)
            after = link_supported_by(pair, (fewer[name] for name in fewer if name in more), self.rules.min_confidence)
            if after is None:
                self.links.pop(pair, None)
            else:
                self.links[pair] = after if before is None else after.with_state(before.state, before.reason)

    def _restate(self, stated: EvidenceByKey, delta: Delta) -> None:
        """Compute guarded values again from the stored statements that the delta does not withdraw."""
        withdrawn = {(statement.source, statement.id) for statement in delta.withdrawn}
        for key, statements in stated.items():
            member = self._member(key)
            remaining = [statement for name, statement in statements.items() if name not in withdrawn]
            values = guarded_values_of(remaining, self.rules).get(key, {})
            self.members[key] = replace(member, guarded_values=values)

    def _add(self, added: Iterable[EvidenceStatement]) -> None:
        members, members_before, links = self.members, self.members_before, self.links
        min_confidence = self.rules.min_confidence
        for statement in added:
            source, seen_at, keys = statement.source, statement.seen_at, statement.keys
            for key in keys:
                member = members.get(key) or members_before.get(key) or Member(key)
                members[key] = member.with_observation(source, seen_at)
            if statement.attributes and self.rules.guards:
                member = members[statement.holder]
                values = with_values_of(member.guarded_values, statement, self.rules)
                members[statement.holder] = replace(member, guarded_values=values)
            for pair in combinations(keys, 2):
                links[pair] = with_statement(self._touch(pair), pair, statement, min_confidence)

    def _apply_overrides(self, delta: Delta) -> None:
        for overrides, step in ((delta.overrides_set, 1), (delta.overrides_removed, -1)):
            for override in overrides:
                for key in override.keys:
                    member = self._member(key)
                    blocked = step == 1 if override.kind is OverrideKind.BLOCKED else member.blocked
                    self.members[key] = replace(member, override_count=member.override_count + step, blocked=blocked)
                    self.override_keys.add(key)
        self.block_flips = {key for key in self.override_keys if self._was_blocked(key) != self.members[key].blocked}

    def _was_blocked(self, key: str) -> bool:
        before = self.members_before.get(key)
        return before is not None and before.blocked

    def add_region(self, region: Region) -> bool:
        """Add a region that was read; what the delta touched keeps its state after the delta.

        Return whether identifiers may have become shared or stopped being shared.
        """
        for key, member in region.members.items():
            if key not in self.members_before:
                self.members_before[key] = member
                self._degree_before[key] = member.degree
            self.members.setdefault(key, self.members_before[key])
        for pair, link in region.links.items():
            if pair not in self.touched_links:
                self.links_before.setdefault(pair, link)
                self.links.setdefault(pair, link)
        # Only these counts depend on links that the delta does not touch.
        recounted = bool(self.block_flips or self.recount_neighbors)
        if recounted:
            self.update_sharing()
        return recounted

    def update_sharing(self) -> None:
        """Count neighbors again, and find the identifiers that become shared or stop being shared."""
        members, links, links_before = self.members, self.links, self.links_before
        min_confidence = self.rules.min_confidence
        changes: dict[str, dict[str, int]] = {}
        pairs_to_count: Iterable[Pair] = self.touched_links
        if self.block_flips:
            at_flips = {pair for pair in self.links if not self.block_flips.isdisjoint(pair)}
            pairs_to_count = {*self.touched_links, *at_flips}
        for pair in pairs_to_count:
            a, b = pair
            before, after = links_before.get(pair), links.get(pair)
            counted_before = (
                before is not None
                and before.meets_threshold(min_confidence)
                and not (self._was_blocked(a) or self._was_blocked(b))
            )
            counts_now = (
                after is not None
                and after.meets_threshold(min_confidence)
                and not (members[a].blocked or members[b].blocked)
            )
            if counted_before is not counts_now:
                for key, neighbor in ((a, b), (b, a)):
                    counts = changes.setdefault(key, {})
                    namespace = namespace_of(neighbor)
                    counts[namespace] = counts.get(namespace, 0) + (1 if counts_now else -1)
        self.shared_flips = set()
        for key in self.recount_neighbors & self.members.keys():
            changes[key] = {}
            self._degree_before[key] = {}
        for pair, link in self.links.items() if self.recount_neighbors else ():
            unblocked = not (self.members[pair[0]].blocked or self.members[pair[1]].blocked)
            for key, neighbor in (pair, pair[::-1]):
                if key in self.recount_neighbors and unblocked and link.meets_threshold(min_confidence):
                    namespace = namespace_of(neighbor)
                    changes[key][namespace] = changes[key].get(namespace, 0) + 1
        for key in self.reprocess & self.members.keys():
            changes.setdefault(key, {})
        # During a rollout a count may have been made under another `min_confidence`, so it is not subtracted from.
        unnamed = {key for key in self.touched_keys if self.members[key].evidence is None}
        changes |= {key: {} for key in unnamed}
        is_shared, nothing = self.rules.is_shared, Member("")
        for key, counts in changes.items():
            degree = {} if key in unnamed else dict(self._degree_before.get(key, ()))
            for namespace, change in counts.items():
                count = degree.get(namespace, 0) + change
                if count:
                    degree[namespace] = count
                else:
                    del degree[namespace]
            shared = is_shared(namespace_of(key), degree)
            members[key] = members[key].with_degree(degree, shared)
            if shared is not self.members_before.get(key, nothing).shared:
                self.shared_flips.add(key)

    def link_is_excluded(self, pair: Pair) -> bool:
        """Whether an existing link is excluded after the delta."""
        return self._is_excluded(self.links[pair], pair)

    def _is_excluded(self, link: Link, pair: Pair) -> bool:
        if not link.meets_threshold(self.rules.min_confidence):
            return True
        a, b = self.members[pair[0]], self.members[pair[1]]
        return a.shared or a.blocked or b.shared or b.blocked

    def as_excluded(self, link: Link) -> Link:
        """Return an excluded link with its reason."""
        members = [self.members[link.a], self.members[link.b]]
        shared = {member.key for member in members if member.shared}
        blocked = {member.key for member in members if member.blocked}
        return link.with_state(LinkState.EXCLUDED, exclusion_reason(link, self.rules, shared, blocked))

    def link_change(self, pair: Pair) -> int | None:
        """Return how a touched link changed for resolution; 0 if it did not, as with one that was and is excluded.

        Below 0: it is new, or has moved towards the beginning of the order. Above 0: it is gone, or has moved towards
        the end. `None`: it became excluded, or stopped being excluded.
        """
        before, after = self.links_before.get(pair), self.links.get(pair)
        if after is None:
            return 0 if before is None or before.state is LinkState.EXCLUDED else 1
        excluded = self._is_excluded(after, pair)
        if before is None:
            return 0 if excluded else -1
        if excluded is not (before.state is LinkState.EXCLUDED):
            return None
        return 0 if excluded else position_change(before, after, self.rules)

    def value_sets_changed(self, key: str) -> bool:
        """Whether an identifier carries other guarded values after the delta."""
        before, after = self.members_before.get(key), self.members[key]
        values_before = {} if before is None else before.guarded_values
        return values_before is not after.guarded_values and value_sets_of(values_before) != after.value_sets

    def only_gains_values(self, key: str) -> bool:
        """Whether an identifier carries nothing less than before, and shares its values with no other."""
        before, after = self.members_before.get(key), self.members[key]
        if after.override_count:
            return False
        return before is None or all(after.value_sets.get(name) == text for name, text in before.value_sets.items())

    def moved_up(self, pair: Pair) -> bool:
        """Whether a touched link that is not excluded is new, or has moved towards the beginning of the order."""
        change = self.link_change(pair)
        return change is not None and change < 0

    def first_seen_moved_back(self, key: str) -> bool:
        """Whether an identifier is new or has an earlier first-seen time, so that it may become an anchor."""
        member_before, after = self.members_before.get(key), self.members[key].evidence
        before = None if member_before is None else member_before.evidence
        return before is None or (after is not None and after.first_seen_at < before.first_seen_at)

    def first_seen_moved_forward(self, key: str) -> bool:
        """Whether an identifier has a later first-seen time or none, so that it may stop being an anchor."""
        member_before, after = self.members_before.get(key), self.members[key].evidence
        before = None if member_before is None else member_before.evidence
        return before is not None and (after is None or after.first_seen_at > before.first_seen_at)
