"""The facade that `schema` talks to: one method per thing that can be done or asked."""

from collections.abc import Sequence

from graph.actions.commit import Answer, Marking
from graph.actions.group_commit import GroupCommit
from graph.actions.link import link
from graph.actions.mark import mark_pair
from graph.actions.record_orders import OrderStatement, record_orders
from graph.actions.revoke import revoke
from graph.domain.errors import InvalidInput, Problem
from graph.domain.identifiers import Identifier
from graph.domain.marks import MarkKind
from graph.domain.observations import Observation
from graph.domain.receipts import ObservationKey
from graph.domain.rules import Dropped, Rules
from graph.domain.views import Asked, CustomerView, Match, Selection
from graph.ports import Clock, Ids, Store
from graph.views.matches import MatchStatus, status
from graph.views.metrics import Metrics, metrics

MOST_CUSTOMERS = 100
"""Customers of one look-up that a caller may ask for."""


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
