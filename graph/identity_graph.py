"""The facade that `schema` and `service` use: a method for each operation, or a part that has several."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from graph.commands.audiences import AudienceControl
from graph.commands.commit import Accepted, CommandResult, OverrideResult, Rejected
from graph.commands.consent_texts import ConsentTexts
from graph.commands.erase import ErasureRequest
from graph.commands.erasures import NO_SAFEGUARDS, ErasureControl
from graph.commands.group_commit import GroupCommit
from graph.commands.observe import observe
from graph.commands.overrides import earlier_result, remove_override, set_override, unblock
from graph.commands.products import record_products
from graph.commands.references import References
from graph.commands.refused_records import RefusedRecordControl
from graph.commands.restrictions import RestrictionControl
from graph.commands.retention import RetentionControl
from graph.commands.revoke import revoke
from graph.commands.rules_control import RulesControl
from graph.commands.rules_rollout import ActiveRules
from graph.commands.segment_counts import SegmentCounts
from graph.commands.segments import Segments
from graph.commands.sending import SendingLedger
from graph.commands.snapshots import Snapshots
from graph.commands.source_revocations import SourceRevocationControl
from graph.commands.undo_merge import UndoResult, merge_to_undo, undo_merge
from graph.commands.write_gate import WriteGate
from graph.domain.access.counts import DEFAULT_MIN_COUNT
from graph.domain.access.decision_log import DecisionLog, DecisionReader, LoggedDecision
from graph.domain.access.policies import Policies
from graph.domain.commands import SourceStatement, Terms
from graph.domain.model.audiences import DestinationInfo
from graph.domain.model.change_filter import ChangeFilter
from graph.domain.model.changes import Entry
from graph.domain.model.comparison import fits
from graph.domain.model.errors import Problem
from graph.domain.model.guarded_values import contradict
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.links import Link
from graph.domain.model.observations import Observation
from graph.domain.model.orders import Order, OrderStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.refused_records import DEFAULT_REFUSED_DAYS
from graph.domain.model.retention import Retention
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import EvidenceByKey
from graph.domain.privacy.erasure_plan import ErasurePlan
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consent_texts import ConsentText, RegisteredText
from graph.domain.profile.consents import ConsentStatement, StatedConsent
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.insights import CustomerInsights
from graph.domain.profile.interactions import InteractionStatement
from graph.domain.profile.objections import with_objections
from graph.domain.profile.pages import CustomerRef, CustomerView, Match, Page, Selection
from graph.domain.profile.search import SearchField, SearchPosition, SearchResult
from graph.domain.resolution.explanation import Explanation
from graph.domain.resolution.health import Finding, FindingKind, FindingPosition
from graph.ports import Clock, ErasureSafeguards, Ids, Store
from graph.queries.asked_orders import holders_of_orders
from graph.queries.consent_proof import ConsentProof, consent_proofs
from graph.queries.evidence import evidence_of
from graph.queries.explanation import weakest, why
from graph.queries.filtered_feed import FeedPage, filtered_feed, ids_of_customer
from graph.queries.former_ids import former_ids
from graph.queries.health import health
from graph.queries.history import customer_at, entries_around, entry_at, feed
from graph.queries.later_ids import LaterIds, later_ids
from graph.queries.mentions import mentions
from graph.queries.orders import order_keys, orders_by_number, orders_of_sources
from graph.queries.possible_matches import MatchStatus, status
from graph.queries.rules_preview import Previews
from graph.queries.search import search
from graph.queries.statistics import FitModels, StatisticsService
from graph.queries.subject_export import SubjectExports
from graph.queries.subscriptions import ChangeBroadcaster
from graph.queries.times import times_of
from graph.segment_worker import SegmentWorker


class IdentityGraph:
    """The graph over one store.

    `rules` are in effect until the store's own rules are read (`rules_control.open`), `parse` parses the text of rules.
    `currencies` are the codes that orders may use. `change_poll_seconds` is the interval at which subscriptions look
    for changes by other processes. `catalog` defines the attributes and purposes that may be recorded. `fit` fits
    purchase models to all customers. `policies` say what a purpose needs consent for. Writes that cannot be stored
    within `operation_seconds` are rejected at once. `min_count` is the number of customers below which viewers that see
    only numbers see none. `safeguards` hold the keys and the ledger of erasures.
    `retention` says how long data is kept, `refused_days` how many days a refused record is. `destinations` are the
    systems that audiences may be sent to.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        clock: Clock,
        ids: Ids,
        currencies: frozenset[str],
        parse: Callable[[str], Rules] | None = None,
        change_poll_seconds: float = 1.0,
        catalog: Catalog | None = None,
        fit: FitModels | None = None,
        operation_seconds: float = math.inf,
        policies: Policies | None = None,
        min_count: int = DEFAULT_MIN_COUNT,
        safeguards: ErasureSafeguards = NO_SAFEGUARDS,
        retention: Retention | None = None,
        refused_days: int = DEFAULT_REFUSED_DAYS,
        destinations: Sequence[DestinationInfo] = (),
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self.catalog = catalog or Catalog()
        self.policies = policies or Policies()
        self.erasure_listeners: list[Callable[[], None]] = []
        """Called after an erasure: whoever caches what callers sent forgets it."""
        # An interaction that is a consent decision proves it, so it is kept as long as the decision.
        decision_types = frozenset(self.catalog.consents_by_interaction_type)
        self.terms = Terms(currencies, self.catalog, replace(retention or Retention(), decision_types=decision_types))
        self.consent_texts = ConsentTexts(store)
        self.decision_log: DecisionLog | None = None
        """Where consent decisions are logged, `None` if they are not."""
        self.broadcaster = ChangeBroadcaster(store, change_poll_seconds)
        self.on_stored: Callable[[], None] | None = None
        """Called when this process has written something, so that other processes look for it at once."""
        self.write_gate = WriteGate()
        reload = self._reload if parse else None
        self._writer = GroupCommit(
            store,
            ActiveRules(rules, rules),
            clock,
            ids,
            reload,
            self._on_stored,
            self.write_gate,
            operation_seconds,
            lambda: self.erasures.tombstone_rules(),
        )
        self.refused = RefusedRecordControl(
            store, clock, self.write_gate, lambda: self.rules, lambda: self.erasures.tombstone_rules(), refused_days
        )
        self.erasures: ErasureControl = ErasureControl(
            store,
            self._writer,
            clock,
            ids,
            self.write_gate,
            safeguards,
            parse,
            self._on_erased,
            self.refused.remove_erased,
        )
        self.rules_control: RulesControl = RulesControl(
            store, self._writer, clock, ids, parse, self.catalog.check_rules
        )
        self.source_revocations = SourceRevocationControl(store, self._writer, clock, ids, self.write_gate)
        self.restrictions = RestrictionControl(store, clock, ids, self.write_gate, lambda: self.rules, self._on_stored)
        self.retention = RetentionControl(
            store,
            self._writer,
            clock,
            ids,
            self.write_gate,
            self.terms.retention,
            self._reload,
            self._on_stored,
            self.erasures.end_holds,
        )
        self.references = References(store)
        self.previews = Previews(store, ids, lambda: self.rules, self.rules_control.parse)
        self.statistics = StatisticsService(store, clock, fit)
        self.segments = Segments(
            store,
            clock,
            ids,
            self.catalog,
            rules=lambda: self.rules,
            latest=self.statistics.latest,
            on_history_change=self._on_history_change,
            on_segment_change=lambda: self.segment_worker.wake(),
            gate=self.write_gate,
            on_owed=lambda names: self.ledger.wake(names),
        )
        self.ledger: SendingLedger = SendingLedger(
            store, clock, self.segments, {info.name: info for info in destinations}
        )
        self.audiences = AudienceControl(
            store,
            clock,
            ids,
            self.write_gate,
            self.segments,
            self.catalog,
            lambda: self.rules,
            destinations,
            self.ledger,
        )
        self.snapshots = Snapshots(store, clock, self.segments, self.ledger)
        self.exports = SubjectExports(
            store, clock, self.catalog, self.statistics, self.segments.of_customers, self.terms.retention
        )
        self.segment_counts = SegmentCounts(store, ids, self.segments, min_count)
        self.segment_worker: SegmentWorker = SegmentWorker(store, clock, self.segments)

    async def _reload(self) -> None:
        await self.rules_control.refresh()
        await self.erasures.refresh()

    def forget_erased(self) -> None:
        """Empty all caches that may hold values of somebody who was erased, in this process or in another."""
        self.previews.clear()
        self.broadcaster.forget()
        self.rules.forget_values()
        contradict.cache_clear()
        fits.cache_clear()
        for listener in self.erasure_listeners:
            listener()

    def _on_erased(self) -> None:
        self.forget_erased()
        self.audiences.wake_all()
        self._on_stored()

    def _on_stored(self) -> None:
        self.look_for_writes()
        if self.on_stored is not None:
            self.on_stored()

    def _on_history_change(self) -> None:
        self.broadcaster.notify()
        if self.on_stored is not None:
            self.on_stored()

    def look_for_writes(self) -> None:
        """Look now for what was written, in this process or in another, instead of at the next interval."""
        self.broadcaster.notify()
        self.segment_worker.wake()

    def now(self) -> int:
        """Return the time by the graph's clock, in microseconds."""
        return self._clock.now()

    # --- rules

    @property
    def rules(self) -> Rules:
        """The rules in effect."""
        return self._writer.rules.intake_rules

    # --- writes

    @property
    def writer(self) -> GroupCommit:
        """What joins writes, with the counters of its work."""
        return self._writer

    async def revoke(
        self, observations: Sequence[ObservationKey | Problem], actor: str = "", reason: str = ""
    ) -> list[CommandResult]:
        """Withdraw observations by source and id; return a `Revocation` or `Rejected` for each, in order."""
        return await revoke(self._writer, observations, actor, reason, self._clock.now(), self.catalog.purposes)

    # Each of these accepts 1 to 1,000 statements and returns `Accepted` or `Rejected` for each, in order. `caller` is
    # who sent them, if that is known.

    async def link(self, observations: Sequence[Observation | Problem], caller: str = "") -> list[CommandResult]:
        """Record observations."""
        return await self._observe("observations", observations, caller)

    async def record_orders(self, orders: Sequence[OrderStatement | Problem], caller: str = "") -> list[CommandResult]:
        """Record orders; the newest statement of each source counts, in whatever order they arrive."""
        return await self._observe("orders", orders, caller)

    async def record_attributes(
        self, statements: Sequence[AttributesStatement | Problem], caller: str = ""
    ) -> list[CommandResult]:
        """Record attributes of customers."""
        return await self._observe("attributes", statements, caller)

    async def record_consents(
        self, decisions: Sequence[ConsentStatement | Problem], caller: str = ""
    ) -> list[CommandResult]:
        """Record consent decisions."""
        self.write_gate.check()
        await self.consent_texts.keep(decisions)
        return await self._observe("consents", decisions, caller)

    async def record_interactions(
        self, interactions: Sequence[InteractionStatement | Problem], caller: str = ""
    ) -> list[CommandResult]:
        """Record interactions."""
        return await self._observe("interactions", interactions, caller)

    async def record_external_segments(
        self, segments: Sequence[ExternalSegmentStatement | Problem], caller: str = ""
    ) -> list[CommandResult]:
        """Record memberships in segments of other systems."""
        return await self._observe("segments", segments, caller)

    async def record(self, statements: Sequence[SourceStatement | Problem], caller: str = "") -> list[CommandResult]:
        """Record statements of any kinds together."""
        decisions = [statement for statement in statements if isinstance(statement, ConsentStatement)]
        if decisions:
            self.write_gate.check()
            await self.consent_texts.keep(decisions)
        return await self._observe("statements", statements, caller)

    async def times_of(self, keys: Sequence[ObservationKey]) -> dict[ObservationKey, int]:
        """Return the times (microseconds) that stored observations were seen at; unknown ones are left out."""
        return await times_of(self._store, keys)

    async def _observe(
        self, name: str, statements: Sequence[SourceStatement | Problem], caller: str
    ) -> list[CommandResult]:
        results = await observe(self._writer, name, statements, self.rules, self.terms, self._clock.now(), caller)
        answered = (result for result in results if isinstance(result, Accepted | Rejected))
        # Before the answer: whoever is told that a decision is stored can rely on it being logged.
        await self.log_decisions([receipt for result in answered for receipt in result.decisions])
        return results

    async def log_decisions(self, receipts: Sequence[Receipt]) -> None:
        """Log consent decisions that are stored, if a log is kept; raises `AuditUnavailable`."""
        if self.decision_log is None or not receipts:
            return
        # Each version once, because most decisions of a batch have the same.
        versions = {receipt.key: _version_of(receipt) for receipt in receipts}
        hashes = {name: await self.consent_texts.hash_of(*name) for name in set(versions.values())}
        await self.decision_log.record(
            [
                LoggedDecision.of(receipt, StatedConsent.of(receipt).text or hashes[versions[receipt.key]])
                for receipt in receipts
            ]
        )

    async def consent_proofs(self, keys: Sequence[str], reader: DecisionReader) -> dict[str, ConsentProof]:
        """Return the proofs of all decisions that were ever stored of some identifiers, by key."""
        proofs = await consent_proofs(self._store, self.consent_texts, reader, keys)
        for key, proof in proofs.items():
            if proof.removed and (tombstone := await self.erasures.suppression_of(key)) is not None:
                proofs[key] = proof.erased_until(tombstone.at)
        return proofs

    async def record_consent_texts(
        self, texts: Sequence[ConsentText | Problem], caller: str = ""
    ) -> list[RegisteredText | Problem]:
        """Register 1 to 1,000 versions of consent texts; return each as it is registered, or its problem, in order."""
        self.write_gate.check()
        return await self.consent_texts.register(texts, self.catalog.purposes, caller, self._clock.now())

    async def record_products(self, products: Sequence[Product | Problem]) -> list[bool | Problem]:
        """Record 1 to 1,000 products; return for each whether it is the current statement, or its problem."""
        self.write_gate.check()
        return await record_products(self._store, products, self.terms.currencies, self._clock.now())

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """Return the current statements about products by SKU; unknown products are left out."""
        return await self._store.products(list(dict.fromkeys(skus))) if skus else {}

    async def search(
        self, text: str, fields: Sequence[SearchField], after: SearchPosition | None, first: int
    ) -> Page[SearchResult]:
        """Return the customers that match all words of a text in some fields, best match first."""
        return await search(self._store, self.rules, text, fields, after, first)

    # With an `idempotency_key`, a repeated request returns the result of the first one and changes nothing.

    async def override_pair(
        self,
        kind: OverrideKind,
        a: str,
        b: str,
        actor: str = "",
        reason: str = "",
        idempotency_key: IdempotencyKey | None = None,
    ) -> OverrideResult:
        """Set a *together* or *apart* override on two keys; it creates identifiers that were never seen."""
        return await set_override(self._writer, self._new_override(kind, a, b, actor, reason), idempotency_key)

    async def block(
        self, key: str, actor: str = "", reason: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> OverrideResult:
        """Block an identifier; if it is blocked already, return the existing override."""
        override = self._new_override(OverrideKind.BLOCKED, key, "", actor, reason)
        return await set_override(self._writer, override, idempotency_key)

    def _new_override(self, kind: OverrideKind, a: str, b: str, actor: str, reason: str) -> Override:
        return Override(self._ids.override(), kind, a, b, actor, reason, self._clock.now())

    async def unblock(self, key: str, actor: str = "", idempotency_key: IdempotencyKey | None = None) -> Override:
        """Unblock an identifier; raises `InvalidInput` if it is not blocked."""
        return await unblock(self._writer, self._store, key, actor, self._clock.now(), idempotency_key)

    async def remove_override(
        self, id: str, actor: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> Override:
        """Remove an override by its id; resolution continues as if it had never been set."""
        return await remove_override(self._writer, id, actor, self._clock.now(), idempotency_key)

    async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> Page[Override]:
        """Return overrides in the order in which they were set: those that name a key, or all."""
        overrides = await self._store.overrides(key, after, first + 1)
        return Page(overrides[:first], len(overrides) > first)

    async def undo_merge(
        self, number: int, actor: str = "", reason: str = "", idempotency_key: IdempotencyKey | None = None
    ) -> UndoResult:
        """Undo the merge with a number in the history; raises `InvalidInput` if it cannot be undone."""
        already_undone = await earlier_result(self._store, idempotency_key) is not None
        change = await merge_to_undo(self._store, number, already_undone)
        entries = await entries_around(self._store, [change.customer, change.other_customer])
        a, b = change.anchors
        override = self._new_override(OverrideKind.APART, a, b, actor, reason or f"undo of change {number}")
        return await undo_merge(self._writer, self._store, number, entries, self.why, override, idempotency_key)

    async def plan_erasure(self, request: ErasureRequest) -> ErasurePlan:
        """Return what an erasure would do, and who may be named in texts about others."""
        plan = await self.erasures.plan(request)
        return replace(plan, mentions=await mentions(self._store, self.rules, plan))

    async def changes(self, after: int, first: int) -> Page[Entry]:
        """Return the changes after an entry's number, in the order of commits, without gaps."""
        return Page(*await feed(self._store, after, first))

    async def filtered_changes(
        self, filter: ChangeFilter, after: int | None, first: int, newest_first: bool
    ) -> FeedPage:
        """Return a page of the changes that match a filter; see `filtered_feed`."""
        return await filtered_feed(self._store, filter, after, first, newest_first)

    async def ids_of_customer(self, id: str) -> frozenset[str]:
        """Return the ids under which the entries of one customer are recorded; see `graph.queries.filtered_feed`."""
        return await ids_of_customer(self._store, id)

    async def newest_change(self) -> int:
        """Return the number of the newest entry of the history; 0 if there is none."""
        return await self._store.newest_change()

    async def change(self, number: int) -> Entry | None:
        """Return an entry of the history by its number."""
        return await entry_at(self._store, number)

    async def override_by_id(self, id: str) -> Override | None:
        """Return an override by its id."""
        return await self._store.override(id)

    async def orders(self, numbers: Sequence[str]) -> list[tuple[str, Order] | None]:
        """Return orders by their numbers, with their keys, in one read; `None` for an order that is not stored."""
        return await orders_by_number(self._store, self.rules, numbers)

    async def orders_of_sources(self, keys: Sequence[str], sources: Collection[str]) -> dict[str, Order]:
        """Return by key what some sources report of orders, as if no other source did."""
        return await orders_of_sources(self._store, keys, sources)

    def order_keys(self, numbers: Sequence[str]) -> list[str | None]:
        """Return the keys of orders by their numbers; `None` for what is no number of an order."""
        return order_keys(self.rules, numbers)

    async def customer_at(self, ref: CustomerRef, at: int, selection: Selection) -> CustomerView | None:
        """Return the customer of an id or key as recorded at a time (microseconds), with pages of identifiers only."""
        return await customer_at(self._store, ref, at, selection)

    async def why(self, a: str, b: str) -> Explanation:
        """Explain why two keys are or are not one customer."""
        return await why(self._store, self.rules, a, b)

    async def weakest_links(self, key: str, first: int) -> list[Link]:
        """Return the active links without which the customer of a key would split, least reliable first."""
        return await weakest(self._store, self.rules, key, first)

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerView | None]:
        """Return the views of customers in the order of `refs`, `None` for a customer that does not exist."""
        views = await self._store.customers(refs, selection) if refs else []
        return with_objections(views, selection, self.catalog)

    async def has_restrictions(self) -> bool:
        """Return whether any customer is restricted."""
        return await self._store.has_restrictions()

    async def evidence_of(self, keys: Sequence[str]) -> EvidenceByKey:
        """Return all valid statements that name some identifiers, by key."""
        return await evidence_of(self._store, keys)

    async def former_ids(self, id: str, key: str = "") -> dict[str, int | None]:
        """Return the ids under which a customer was stored, each with the time (microseconds) until which it was.

        An id that a merge retired has no end, as the present one. An id from which a split took the customer has one,
        and so has one from which its identifier `key` moved.
        """
        return await former_ids(self._store, id, key)

    async def holders_of_orders(self, hash_of: Callable[[str], str], hashes: Collection[str]) -> dict[str, str]:
        """Return the ids of the customers whose orders have some hashes, by hash."""
        return await holders_of_orders(self._store, hash_of, hashes)

    async def later_ids(self, since: Mapping[str, int]) -> dict[str, LaterIds]:
        """Return under which ids the data is stored now that customers had at a time (microseconds), by id."""
        return await later_ids(self._store, since)

    def insights(self, view: CustomerView) -> CustomerInsights:
        """Return what follows from a customer's view as of now."""
        return CustomerInsights(self._clock.now(), view, self.catalog, frozenset(self.rules.known_namespaces))

    def match_status(self, match: Match) -> MatchStatus:
        """Return the status of a possible match."""
        return status(match, self.rules)

    async def health(self, kinds: frozenset[FindingKind], after: FindingPosition | None, first: int) -> Page[Finding]:
        """Return a page of suspicious findings in the graph, worst first."""
        return await health(self._store, self.rules, self._clock.now(), kinds, after, first)

    @property
    def bookmarks(self) -> frozenset[str]:
        """What this process has seen, for callers that go on with another; empty if there is nothing to wait for."""
        return self._store.bookmarks

    async def reach(self, bookmarks: frozenset[str]) -> None:
        """Wait until reads see what some bookmarks stand for; raises `InvalidInput` and `StoreUnavailable`."""
        await self._store.reach(bookmarks)

    async def ready(self) -> str:
        """Return an empty text if everything can be served, otherwise what is missing."""
        return await self._store.ready()

    async def close(self) -> None:
        """Finish the accepted writes, then close the store."""
        self.rules_control.close()
        self.source_revocations.close()
        self.erasures.close()
        self.retention.close()
        self.previews.close()
        await self.statistics.close()
        await self.broadcaster.close()
        await self.refused.close()
        await self._writer.close()
        await self._store.close()


def _version_of(receipt: Receipt) -> tuple[str, str, str]:
    """Return the version, the language and the purpose by which the text of a decision is found."""
    stated = StatedConsent.of(receipt)
    return stated.policy_version, stated.language, stated.purpose
