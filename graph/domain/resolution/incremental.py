"""Incremental resolution: from a delta and its neighborhood to the writes (docs/internals/incremental-resolution.md).

The caller reads the neighborhood of the delta and creates an `IncrementalResolution`. It reads what the `plan` lacks,
and adds it to the plan. Then `finish` returns the writes.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import combinations

from msgspec.structs import replace

from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.customers import Customer, Node, strongest_anchor
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, LinkReasonCode, LinkState, merge_reason
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import EvidenceByKey, Neighborhood, NewNode, Region, Writes
from graph.domain.resolution.clusters import Cluster
from graph.domain.resolution.customer_ids import last_retired
from graph.domain.resolution.departures import Departure, neighbor
from graph.domain.resolution.intake import Delta
from graph.domain.resolution.overlay import Overlay
from graph.domain.resolution.plan import Plan
from graph.domain.resolution.regions import ResolvedRegion, resolve_region

_FIRST_SEEN = Sentence(MessageCode.FIRST_SEEN)
_FIRST_SEEN_WITH_CUSTOMER = Sentence(MessageCode.FIRST_SEEN_WITH_CUSTOMER)


class IncrementalResolution:
    """The resolution of one delta; the module describes its use."""

    def __init__(
        self,
        delta: Delta,
        neighborhood: Neighborhood,
        stored: EvidenceByKey,
        rules: Rules,
        now: int,
        new_id: Callable[[], str],
        reprocess: frozenset[str] = frozenset(),
        recount_neighbors: bool = False,
        stated: EvidenceByKey | None = None,
    ) -> None:
        self._delta = delta
        self._rules = rules
        self._now = now
        self._new_id = new_id
        self.overlay = Overlay(delta, neighborhood, stored, rules, reprocess, recount_neighbors, stated)
        self.plan = Plan(self.overlay, neighborhood)
        """What must be read before `finish`."""
        self.writes = Writes()
        self._new_nodes = 0
        self._ids: dict[str, str] = {}

    # --- resolving

    def finish(self) -> Writes:
        """Resolve every cluster and return what has to be written."""
        for cluster in self.plan.clusters:
            if not cluster.dirty:
                self._union(cluster)
        for departure in self.plan.departures.values():
            for pair in departure.links:
                self.overlay.links[pair] = self.overlay.as_excluded(self.overlay.links[pair])
        for departure in self.plan.displacements:
            if departure.suspended is not None:
                self.overlay.links[departure.suspended.pair] = departure.suspended
        if self.plan.region is not None:
            self._resolve(self.plan.region)
        for departure in (*self.plan.departures.values(), *self.plan.displacements):
            self._depart(departure)
        for cluster in self.plan.clusters:
            if not cluster.dirty:
                self._change_reasons(cluster)
        self._write_evidence()
        return self.writes

    def _new_node(self) -> NewNode:
        self._new_nodes += 1
        return NewNode(self._new_nodes)

    def _union(self, cluster: Cluster) -> None:
        """Make all identifiers of a clean cluster one customer."""
        overlay = self.overlay
        members = [overlay.members[key] for key in cluster.keys]
        new_keys = tuple(member.key for member in members if member.customer is None)
        existing = [self.plan.customers[node] for node in cluster.nodes]
        if len(existing) == 1 and not new_keys and not any(map(overlay.first_seen_moved_back, cluster.keys)):
            # The most frequent case: identifiers of one customer were seen again.
            updated = replace(
                existing[0],
                version=existing[0].version + 1,
                order_totals=cluster.order_totals,
                value_sets=cluster.value_sets,
            )
            self.writes.customers.append(updated)
            self._ids.update(dict.fromkeys(cluster.keys, updated.id))
            return
        anchors = {customer.anchor.key: customer.anchor.first_seen_at for customer in existing}
        for member in members:
            anchors[member.key] = member.first_seen_at
        survivor = largest = existing[0] if existing else None
        if len(existing) > 1:
            survivor = min(existing, key=lambda customer: customer.seniority)
            largest = max(existing, key=lambda customer: (customer.size, customer is survivor))
        counts: dict[str, int] = {}
        for customer in existing:
            for namespace, count in customer.counts.items():
                counts[namespace] = counts.get(namespace, 0) + count
        for key in new_keys:
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
        node: Node = self._new_node() if largest is None else largest.node
        result = Customer(
            node,
            self._new_id() if survivor is None else survivor.id,
            self._now if survivor is None else survivor.created_at,
            strongest_anchor(anchors, self._rules),
            1 if survivor is None else survivor.version + 1,
            counts,
            sum(customer.suspended for customer in existing),
            sum(customer.override_count for customer in existing),
            cluster.order_totals,
            value_sets=cluster.value_sets,
        )
        self.writes.customers.append(result)
        self._ids.update(dict.fromkeys(cluster.keys, result.id))
        for key in new_keys:
            self.writes.moves[key] = node
        if survivor is not None and largest is not None and len(existing) > 1:
            self._absorb(existing, survivor, largest, result.id)
        self._record_union(cluster, existing, survivor, new_keys, result.id)

    def _absorb(self, existing: list[Customer], survivor: Customer, largest: Customer, id: str) -> None:
        """Move the other customers' identifiers to the largest node, and retire their ids at the other nodes."""
        spare = [customer.node for customer in existing if customer.node != largest.node]
        self.writes.absorbed.extend((node, largest.node) for node in spare)
        retired = [customer for customer in existing if customer is not survivor]
        for customer, node in zip(retired, spare, strict=True):
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

    def _change_customer(self, node: Node | None, lost: int = 0, without: str = "") -> None:
        """Write a customer that this write may have changed before, with fewer ends of suspended links.

        `without` is an identifier that leaves.
        """
        written = {customer.node: at for at, customer in enumerate(self.writes.customers)}
        at = written.get(node)
        if at is None:
            assert node is not None
            customer = self.plan.customers[node]
            customer = replace(customer, version=customer.version + 1)
            at = len(self.writes.customers)
            self.writes.customers.append(customer)
        customer = self.writes.customers[at]
        counts = dict(customer.counts)
        if without:
            namespace = namespace_of(without)
            counts[namespace] -= 1
            if not counts[namespace]:
                del counts[namespace]
        self.writes.customers[at] = replace(customer, suspended=customer.suspended - lost, counts=counts)

    def _change_reasons(self, cluster: Cluster) -> None:
        """Write the reasons that a union changed, and the customers at the far ends of these links."""
        links = cluster.reasons.links
        self.overlay.links.update(links)
        for node in {self.overlay.members_before[key].customer for pair in links for key in pair} - cluster.nodes:
            self._change_customer(node)

    def _depart(self, departure: Departure) -> None:
        """Let an identifier that became shared be a customer of its own."""
        key, left = departure.key, departure.customer
        overlay, lost = self.overlay, departure.lost
        self._change_customer(left.node, lost.get(left.node, 0), without=key)
        for node in sorted(departure.nodes - {left.node}, key=str):
            self._change_customer(node, lost.get(node, 0))
        # None of the claimants is live.
        returning = last_retired(departure.claimants) if departure.claimants else None
        member = overlay.members[key]
        customer = Customer(
            self._new_node() if returning is None else returning.node,
            self._new_id() if returning is None else returning.id,
            self._now if returning is None else returning.created_at,
            member.anchor,
            1 if returning is None else returning.version + 1,
            {namespace_of(key): 1},
            0 if departure.suspended is None else 1,
        )
        self.writes.customers.append(customer)
        for claimant in departure.claimants:
            if claimant is not returning:
                redirected = replace(claimant, version=claimant.version + 1, redirects_to=customer.id)
                self.writes.customers.append(redirected)
        self.writes.moves[key] = customer.node
        self._ids[key] = customer.id
        self._record_departure(departure, customer.id)

    def _record_departure(self, departure: Departure, id: str) -> None:
        """Record the history of a departure: the split, with the reason of its first link."""
        key, overlay = departure.key, self.overlay
        link = overlay.links[min(departure.links)]
        assert link.reason is not None
        reason = Sentence(MessageCode.LINK_NOT_ACTIVE, a=link.a, b=link.b, reason=link.reason.message)
        self.record_change(
            ChangeKind.CUSTOMER_SPLIT, self._cause_of_keys((key,)), departure.customer.id, id, (key,), reason
        )
        if departure.suspended is not None:
            ids = {key: id, neighbor(key, link.pair): departure.customer.id}
            self._record_suspension(
                ChangeKind.LINK_SUSPENDED, link.pair, link.reason.message, link, lambda end: ids[end]
            )

    def _record_union(
        self, cluster: Cluster, existing: list[Customer], survivor: Customer | None, new_keys: tuple[str, ...], id: str
    ) -> None:
        """Record the history of a clean cluster: the creation or extension of the customer, and each merge."""
        cause = self._cause_of_keys(new_keys or tuple(cluster.keys))
        if survivor is None:
            self.record_change(ChangeKind.CUSTOMER_CREATED, cause, id, keys=new_keys, reason=_FIRST_SEEN)
        elif new_keys:
            self.record_change(ChangeKind.IDENTIFIERS_MOVED, cause, id, keys=new_keys, reason=_FIRST_SEEN_WITH_CUSTOMER)
        merged = {customer.node: customer for customer in existing if customer is not survivor}
        for pair in cluster.links if merged else ():
            for key in pair:
                node = self.overlay.members[key].customer
                if node in merged:
                    retired = merged.pop(node)
                    link = self.overlay.links[pair]
                    anchors = (survivor.anchor.key, retired.anchor.key) if survivor else ()
                    reason, cause = merge_reason(link), self._cause(pair)
                    self.record_change(
                        ChangeKind.CUSTOMERS_MERGED, cause, id, retired.id, reason=reason, anchors=anchors
                    )

    def _resolve(self, region: Region) -> None:
        """Resolve the whole region of the dirty clusters again and compare."""
        overrides = dict(region.overrides)
        for override in self._delta.overrides_removed:
            overrides.pop(override.id, None)
        overrides.update((override.id, override) for override in self._delta.overrides_set)
        resolved_region = resolve_region(
            self.overlay, self._keys_of_region(region), overrides.values(), self.plan.customers, self._new_id
        )
        nodes = resolved_region.nodes(self._new_node)
        self.writes.customers.extend(resolved_region.customers(nodes, self._now))
        self.writes.moves.update(resolved_region.moves(nodes))
        self._ids.update((key, resolved_region.id_of(key)) for key in self._keys_of_region(region))
        self._record_region_changes(resolved_region)

    def _keys_of_region(self, region: Region) -> list[str]:
        keys = set(region.members)
        for cluster in self.plan.clusters:
            if cluster.dirty:
                keys.update(cluster.keys)
        return sorted(keys)

    def _write_evidence(self) -> None:
        """Write the identifiers and links whose evidence, neighbors or verdict changed."""
        overlay, writes = self.overlay, self.writes
        members_before, links_before = overlay.members_before, overlay.links_before
        for key, member in overlay.members.items():
            if members_before.get(key) is not member:
                writes.members[key] = member
        for key, order in self._delta.orders.items():
            if key in overlay.members:
                before = overlay.members_before.get(key)
                if before is None or before.order != order:
                    writes.orders[key] = order
        for pair in overlay.touched_links:
            if pair in overlay.links:
                if overlay.link_is_excluded(pair):
                    overlay.links[pair] = overlay.as_excluded(overlay.links[pair])
            elif pair in overlay.links_before:
                writes.removed_links.append(pair)
        for pair, link in overlay.links.items():
            before_link = links_before.get(pair)
            if before_link is not link and before_link != link:
                writes.links[pair] = link
        writes.overrides_set.extend(self._delta.overrides_set)
        writes.overrides_removed.extend(self._delta.overrides_removed)

    # --- history

    @cached_property
    def _causes(self) -> dict[str, list[Cause]]:
        """The causes in the delta that name each identifier."""
        causes: dict[str, list[Cause]] = {}
        # Under other rules statements are withdrawn and added again although nobody sent or revoked them.
        added_by, withdrawn_by = CauseType.OBSERVATION, CauseType.REVOCATION
        if self.overlay.reprocess:
            added_by = withdrawn_by = CauseType.RULES_CHANGE
        known = self._delta.causes
        for statement in (*self._delta.added, *self._delta.unchanged):
            cause = known.get((statement.source, statement.id)) if known else None
            cause = cause or Cause(added_by, statement.source, statement.id, party=statement.tier.party)
            for key in statement.keys:
                causes.setdefault(key, []).append(cause)
        for statement in self._delta.withdrawn:
            cause = known.get((statement.source, statement.id)) or Cause(
                withdrawn_by, statement.source, statement.id, party=statement.tier.party
            )
            for key in statement.keys:
                causes.setdefault(key, []).append(cause)
        for type, overrides in (
            (CauseType.OVERRIDE_SET, self._delta.overrides_set),
            (CauseType.OVERRIDE_REMOVED, self._delta.overrides_removed),
        ):
            for override in overrides:
                for key in override.keys:
                    causes.setdefault(key, []).append(Cause(type, id=override.id, actor=override.actor))
        return causes

    def _cause(self, pair: Pair) -> Cause:
        """Return the last cause that names both ends, else one that names an end, else any of the delta."""
        causes_a, causes_b = self._causes.get(pair[0], []), self._causes.get(pair[1], [])
        common = [cause for cause in causes_b if cause in causes_a]
        for causes in (common, causes_b, causes_a):
            if causes:
                return causes[-1]
        return self._last_cause()

    def _cause_of_keys(self, keys: Iterable[str]) -> Cause:
        for key in keys:
            if causes := self._causes.get(key):
                return causes[-1]
        return self._last_cause()

    def _last_cause(self) -> Cause:
        return next((causes[-1] for causes in reversed(self._causes.values())), Cause(CauseType.RULES_CHANGE))

    def record_change(
        self,
        kind: ChangeKind,
        cause: Cause,
        customer: str = "",
        other_customer: str = "",
        keys: Iterable[str] = (),
        reason: str = "",
        anchors: tuple[str, ...] = (),
        reason_code: LinkReasonCode | None = None,
    ) -> None:
        """Add an entry to the history; the reason of a revocation becomes part of its reason."""
        if cause.reason:
            reason, cause = f"{reason}; revoked: {cause.reason}", replace(cause, reason="")
        if kind is ChangeKind.CUSTOMERS_MERGED:
            self.writes.merged_ids.append((other_customer, customer))
        self.writes.changes.append(
            Change(kind, self._now, cause, customer, other_customer, tuple(keys), reason, anchors, reason_code)
        )

    def _record_region_changes(self, resolved_region: ResolvedRegion) -> None:
        for override in self._delta.overrides_set:
            self._record_override(ChangeKind.OVERRIDE_SET, override, resolved_region)
        for override in self._delta.overrides_removed:
            self._record_override(ChangeKind.OVERRIDE_REMOVED, override, resolved_region)
        for pending in resolved_region.pending_changes():
            cause = self._cause(pending.pair) if pending.pair else self._cause_of_keys(pending.keys)
            self.record_change(
                pending.kind,
                cause,
                pending.customer,
                pending.other_customer,
                pending.keys,
                pending.reason,
                pending.anchors,
            )
        for pair, after in sorted(self.overlay.links.items(), key=lambda item: item[0]):
            before = self.overlay.links_before.get(pair)
            was_suspended = before is not None and before.state is LinkState.SUSPENDED
            if pair not in resolved_region.verdicts or was_suspended == (after.state is LinkState.SUSPENDED):
                continue
            kind = ChangeKind.LINK_RESTORED if was_suspended else ChangeKind.LINK_SUSPENDED
            if was_suspended and after.state is LinkState.EXCLUDED:
                continue
            reason = after.reason.message if after.reason else Sentence(MessageCode.NO_CONFLICT)
            suspended = before if was_suspended else after
            self._record_suspension(kind, pair, reason, suspended, resolved_region.id_of)

    def _record_suspension(
        self, kind: ChangeKind, pair: Pair, reason: str, suspended: Link | None, id_of: Callable[[str], str]
    ) -> None:
        """Record that a link was suspended or restored; `suspended` is the link while it is suspended."""
        strong, weak = self._rules.strong_first(*pair)
        code = suspended.reason.code if suspended and suspended.reason else None
        cause = self._cause(pair)
        self.record_change(kind, cause, id_of(strong), id_of(weak), (strong, weak), reason, reason_code=code)

    def _record_override(self, kind: ChangeKind, override: Override, resolved_region: ResolvedRegion) -> None:
        ids = [resolved_region.id_of(key) for key in override.keys]
        cause = Cause(
            CauseType.OVERRIDE_SET if kind is ChangeKind.OVERRIDE_SET else CauseType.OVERRIDE_REMOVED,
            id=override.id,
            actor=override.actor,
        )
        reason = f"{override.kind.value}: {override.reason}" if override.reason else override.kind.value
        self.record_change(kind, cause, ids[0], ids[-1] if len(ids) > 1 else "", override.keys, reason)

    # --- results

    def id_of(self, keys: Iterable[str]) -> str:
        """Return the id of the customer that holds the identifiers after the write; empty if they belong to none."""
        for key in keys:
            if id := self._ids.get(key, ""):
                return id
            member = self.overlay.members_before.get(key)
            if key not in self._ids and member is not None and member.customer is not None:
                return self.plan.customers[member.customer].id
        return ""

    def id_before(self, key: str) -> str:
        """Return the id of the customer that held an identifier before the write; empty if it belonged to none."""
        member = self.overlay.members_before.get(key)
        return "" if member is None or member.customer is None else self.plan.customers[member.customer].id

    def links_of(self, keys: tuple[str, ...]) -> list[Link]:
        """Return the touched links between identifiers, with their verdicts."""
        links = self.overlay.links
        return [links[pair] for pair in combinations(keys, 2) if pair in links]

    def merges_by(self, source: str, id: str) -> list[Change]:
        """Return the merges that an observation caused."""
        return self._merges.get((source, id), [])

    @cached_property
    def _merges(self) -> dict[ObservationKey, list[Change]]:
        """The merges by the observation that caused them; complete after `finish`."""
        merges: dict[ObservationKey, list[Change]] = {}
        for change in self.writes.changes:
            if change.kind is ChangeKind.CUSTOMERS_MERGED:
                merges.setdefault((change.cause.source, change.cause.id), []).append(change)
        return merges
