"""Incremental resolution: from a delta and its neighborhood to the writes (docs/internals/incremental-resolution.md).

The caller reads the neighborhood of the delta and creates an `IncrementalResolution`. As long as `unread_key`,
`unread_customers` or `missing` name something, the caller reads its links, its disputes or its region, and passes them
to `add_links_at`, `add_disputes` or `add_region`. Then `finish` returns the writes.
"""

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from itertools import combinations

from msgspec.structs import replace

from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.customers import Customer, Node, strongest_anchor
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, LinkReasonCode, LinkState, merge_reason
from graph.domain.model.order_totals import OrderTotals, add, order_totals_of, subtract
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import EvidenceByKey, Neighborhood, NewNode, Region, Writes
from graph.domain.resolution.clusters import Cluster, clusters_of
from graph.domain.resolution.departures import Departure, departs, may_depart, supports_rejections
from graph.domain.resolution.disputes import Disputes
from graph.domain.resolution.intake import Delta
from graph.domain.resolution.overlay import Overlay
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
        self._customers = dict(neighborhood.customers)
        self.overlay = Overlay(delta, neighborhood, stored, rules, reprocess, recount_neighbors, stated)
        self._region: Region | None = None
        self._seeds: set[str] = set()
        self._opened: set[str] = set()
        self.writes = Writes()
        self._new_nodes = 0
        self._ids: dict[str, str] = {}
        self._disputes = Disputes()
        self._links_at: dict[str, Region] = {}
        self._staying: set[str] = set()
        """Identifiers that became shared, and of which the region must be read."""
        self._departures: dict[str, Departure] = {}
        self._unread_key: str | None = None
        self._unread_customers: set[Node] = set()
        self._clusters = self._find_clusters()

    # --- what has to be read

    def _find_clusters(self) -> list[Cluster]:
        """Return the clusters, as far as the store has been read."""
        self._find_departures()
        clusters = clusters_of(self.overlay, self._customers, self._disputes, self._departures)
        growing = {node for cluster in clusters if cluster.grows or cluster.dirty for node in cluster.nodes}
        growing.update(node for cluster in clusters for node in cluster.reasons.compared)
        seen: set[Node] = set()
        for departure in self._departures.values():
            # What changes a customer in another way, too, is resolved again.
            if not departure.nodes.isdisjoint(growing | seen):
                self._staying.add(departure.key)
            seen |= departure.nodes
        if not self._staying.isdisjoint(self._departures):
            return self._find_clusters()
        inside = self._seeds if self._region is None else self._region.members.keys() | self._seeds
        for cluster in clusters:
            order_totals = None if cluster.dirty else self._order_totals_of(cluster)
            if order_totals is None:
                cluster.dirty = True
            else:
                cluster.order_totals = order_totals
            if not inside.isdisjoint(cluster.keys):
                cluster.dirty = True
            if not cluster.dirty:
                self._unread_customers |= cluster.unread
        return clusters

    def _find_departures(self) -> None:
        """Find the identifiers that became shared and leave their customers, as far as the store has been read."""
        self._departures, self._unread_key, self._unread_customers = {}, None, set()
        for key in sorted(self.overlay.shared_flips - self._staying):
            customer = may_depart(key, self.overlay, self._customers)
            if customer is not None and key not in self._links_at:
                self._unread_key = key
                continue
            departure = None if customer is None else departs(key, customer, self.overlay, self._links_at[key])
            if departure is None or self._is_resolved_again(departure):
                self._staying.add(key)
                continue
            supports = supports_rejections(departure, self.overlay, self._customers, self._disputes)
            if supports:
                self._staying.add(key)
                continue
            if supports is None:
                self._unread_customers.add(departure.customer.node)
            self._departures[key] = departure

    @property
    def unread_key(self) -> str | None:
        """The identifier whose links must be read next; `None` if there is none."""
        return self._unread_key

    @property
    def unread_customers(self) -> set[Node]:
        """The customers whose disputes must be read."""
        return self._unread_customers

    def add_links_at(self, key: str, found: Region | None) -> None:
        """Add the links at an identifier, with what is around them; `None` if there are too many."""
        if found is None:
            self._staying.add(key)
        else:
            self._links_at[key] = found
            self._add(found)
        self._clusters = self._find_clusters()

    def add_disputes(self, nodes: Collection[Node], found: Region | None) -> None:
        """Add the disputes of some customers; `None` if there are too many."""
        self._disputes.add(nodes, found)
        if found is not None:
            self._add(found)
        self._clusters = self._find_clusters()

    def _add(self, found: Region) -> None:
        for node, customer in found.customers.items():
            self._customers.setdefault(node, customer)
        self.overlay.add_region(found)

    def missing(self) -> tuple[set[str], set[str]] | None:
        """Return the identifiers whose region must be read, and those to open in it; `None` if nothing is missing."""
        dirty = {key for cluster in self._clusters if cluster.dirty for key in cluster.keys}
        if not dirty:
            return None
        flips = self.overlay.shared_flips - self._departures.keys()
        opened = self._opened | self.overlay.block_flips | flips | self.overlay.recount_neighbors
        seeds = self._seeds | dirty | opened
        if self._region is not None and seeds == self._seeds and opened == self._opened:
            return None
        self._seeds, self._opened = seeds, opened
        return seeds, opened

    def add_region(self, region: Region) -> None:
        """Add the region that was missing; afterwards more may be missing."""
        self._region = region
        self._customers.update(region.customers)
        # With more neighbors known, other links may be excluded or not, and connect clusters that were clean.
        self.overlay.add_region(region)
        # Clusters and departures inside the region are resolved with it.
        self._clusters = self._find_clusters()

    def _is_resolved_again(self, departure: Departure) -> bool:
        """Whether an identifier leaves, or has a suspended link to, a customer whose region was read."""
        if self._region is None:
            return False
        changed = {departure.customer.node, *departure.lost}
        return departure.key in self._seeds or any(
            member.customer in changed for member in self._region.members.values()
        )

    # --- resolving

    def finish(self) -> Writes:
        """Resolve every cluster and return what has to be written."""
        for cluster in self._clusters:
            if not cluster.dirty:
                self._union(cluster)
        for departure in self._departures.values():
            for pair in departure.links:
                self.overlay.links[pair] = self.overlay.as_excluded(self.overlay.links[pair])
        if self._region is not None:
            self._resolve(self._region)
        for departure in self._departures.values():
            self._depart(departure)
        for cluster in self._clusters:
            if not cluster.dirty:
                self._change_reasons(cluster)
        self._write_evidence()
        return self.writes

    def _order_totals_of(self, cluster: Cluster) -> OrderTotals | None:
        """Return the order totals of a cluster as one customer; `None` if all its orders must be added again."""
        stored = [totals for node in cluster.nodes if (totals := self._customers[node].order_totals)]
        order_totals: OrderTotals = add(stored) if stored else {}
        members, members_before = self.overlay.members, self.overlay.members_before
        for key in cluster.keys:
            before, order = members_before.get(key), members[key].order
            order_before = None if before is None or before.customer is None else before.order
            if order_before is order:  # as nearly always: neither is an order
                continue
            old, new = order_totals_of(order_before), order_totals_of(order)
            if old == new:
                continue
            rest = subtract(order_totals, old)
            if rest is None:
                return None
            order_totals = add((rest, new))
        return order_totals

    def _new_node(self) -> NewNode:
        self._new_nodes += 1
        return NewNode(self._new_nodes)

    def _union(self, cluster: Cluster) -> None:
        """Make all identifiers of a clean cluster one customer."""
        overlay = self.overlay
        members = [overlay.members[key] for key in cluster.keys]
        new_keys = tuple(member.key for member in members if member.customer is None)
        existing = [self._customers[node] for node in cluster.nodes]
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
            customer = self._customers[node]
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
        # As in `assign_ids`: none of the claimants is live, so the one that retired last comes back.
        returning = max(
            departure.claimants, key=lambda claimant: (claimant.retired_at or 0, claimant.seniority), default=None
        )
        member = overlay.members[key]
        customer = Customer(
            self._new_node() if returning is None else returning.node,
            self._new_id() if returning is None else returning.id,
            self._now if returning is None else returning.created_at,
            member.anchor,
            1 if returning is None else returning.version + 1,
            {namespace_of(key): 1},
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
            self.overlay, self._keys_of_region(region), overrides.values(), self._customers, self._new_id
        )
        nodes = resolved_region.nodes(self._new_node)
        self.writes.customers.extend(resolved_region.customers(nodes, self._now))
        self.writes.moves.update(resolved_region.moves(nodes))
        self._ids.update((key, resolved_region.id_of(key)) for key in self._keys_of_region(region))
        self._record_region_changes(resolved_region)

    def _keys_of_region(self, region: Region) -> list[str]:
        keys = set(region.members)
        for cluster in self._clusters:
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
            strong, weak = self._rules.strong_first(*pair)
            self.record_change(
                kind,
                self._cause(pair),
                resolved_region.id_of(strong),
                resolved_region.id_of(weak),
                (strong, weak),
                reason,
                reason_code=suspended.reason.code if suspended and suspended.reason else None,
            )

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
                return self._customers[member.customer].id
        return ""

    def id_before(self, key: str) -> str:
        """Return the id of the customer that held an identifier before the write; empty if it belonged to none."""
        member = self.overlay.members_before.get(key)
        return "" if member is None or member.customer is None else self._customers[member.customer].id

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
