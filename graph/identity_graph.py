"""The facade that `schema` talks to: one method per thing that can be done or asked, or a part that has several."""

from collections.abc import Callable, Sequence

from graph.commands.commit import Answer, Marking
from graph.commands.group_commit import GroupCommit
from graph.commands.observe import observe
from graph.commands.overrides import block, done_before, mark_pair, remove, unblock
from graph.commands.products import record_products
from graph.commands.revoke import revoke
from graph.commands.rules_control import RulesControl
from graph.commands.rules_rollout import Current
from graph.commands.segments import Segments
from graph.commands.undo_merge import Undone, merge_to_undo, undo
from graph.domain.commands import Statement, Terms
from graph.domain.model.changes import Entry
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.idempotency import Once
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import Link
from graph.domain.model.observations import Observation
from graph.domain.model.orders import NAMESPACE, Order, OrderStatement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Dropped, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.catalog import Catalogue
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import OutsideStatement
from graph.domain.profile.insights import Known
from graph.domain.profile.interactions import InteractionStatement
from graph.domain.profile.pages import Asked, CustomerView, Match, Page, Selection
from graph.domain.profile.search import Field, Found, Place
from graph.domain.resolution.explanation import Why
from graph.domain.resolution.health import Finding, FindingKind, FindingPlace
from graph.ports import Clock, Ids, Store
from graph.queries.explanation import weakest, why
from graph.queries.health import health
from graph.queries.history import customer_at, entries_around, feed
from graph.queries.possible_matches import MatchStatus, status
from graph.queries.rules_preview import RulesPreviews
from graph.queries.search import search
from graph.queries.statistics import Census, Fit
from graph.queries.subscriptions import Follower
from graph.segment_worker import SegmentWorker

MOST_CUSTOMERS = 100
"""Customers of one look-up that a caller may ask for."""


