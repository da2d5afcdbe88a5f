"""The facade that `schema` talks to: one method per thing that can be done or asked."""

from collections.abc import Sequence

from graph.actions.commit import Answer, Marking
from graph.actions.group_commit import GroupCommit
from graph.actions.link import link
from graph.actions.mark import block, mark_pair, remove
from graph.actions.record_orders import OrderStatement, record_orders
from graph.actions.revoke import revoke
from graph.actions.undo import Undone, merge_to_undo, undo
from graph.domain.changes import Entry
from graph.domain.errors import InvalidInput, Problem
from graph.domain.identifiers import Identifier
from graph.domain.links import Link
from graph.domain.marks import Mark, MarkKind
from graph.domain.observations import Observation
from graph.domain.receipts import ObservationKey
from graph.domain.rules import Dropped, Rules
from graph.domain.views import Asked, CustomerView, Match, Page, Selection
from graph.domain.why import Why
from graph.ports import Clock, Ids, Store
from graph.views.history import customer_at, entries_around, feed
from graph.views.matches import MatchStatus, status
from graph.views.metrics import Metrics, metrics
from graph.views.why import weakest, why

MOST_CUSTOMERS = 100
"""Customers of one look-up that a caller may ask for."""
MOST_MARKS = 1_000
"""Marks that are looked through at one identifier."""


class IdentityGraph:
    """The graph over one store, under one set of rules. `currencies` are the codes that orders may name."""

    def __init__(self, store: Store, rules: Rules, clock: Clock, ids: Ids, currencies: frozenset[str]) -> None:
        self.rules = rules
        self._store, self._clock, self._ids, self._currencies = store, clock, ids, currencies
        self._writer = GroupCommit(store, rules, clock, ids)

    async def link(self, observations: Sequence[Observation | Problem]) -> list[Answer]:
        """Take in 1 to 1,000 observations; answers each in order (`Accepted` or `Refused`)."""
        return await link(self._writer, self.rules, observations, self._clock.now())

    async def revoke(self, observations: Sequence[ObservationKey], actor: str = "") -> list[Answer]:
        """Withdraw observations by source and id; answers each in order (`Revocation` or `Refused`)."""
        return await revoke(self._writer, observations, actor, self._clock.now())

    async def record_orders(self, statements: Sequence[OrderStatement | Problem]) -> list[Answer]:
        """Take in 1 to 1,000 statements of orders; answers each in order (`Accepted` or `Refused`)."""
        return await record_orders(self._writer, self.rules, self._currencies, statements, self._clock.now())

    async def mark(self, kind: MarkKind, a: str, b: str, actor: str = "", reason: str = "") -> Marking:
        """Set a *together* or *apart* mark on two keys; identifiers not yet seen are created by it."""
        now = self._clock.now()
        return await mark_pair(self._writer, kind, a, b, id=self._ids.mark(), actor=actor, reason=reason, now=now)

    async def block(self, key: str, actor: str = "", reason: str = "") -> Marking:
        """Block an identifier; one blocked already is answered as it stands."""
        now = self._clock.now()
        return await block(self._writer, key, id=self._ids.mark(), actor=actor, reason=reason, now=now)

    async def unblock(self, key: str, actor: str = "") -> Mark:
        """Take back the block of an identifier; raises where there is none."""
        for mark in await self._store.marks(key, None, MOST_MARKS):
            if mark.kind is MarkKind.BLOCKED:
                return await self.remove_mark(mark.id, actor)
        raise InvalidInput("UNKNOWN_MARK", f"{key} is not blocked", ("identifier",))

    async def remove_mark(self, id: str, actor: str = "") -> Mark:
        """Remove a mark by its id; what would be without it comes back."""
        return await remove(self._writer, id, actor=actor, now=self._clock.now())

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> Page[Mark]:
        """Marks in the order they were set, those that name a key or all."""
        found = await self._store.marks(key, after, first + 1)
        return Page(found[:first], len(found) > first)

    async def undo(self, no: int, actor: str = "", reason: str = "") -> Undone:
        """Undo the merge with a number in the history; raises where it is none or is undone already."""
        change = await merge_to_undo(self._store, no)
        entries = await entries_around(self._store, [change.customer, change.other])
        told = reason or f"undo of change {no}"
        now, id = self._clock.now(), self._ids.mark()
        return await undo(
            self._writer, self._store, no, entries, explain=self._explain, id=id, actor=actor, reason=told, now=now
        )

    async def changes(self, after: int, first: int) -> Page[Entry]:
        """The feed of all changes behind an entry's number, in the order of commits, without gaps."""
        return Page(*await feed(self._store, after, first))

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
            known = ", ".join(self.rules.by_name)
            message = f"namespace {namespace[:60]!r} is not in the rules; known are {known}"
            raise InvalidInput("UNKNOWN_NAMESPACE", message, (*path, "namespace"))
        value = self.rules.clean(namespace, raw)
        if isinstance(value, Dropped):
            raise InvalidInput(f"VALUE_{value.code}", f"value {value.value!r} {value.reason}", (*path, "value"))
        return Identifier(namespace, value).key

    async def customers(self, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
        """The views of customers in the order asked; `None` where there is none."""
        return await self._store.customers(asked, selection) if asked else []

    def is_known(self, view: CustomerView) -> bool:
        """Whether a customer holds an identifier of a namespace that makes it known."""
        return not self.rules.known.isdisjoint(view.customer.counts)

    def metrics(self, view: CustomerView) -> Metrics:
        """The figures of a customer's orders as of now."""
        return metrics(view.customer.figures, self._clock.now())

    def match_status(self, match: Match) -> MatchStatus:
        """What became of a possible match."""
        return status(match, self.rules)

    async def ready(self) -> str:
        """Empty where everything can be served, else what is missing."""
        return await self._store.ready()

    async def close(self) -> None:
        """Finish the writes that were taken in, then let go of the store."""
        await self._writer.close()
        await self._store.close()
