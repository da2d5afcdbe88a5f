"""The facade that `schema` talks to: one method per thing that can be done or asked."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

from graph.commands.batch import check_count
from graph.commands.commit import Answer, Marking
from graph.commands.group_commit import GroupCommit
from graph.commands.observe import observe
from graph.commands.overrides import block, done_before, mark_pair, remove
from graph.commands.revoke import revoke
from graph.commands.rules_rollout import Current, Progress, RulesRun, current
from graph.commands.segments import PRODUCTS, Segments
from graph.commands.undo_merge import Undone, merge_to_undo, undo
from graph.domain.commands import Statement, Terms
from graph.domain.model.changes import Entry
from graph.domain.model.errors import Conflict, InvalidInput, KithError, Overloaded, Problem, StoreUnavailable
from graph.domain.model.idempotency import Once
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import Link
from graph.domain.model.observations import Observation
from graph.domain.model.orders import NAMESPACE, Order, OrderStatement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.products import Product, check_product
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.rules import Dropped, KeptRules, Rules
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
from graph.ports import LOADING, Clock, Ids, Store
from graph.queries.explanation import weakest, why
from graph.queries.health import health
from graph.queries.history import customer_at, entries_around, feed
from graph.queries.possible_matches import MatchStatus, status
from graph.queries.rules_preview import Preview
from graph.queries.search import search
from graph.queries.statistics import Census, Fit
from graph.queries.subscriptions import Follower

MOST_CUSTOMERS = 100
"""Customers of one look-up that a caller may ask for."""
MOST_PREVIEWS = 3
"""Previews that a process keeps; the oldest that is done makes room."""
MOST_MARKS = 1_000
"""Marks that are looked through at one identifier."""


class IdentityGraph:
    """The graph over one store. `currencies` are the codes that orders may name, `parse` reads the text of rules.

    `rules` hold until the store's own are read (`refresh`). `follow_seconds` is how often those who follow the graph
    look for what other processes wrote. `catalogue` names the attributes and purposes that may be stated. `fit` fits
    models of purchases to all customers.
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
        self._parse = parse
        self.catalogue = catalogue or Catalogue()
        self.terms = Terms(currencies, self.catalogue)
        self._follower = Follower(store, follow_seconds)
        reload = self.refresh if parse else None
        self._writer = GroupCommit(store, Current(rules, rules), clock, ids, reload, self._stored)
        self._run: RulesRun | None = None
        self._running: asyncio.Task[bool] | None = None
        self._previews: dict[str, Preview] = {}
        self.census = Census(store, clock, fit)
        self.segments = Segments(
            store, clock, ids, self.catalogue, lambda: self.rules, self.census.latest, self._follower.nudge
        )

    def _stored(self) -> None:
        self._follower.nudge()
        self.segments.wake()

    # --- rules

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._writer.rules.reading

    async def refresh(self) -> KeptRules | None:
        """Take over the newest rules of the store; answers which, `None` where there are none yet."""
        kept = await self._store.rules()
        if not kept or self._parse is None:
            return None
        old = self._parse(kept[1].text) if kept[0].pending and len(kept) > 1 else None
        settled = len(kept) > 1 and not kept[1].pending
        self._writer.rules = current(self._parse(kept[0].text), old, kept[0].version, settled)
        return kept[0]

    async def open(self, text: str) -> KeptRules:
        """Take over the store's rules, or give it these if it has none; go on with a change of rules cut off before."""
        if await self._store.kept(LOADING) is not None:
            raise StoreUnavailable.loading()
        if not await self._store.rules():
            # Another process may be first: then its rules hold.
            with contextlib.suppress(Conflict):
                await self._store.adopt_rules(text, 0, self._clock.now())
        kept = await self.refresh()
        if kept is None:
            raise KithError("the store keeps no rules")
        if kept.pending:
            self._start(kept)
        return kept

    def _start(self, kept: KeptRules) -> None:
        if self._running is not None:
            self._running.cancel()
        self._run = RulesRun(self._store, self._clock, self._ids, self._writer.rules, kept)
        self._running = asyncio.create_task(self._to_the_end(self._run))

    async def _to_the_end(self, run: RulesRun) -> bool:
        done = await run.run()
        await self.refresh()
        return done

    def parse(self, text: str) -> Rules:
        """The rules in a text; raises `RulesError` with what is wrong."""
        if self._parse is None:
            raise KithError("this graph reads no rules")
        return self._parse(text)

    async def kept_rules(self) -> KeptRules | None:
        """The newest version of the rules in the store."""
        kept = await self._store.rules()
        return kept[0] if kept else None

    async def apply_rules(self, text: str, expected: int) -> Progress:
        """Make a text the rules, if `expected` is their version now; what is stored is read anew in the background.

        The same request again is answered as if it had come once.
        """
        self.parse(text)
        try:
            await self._store.adopt_rules(text, expected, self._clock.now())
        except Conflict:
            newest = await self.kept_rules()
            if newest is None or (newest.version, newest.text) != (expected + 1, text):
                raise
            return await self.rules_progress()
        kept = await self.refresh()
        if kept is not None and kept.pending:
            self._start(kept)
        return await self.rules_progress()

    async def rules_progress(self) -> Progress:
        """How far the newest rules have got."""
        kept = await self.kept_rules()
        if kept is None:
            return Progress(0, 0, 0, False)
        if self._run is not None and self._run.progress.version == kept.version:
            return self._run.progress
        total = await self._store.count_observations()
        return Progress(kept.version, 0 if kept.pending else total, total, kept.pending)

    async def rules_applied(self) -> None:
        """Wait until the rules of this process's own change have been read through."""
        if self._running is not None:
            await self._running

    def preview_rules(self, text: str, masked: bool = True) -> Preview:
        """Begin to find out what other rules would change; nothing is written."""
        if len(self._previews) >= MOST_PREVIEWS:
            done = [id for id, one in self._previews.items() if not one.running]
            if not done:
                raise Overloaded("too many previews are running; cancel one")
            del self._previews[done[0]]
        preview = Preview(self._store, self._ids.mark(), self.rules, self.parse(text), masked)
        self._previews[preview.id] = preview
        preview.start()
        return preview

    def preview(self, id: str) -> Preview | None:
        """A preview that was begun in this process."""
        return self._previews.get(id)

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
        check_count("products", products)
        now = self._clock.now()
        drafts = [one if isinstance(one, Problem) else check_product(one, now) or one for one in products]
        # Of what one call says of an article the newest counts, as if each had come by itself.
        best: dict[str, Product] = {}
        for one in drafts:
            if isinstance(one, Product) and ((known := best.get(one.sku)) is None or one.beats(known)):
                best[one.sku] = one
        chosen = list(best.values())
        stored = await self._store.put_products(chosen) if chosen else []
        if any(stored):
            # Segments may ask what articles are.
            await self._store.keep(PRODUCTS, str(now))
        counts = {id(one): newer for one, newer in zip(chosen, stored, strict=True)}
        return [one if isinstance(one, Problem) else counts.get(id(one), False) for one in drafts]

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
        if (before := await done_before(self._store, once)) is not None:
            return before.mark
        for mark in await self._store.marks(key, None, MOST_MARKS):
            if mark.kind is MarkKind.BLOCKED:
                return await self.remove_mark(mark.id, actor, once)
        raise InvalidInput("UNKNOWN_MARK", f"{key} is not blocked", ("identifier",))

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
            self._writer,
            self._store,
            no,
            entries,
            explain=self._explain,
            id=id,
            actor=actor,
            reason=told,
            now=now,
            once=once,
        )

    async def changes(self, after: int, first: int) -> Page[Entry]:
        """The feed of all changes behind an entry's number, in the order of commits, without gaps."""
        return Page(*await feed(self._store, after, first))

    def follow_changes(self, after: int | None) -> AsyncGenerator[Entry, None]:
        """The feed behind an entry's number, then each entry as it comes; from now on for `None`."""
        return self._follower.changes(after)

    def follow_customer(self, asked: Asked) -> AsyncGenerator[object, None]:
        """Something at once, and again each time that the customer has changed."""
        return self._follower.customer(asked)

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
        if self._running is not None:
            self._running.cancel()
        for preview in self._previews.values():
            preview.cancel()
        await self.census.close()
        self._follower.close()
        await self._writer.close()
        await self._store.close()