class IdentityGraph:
    """The graph over one store. `currencies` are the codes that orders may name, `parse` reads the text of rules.

    `rules` hold until the store's own are read (`rules_control.open`). `follow_seconds` is how often those who follow
    the graph look for what other processes wrote. `catalogue` names the attributes and purposes that may be stated.
    `fit` fits models of purchases to all customers.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        clock: Clock,
        ids: Ids,
        currencies: frozenset[str],
        parse: Callable[[str], Rules] | None = None,
        follow_seconds: float = 1.0,
        catalogue: Catalogue | None = None,
        fit: Fit | None = None,
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self.catalogue = catalogue or Catalogue()
        self.terms = Terms(currencies, self.catalogue)
        self.follower = Follower(store, follow_seconds)
        reload = (lambda: self.rules_control.refresh()) if parse else None
        self._writer = GroupCommit(store, Current(rules, rules), clock, ids, reload, self._stored)
        self.rules_control: RulesControl = RulesControl(store, self._writer, clock, ids, parse)
        self.rules_previews = RulesPreviews(store, ids, lambda: self.rules, self.rules_control.parse)
        self.census = Census(store, clock, fit)
        self.segments = Segments(
            store,
            clock,
            ids,
            self.catalogue,
            rules=lambda: self.rules,
            latest=self.census.latest,
            news=self.follower.nudge,
            changed=lambda: self.segment_worker.wake(),
        )
        self.segment_worker: SegmentWorker = SegmentWorker(store, clock, self.segments, self.follower.nudge)

    def _stored(self) -> None:
        self.follower.nudge()
        self.segment_worker.wake()

    # --- rules

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._writer.rules.reading

    # --- writes

    async def revoke(self, observations: Sequence[ObservationKey], actor: str = "") -> list[Answer]:
        """Withdraw observations by source and id; answers each in order (`Revocation` or `Refused`)."""
        return await revoke(self._writer, observations, actor, self._clock.now())

    # Each of these takes 1 to 1,000 statements and answers each in order (`Accepted` or `Refused`).

    async def link(self, observations: Sequence[Observation | Problem]) -> list[Answer]:
        """Take in observations."""
        return await self._observe("observations", observations)

    async def record_orders(self, orders: Sequence[OrderStatement | Problem]) -> list[Answer]:
        """Take in orders; of each source the newest statement counts, whichever comes first."""
        return await self._observe("orders", orders)

    async def record_attributes(self, statements: Sequence[AttributesStatement | Problem]) -> list[Answer]:
        """Take in statements about people."""
        return await self._observe("statements", statements)

    async def record_consents(self, decisions: Sequence[ConsentStatement | Problem]) -> list[Answer]:
        """Take in decisions on consent."""
        return await self._observe("decisions", decisions)

    async def record_interactions(self, interactions: Sequence[InteractionStatement | Problem]) -> list[Answer]:
        """Take in interactions."""
        return await self._observe("interactions", interactions)

    async def record_outside_segments(self, segments: Sequence[OutsideStatement | Problem]) -> list[Answer]:
        """Take in statements of segments of others."""
        return await self._observe("segments", segments)

    async def _observe(self, name: str, statements: Sequence[Statement | Problem]) -> list[Answer]:
        return await observe(self._writer, name, statements, self.rules, self.terms, self._clock.now())

    async def record_products(self, products: Sequence[Product | Problem]) -> list[bool | Problem]:
        """Take in 1 to 1,000 products; answers for each whether it is what counts now, or what is wrong with it."""
        return await record_products(self._store, products, self._clock.now())

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """What is known of articles, by their numbers; unknown ones are left out."""
        return await self._store.products(list(dict.fromkeys(skus))) if skus else {}

    async def search(self, text: str, fields: Sequence[Field], after: Place | None, first: int) -> Page[Found]:
        """The customers that match all words of a text in some fields, the best first."""
        return await search(self._store, text, fields, after, first)

    # With `once` the same request again is answered as it was the first time, and changes nothing.

    async def mark(
        self, kind: MarkKind, a: str, b: str, actor: str = "", reason: str = "", once: Once | None = None
    ) -> Marking:
        """Set a *together* or *apart* mark on two keys; identifiers not yet seen are created by it."""
        now, id = self._clock.now(), self._ids.mark()
        return await mark_pair(self._writer, kind, a, b, id=id, actor=actor, reason=reason, now=now, once=once)

    async def block(self, key: str, actor: str = "", reason: str = "", once: Once | None = None) -> Marking:
        """Block an identifier; one blocked already is answered as it stands."""
        now, id = self._clock.now(), self._ids.mark()
        return await block(self._writer, key, id=id, actor=actor, reason=reason, now=now, once=once)

    async def unblock(self, key: str, actor: str = "", once: Once | None = None) -> Mark:
        """Take back the block of an identifier; raises where there is none."""
        return await unblock(self._writer, self._store, key, actor=actor, now=self._clock.now(), once=once)

    async def remove_mark(self, id: str, actor: str = "", once: Once | None = None) -> Mark:
        """Remove a mark by its id; what would be without it comes back."""
        return await remove(self._writer, id, actor=actor, now=self._clock.now(), once=once)

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> Page[Mark]:
        """Marks in the order they were set, those that name a key or all."""
        found = await self._store.marks(key, after, first + 1)
        return Page(found[:first], len(found) > first)

    async def undo(self, no: int, actor: str = "", reason: str = "", once: Once | None = None) -> Undone:
        """Undo the merge with a number in the history; raises where it is none or is undone already."""
        change = await merge_to_undo(self._store, no, await done_before(self._store, once) is not None)
        entries = await entries_around(self._store, [change.customer, change.other])
        told = reason or f"undo of change {no}"
        now, id = self._clock.now(), self._ids.mark()
        return await undo(
            self._writer, self._store, no, entries, self._explain, id=id, actor=actor, reason=told, now=now, once=once
        )

    async def changes(self, after: int, first: int) -> Page[Entry]:
        """The feed of all changes behind an entry's number, in the order of commits, without gaps."""
        return Page(*await feed(self._store, after, first))

    async def change(self, no: int) -> Entry | None:
        """An entry of the history by its number."""
        found = await self._store.changes(no - 1, 1) if no > 0 else []
        return found[0] if found and found[0].no == no else None

    async def mark_by_id(self, id: str) -> Mark | None:
        """A mark by its id."""
        return await self._store.mark(id)

    async def orders(self, numbers: Sequence[str]) -> list[tuple[str, Order] | None]:
        """Orders by their numbers, with their keys, in one read; `None` where none is known."""
        keys = [self._order_key(number) for number in numbers]
        known = list(dict.fromkeys(key for key in keys if key is not None))
        found = dict(zip(known, await self._store.orders(known), strict=True)) if known else {}
        return [None if key is None or (order := found[key]) is None else (key, order) for key in keys]

    def _order_key(self, number: str) -> str | None:
        try:
            return self.key(NAMESPACE, number)
        except InvalidInput:
            return None

    async def customer_at(self, asked: Asked, at: int, selection: Selection) -> CustomerView | None:
        """Who an id or a key was at a moment of recording (microseconds); the view holds pages of identifiers only."""
        return await customer_at(self._store, asked, at, selection)

    async def _explain(self, a: str, b: str) -> str:
        return (await self.why(a, b)).sentence

    async def why(self, a: str, b: str) -> Why:
        """Why two keys are one customer, or are not."""
        return await why(self._store, self.rules, a, b)

    async def weakest_links(self, key: str, first: int) -> list[Link]:
        """The kept links without which the customer of a key would fall apart, most doubtful first."""
        return await weakest(self._store, self.rules, key, first)

    def key(self, namespace: str, raw: str, path: tuple[str | int, ...] = ()) -> str:
        """The key of a raw identifier, normalised as on the way in; raises `InvalidInput` where it can be none."""
        if namespace not in self.rules.by_name:
            raise InvalidInput("UNKNOWN_NAMESPACE", self.rules.unknown(namespace), (*path, "namespace"))
        value = self.rules.clean(namespace, raw)
        if isinstance(value, Dropped):
            raise InvalidInput(f"VALUE_{value.code}", f"value {value.value!r} {value.reason}", (*path, "value"))
        return Identifier(namespace, value).key

    async def customers(self, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
        """The views of customers in the order asked; `None` where there is none."""
        return await self._store.customers(asked, selection) if asked else []

    def known(self, view: CustomerView) -> Known:
        """All that follows from a customer's view as of now."""
        return Known(self._clock.now(), view, self.catalogue, frozenset(self.rules.known))

    def match_status(self, match: Match) -> MatchStatus:
        """What became of a possible match."""
        return status(match, self.rules)

    async def health(self, kinds: frozenset[FindingKind], after: FindingPlace | None, first: int) -> Page[Finding]:
        """A page of what is suspicious in the graph, the worst first."""
        return await health(self._store, self.rules, self._clock.now(), kinds, after, first)

    async def ready(self) -> str:
        """Empty where everything can be served, else what is missing."""
        return await self._store.ready()

    async def close(self) -> None:
        """Finish the writes that were taken in, then let go of the store."""
        self.rules_control.close()
        self.rules_previews.close()
        await self.census.close()
        self.follower.close()
        await self._writer.close()
        await self._store.close()
