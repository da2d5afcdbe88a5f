"""The incremental step: from a delta and what is stored to what has to be written (design.md §4 and §5).

The caller reads what surrounds the delta, makes a `Step`, and as long as `wanted` names identifiers reads their region
and hands it in. Then `finish` settles everything and returns the writes.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import combinations

from msgspec.structs import replace

from graph.domain.model.changes import Cause, Change, ChangeKind
from graph.domain.model.customers import Customer, Node, anchor_of
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, State, merged_by
from graph.domain.model.order_totals import Figures, add, figures_of, subtract
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Around, NewNode, Region, Support, Writes
from graph.domain.resolution.clusters import Cluster, clusters_of
from graph.domain.resolution.intake import Delta
from graph.domain.resolution.overlay import Overlay
from graph.domain.resolution.regions import Settled, settle


class Step:
    """One incremental step; see the module."""

    def __init__(
        self,
        delta: Delta,
        around: Around,
        stored: Support,
        rules: Rules,
        now: int,
        new_id: Callable[[], str],
        afresh: frozenset[str] = frozenset(),
        recount: bool = False,
    ) -> None:
        self._delta = delta
        self._rules = rules
        self._now = now
        self._new_id = new_id
        self._customers = dict(around.customers)
        self.overlay = Overlay(delta, around, stored, rules, afresh, recount)
        self._region: Region | None = None
        self._seeds: set[str] = set()
        self._opened: set[str] = set()
        self.writes = Writes()
        self._new_nodes = 0
        self._causes = self._causes_by_pair()
        self._ids: dict[str, str] = {}
        self._clusters = self._clustered()

    # --- what else has to be read

    def _clustered(self) -> list[Cluster]:
        """The clusters as far as the store has been read."""
        clusters = clusters_of(self.overlay, self._customers)
        for cluster in clusters:
            figures = None if cluster.dirty else self._figures(cluster)
            if figures is None:
                cluster.dirty = True
            else:
                cluster.figures = figures
        return clusters

    def wanted(self) -> tuple[set[str], set[str]] | None:
        """Identifiers whose region must be read, and those to open in it; `None` once nothing is missing."""
        dirty = {key for cluster in self._clusters if cluster.dirty for key in cluster.keys}
        if not dirty:
            return None
        opened = self._opened | self.overlay.block_flips | self.overlay.shared_flips | self.overlay.recount
        seeds = self._seeds | dirty | opened
        if self._region is not None and seeds == self._seeds and opened == self._opened:
            return None
        self._seeds, self._opened = seeds, opened
        return seeds, opened

    def add_region(self, region: Region) -> None:
        """Take in the region that was wanted; more may be wanted after it."""
        self._region = region
        self._customers.update(region.customers)
        if self.overlay.add_region(region):
            # Knowing more neighbours, another link may be idle or not, and connect what looked settled.
            self._clusters = self._clustered()
        inside = region.members.keys() | self._seeds
        for cluster in self._clusters:
            cluster.dirty = cluster.dirty or not inside.isdisjoint(cluster.keys)

    # --- settling

    def finish(self) -> Writes:
        """Settle every cluster and return what has to be written."""
        for cluster in self._clusters:
            if not cluster.dirty:
                self._unite(cluster)
        if self._region is not None:
            self._resolve(self._region)
        self._write_evidence()
        return self.writes

    def _figures(self, cluster: Cluster) -> Figures | None:
        """The figures of a cluster as one customer; `None` where they have to be folded anew."""
        figures: Figures = add(self._customers[node].figures for node in cluster.nodes)
        for key in cluster.keys:
            before = self.overlay.members_before.get(key)
            old = figures_of(None if before is None or before.customer is None else before.order)
            new = figures_of(self.overlay.members[key].order)
            if old == new:
                continue
            rest = subtract(figures, old)
            if rest is None:
                return None
            figures = add((rest, new))
        return figures

    def _node(self) -> NewNode:
        self._new_nodes += 1
        return NewNode(self._new_nodes)

    def _unite(self, cluster: Cluster) -> None:
        """The quick step: all identifiers of the cluster become one customer."""
        overlay = self.overlay
        members = [overlay.members[key] for key in cluster.keys]
        fresh = tuple(member.key for member in members if member.customer is None)
        held = [self._customers[node] for node in cluster.nodes]
        if len(held) == 1 and not fresh and not any(map(overlay.went_older, cluster.keys)):
            # What was known of a customer was seen again: most that comes in.
            again = replace(held[0], version=held[0].version + 1, figures=cluster.figures)
            self.writes.customers.append(again)
            self._ids.update(dict.fromkeys(cluster.keys, again.id))
            return
        anchors = {customer.anchor.key: customer.anchor for customer in held}
        anchors.update((member.key, member.anchor) for member in members)
        survivor = min(held, key=lambda customer: customer.seniority, default=None)
        place = max(held, key=lambda customer: (customer.size, customer is survivor), default=None)
        counts: dict[str, int] = {}
        for customer in held:
            for namespace, count in customer.counts.items():
                counts[namespace] = counts.get(namespace, 0) + count
        for key in fresh:
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
        node: Node = self._node() if place is None else place.node
        result = Customer(
            node,
            self._new_id() if survivor is None else survivor.id,
            self._now if survivor is None else survivor.created_at,
            anchor_of(anchors.values(), self._rules),
            1 if survivor is None else survivor.version + 1,
            counts,
            sum(customer.suspended for customer in held),
            sum(customer.marks for customer in held),
            cluster.figures,
        )
        self.writes.customers.append(result)
        self._ids.update(dict.fromkeys(cluster.keys, result.id))
        for key in fresh:
            self.writes.moves[key] = node
        if survivor is not None and place is not None:
            self._absorb(held, survivor, place, result.id)
        self._tell_union(cluster, held, survivor, fresh, result.id)

    def _absorb(self, held: list[Customer], survivor: Customer, place: Customer, id: str) -> None:
        """The other customers' identifiers come to the largest node; their ids retire at the nodes left over."""
        spare = [customer.node for customer in held if customer.node != place.node]
        self.writes.absorbed.extend((node, place.node) for node in spare)
        for customer, node in zip((one for one in held if one is not survivor), spare, strict=True):
            self.writes.customers.append(
                Customer(
                    node,
                    customer.id,
                    customer.created_at,
                    customer.anchor,
                    customer.version + 1,
                    retired_at=self._now,
                    redirects_to=id,
                )
            )

    def _tell_union(
        self, cluster: Cluster, held: list[Customer], survivor: Customer | None, fresh: tuple[str, ...], id: str
    ) -> None:
        """History of a quick union: who was created or joined, and which link merged whom."""
        cause = self._cause_of_keys(fresh or tuple(cluster.keys))
        if survivor is None:
            self._tell(ChangeKind.CREATED, cause, id, keys=fresh, rule="seen for the first time")
        elif fresh:
            self._tell(ChangeKind.MOVED, cause, id, keys=fresh, rule="seen with this customer for the first time")
        others = {customer.node: customer for customer in held if customer is not survivor}
        for ends in cluster.links:
            for key in ends:
                node = self.overlay.members[key].customer
                if node in others:
                    other = others.pop(node)
                    link = self.overlay.links[ends]
                    anchors = (survivor.anchor.key, other.anchor.key) if survivor else ()
                    rule, cause = merged_by(link), self._cause(ends)
                    self._tell(ChangeKind.MERGED, cause, id, other.id, rule=rule, anchors=anchors)

    def _resolve(self, region: Region) -> None:
        """The other way: resolve the whole region anew and compare."""
        marks = dict(region.marks)
        for mark in self._delta.marks_removed:
            marks.pop(mark.id, None)
        marks.update((mark.id, mark) for mark in self._delta.marks_set)
        settled = settle(self.overlay, self._keys_of_region(region), marks.values(), self._customers, self._new_id)
        nodes = settled.nodes(self._node)
        self.writes.customers.extend(settled.customers(nodes, self._now))
        self.writes.moves.update(settled.moves(nodes))
        self._ids.update((key, settled.id_of(key)) for key in self._keys_of_region(region))
        self._tell_settled(settled)

    def _keys_of_region(self, region: Region) -> list[str]:
        keys = set(region.members)
        for cluster in self._clusters:
            if cluster.dirty:
                keys.update(cluster.keys)
        return sorted(keys)

    def _write_evidence(self) -> None:
        """Identifiers and links whose evidence, neighbours or verdict changed."""
        overlay, writes = self.overlay, self.writes
        for key, member in overlay.members.items():
            if overlay.members_before.get(key) is not member:
                writes.members[key] = member
        for key, order in self._delta.orders.items():
            if key in overlay.members:
                before = overlay.members_before.get(key)
                if before is None or before.order != order:
                    writes.orders[key] = order
        for ends in overlay.touched_links:
            if ends in overlay.links:
                if overlay.link_is_idle(ends):
                    overlay.links[ends] = overlay.idle(overlay.links[ends])
            elif ends in overlay.links_before:
                writes.gone_links.append(ends)
        for ends, link in overlay.links.items():
            if overlay.links_before.get(ends) != link:
                writes.links[ends] = link
        writes.marks_set.extend(self._delta.marks_set)
        writes.marks_removed.extend(self._delta.marks_removed)

    # --- history

    def _causes_by_pair(self) -> dict[str, list[Cause]]:
        """Identifier to what in the delta names it."""
        causes: dict[str, list[Cause]] = {}
        # Under other rules a statement goes and comes back without anybody having sent or revoked it.
        came, went = ("reread", "reread") if self.overlay.afresh else ("observed", "revoked")
        for statement in (*self._delta.added, *self._delta.same):
            cause = Cause(came, statement.source, statement.id, party=statement.tier.name.lower())
            for key in statement.keys:
                causes.setdefault(key, []).append(cause)
        for statement in self._delta.withdrawn:
            actor = self._delta.actors.get((statement.source, statement.id), "")
            cause = Cause(went, statement.source, statement.id, actor, statement.tier.name.lower())
            for key in statement.keys:
                causes.setdefault(key, []).append(cause)
        for how, marks in (("marked", self._delta.marks_set), ("unmarked", self._delta.marks_removed)):
            for mark in marks:
                for key in mark.keys:
                    causes.setdefault(key, []).append(Cause(how, id=mark.id, actor=mark.actor))
        return causes

    def _cause(self, ends: Pair) -> Cause:
        """What named both ends, else one of them, else anything of the delta."""
        mine = self._causes.get(ends[0], []), self._causes.get(ends[1], [])
        both = [cause for cause in mine[1] if cause in mine[0]]
        for found in (both, mine[1], mine[0]):
            if found:
                return found[-1]
        return self._last_cause()

    def _cause_of_keys(self, keys: Iterable[str]) -> Cause:
        for key in keys:
            if found := self._causes.get(key):
                return found[-1]
        return self._last_cause()

    def _last_cause(self) -> Cause:
        return next((causes[-1] for causes in reversed(self._causes.values())), Cause("reread"))

    def _tell(
        self,
        kind: ChangeKind,
        cause: Cause,
        customer: str = "",
        other: str = "",
        keys: Iterable[str] = (),
        rule: str = "",
        anchors: tuple[str, ...] = (),
    ) -> None:
        self.writes.changes.append(Change(kind, self._now, cause, customer, other, tuple(keys), rule, anchors))

    def _tell_settled(self, settled: Settled) -> None:
        for mark in self._delta.marks_set:
            self._tell_mark(ChangeKind.MARK_SET, mark, settled)
        for mark in self._delta.marks_removed:
            self._tell_mark(ChangeKind.MARK_REMOVED, mark, settled)
        for told in settled.told():
            cause = self._cause(told.ends) if told.ends else self._cause_of_keys(told.keys)
            self._tell(told.kind, cause, told.customer, told.other, told.keys, told.rule, told.anchors)
        for ends, after in sorted(self.overlay.links.items(), key=lambda item: item[0]):
            before = self.overlay.links_before.get(ends)
            was = before is not None and before.state is State.SUSPENDED
            if ends not in settled.verdicts or was == (after.state is State.SUSPENDED):
                continue
            kind = ChangeKind.RESTORED if was else ChangeKind.SUSPENDED
            if was and after.state is State.IDLE:
                continue
            rule = after.reason.text if after.reason else "nothing stronger stands against it any more"
            strong, weak = self._rules.strong_first(*ends)
            self._tell(kind, self._cause(ends), settled.id_of(strong), settled.id_of(weak), (strong, weak), rule)

    def _tell_mark(self, kind: ChangeKind, mark: Mark, settled: Settled) -> None:
        ids = [settled.id_of(key) for key in mark.keys]
        cause = Cause("marked" if kind is ChangeKind.MARK_SET else "unmarked", id=mark.id, actor=mark.actor)
        rule = f"{mark.kind.value}: {mark.reason}" if mark.reason else mark.kind.value
        self._tell(kind, cause, ids[0], ids[-1] if len(ids) > 1 else "", mark.keys, rule)

    # --- answers

    def id_of(self, keys: Iterable[str]) -> str:
        """The id that answers for identifiers of one customer after the step; empty where they are in none."""
        for key in keys:
            if id := self._ids.get(key, ""):
                return id
            member = self.overlay.members_before.get(key)
            if key not in self._ids and member is not None and member.customer is not None:
                return self._customers[member.customer].id
        return ""

    def links_of(self, keys: tuple[str, ...]) -> list[Link]:
        """The links among some identifiers that the delta touched, with their verdicts."""
        pairs = combinations(keys, 2)
        return [self.overlay.links[ends] for ends in pairs if ends in self.overlay.links]

    def merges_by(self, source: str, id: str) -> list[Change]:
        """The merges that one observation caused."""
        return self._merges.get((source, id), [])

    @cached_property
    def _merges(self) -> dict[ObservationKey, list[Change]]:
        """The merges by the observation that caused them; complete after `finish`."""
        merges: dict[ObservationKey, list[Change]] = {}
        for change in self.writes.changes:
            if change.kind is ChangeKind.MERGED:
                merges.setdefault((change.cause.source, change.cause.id), []).append(change)
        return merges
