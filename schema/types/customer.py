"""The customer in GraphQL."""

from collections.abc import Iterable
from typing import Annotated, Any, TypeAlias

import strawberry
import strawberry.federation

from graph.domain.model.errors import InvalidInput
from graph.domain.model.interaction_counts import add
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import State
from graph.domain.model.products import Product as DomainProduct
from graph.domain.model.products import bought, favourites
from graph.domain.profile.consents import Channel, check_purpose, of_customer
from graph.domain.profile.engagement import habits
from graph.domain.profile.insights import UNSUBSCRIBED, Known
from graph.domain.profile.interactions import viewed_not_bought
from graph.domain.profile.pages import (
    ById,
    CustomerView,
    IdentifierPage,
    IdentifierView,
    Match,
    OrderView,
    Page,
    PageRequest,
    Selection,
)
from graph.domain.profile.timeline import TimelineKind
from graph.identity_graph import IdentityGraph
from graph.queries.possible_matches import MatchStatus
from schema.shared import customer_pages
from schema.shared.connections import Connection, connection
from schema.shared.context import Info
from schema.shared.cursors import encode, page_size
from schema.shared.derived_fields import derived_field
from schema.shared.enums import described
from schema.shared.lookahead import selection_of
from schema.shared.scalars import Timestamp
from schema.types.change import Change
from schema.types.consent import Consent, ConsentAnswer, consents
from schema.types.engagement import Habits, Journey
from schema.types.external_segment import OutsideSegment
from schema.types.identifier import Identifier
from schema.types.insights import Comparison, Prediction
from schema.types.interaction import TimelineItem, item
from schema.types.link import Link
from schema.types.metrics import Metrics
from schema.types.node import Node
from schema.types.order import Order
from schema.types.product import Favourite, Favourites, Product, Viewed
from schema.types.profile import Profile
from schema.types.segment import SegmentMembership

described(
    MatchStatus,
    "MatchStatus",
    "What became of a possible match.",
    POSSIBLE="Nothing speaks for or against it.",
    CONFIRMED="Stronger links brought both ends to one customer.",
    REFUTED="Uniting its ends would break a limit or a mark that keeps them apart.",
)

MOST_WEEKS = 520
First: TypeAlias = Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]


@strawberry.type(description="A statistical link below the threshold: two identifiers that may be one person's.")
class PossibleMatch:
    """A possible match in GraphQL."""

    link: Link = strawberry.field(description="The statistical link.")
    status: MatchStatus = strawberry.field(description="What stronger evidence says of it.")
    customer_ids: list[strawberry.ID] = strawberry.field(description="The customers at its ends; one if confirmed.")


@strawberry.federation.type(
    keys=["id"],
    description="The 360° view of a customer: the node that a group of identifiers belongs to. "
    "Everything in one answer is of one moment.",
)
class Customer(Node):
    """A customer in GraphQL, over a view that holds all pages the query selects."""

    id: strawberry.ID = strawberry.field(description="The id that answers. Opaque, lasting, never reused.")
    view: strawberry.Private[CustomerView]
    graph: strawberry.Private[IdentityGraph]
    worked_out: strawberry.Private[Known | None] = None

    @classmethod
    def of(cls, view: CustomerView, graph: IdentityGraph) -> "Customer":
        """From the view of a customer of a graph."""
        return cls(id=strawberry.ID(view.customer.id), view=view, graph=graph)

    @classmethod
    async def resolve_reference(cls, info: Info, id: str) -> "Customer | None":
        """A customer that another subgraph names."""
        selection = selection_of(info) or Selection()
        view = await info.context.loaders.customers.load((ById(id), selection))
        return info.context.customer_or_none(view)

    def _page(self, page: PageRequest) -> Page[Any]:
        """A page that the look-ahead has brought; a view of another time holds identifiers only."""
        try:
            return self.view.pages[page]
        except KeyError:
            raise not_at_a_time() from None

    def _known(self) -> Known:
        """All that follows from the view, worked out once for all fields of the answer."""
        if self.worked_out is None:
            self.worked_out = self.graph.known(self.view)
        return self.worked_out

    def _now(self) -> Known:
        """The same, where it follows from the view as it is now."""
        self._must_be_of_now()
        return self._known()

    def _must_be_of_now(self) -> None:
        if self.view.customer.node is None:
            raise not_at_a_time()

    @derived_field("The id that was asked for, where another answers since they were merged.")
    def requested_id(self) -> strawberry.ID | None:
        """The id asked for, if it redirected."""
        requested = self.view.requested
        return None if requested in (None, self.id) else strawberry.ID(requested)

    @derived_field("Whether it holds an identifier by which a person is known; else it is anonymous.")
    def known(self) -> bool:
        """Known or anonymous."""
        return self._known().is_known

    @derived_field("When Kith first gave this id.")
    def created_at(self) -> Timestamp:
        """Creation."""
        return Timestamp(self.view.customer.created_at)

    @derived_field("Its identifiers, strongest namespace first, orders last.")
    def identifiers(
        self,
        first: First = 20,
        after: After = None,
        namespaces: Annotated[
            list[str] | None, strawberry.argument(description="Only those of these namespaces.")
        ] = None,
    ) -> Connection[Identifier]:
        """A page of identifiers."""
        page = customer_pages.identifier_page(self.graph.rules, first, after, namespaces)

        def cursor(item: IdentifierView) -> str:
            return encode(page.namespaces.index(item.identifier.namespace), item.identifier.key)

        result: Connection[Identifier] = connection(self._page(page), Identifier.of, cursor, after)
        return result

    def _shorthand(self, field: str, first: int) -> list[Identifier]:
        page: IdentifierPage = customer_pages.shorthand_page(self.graph.rules, field, first)
        return [Identifier.of(item) for item in self._page(page).items]

    @derived_field("Shorthand for the identifiers of namespace `device`.")
    def devices(self, first: First = 20) -> list[Identifier]:
        """Devices."""
        return self._shorthand("devices", first)

    @derived_field("Shorthand for the identifiers of namespace `email`.")
    def emails(self, first: First = 20) -> list[Identifier]:
        """E-mail addresses."""
        return self._shorthand("emails", first)

    @derived_field("Shorthand for the identifiers of namespace `loyalty_card`.")
    def loyalty_cards(self, first: First = 20) -> list[Identifier]:
        """Loyalty cards."""
        return self._shorthand("loyaltyCards", first)

    @derived_field("Its orders, newest first.")
    def orders(self, first: First = 20, after: After = None) -> Connection[Order]:
        """A page of orders."""

        def cursor(item: OrderView) -> str:
            return encode(item.order.placed_at, item.key)

        page = self._page(customer_pages.order_page(first, after))
        result: Connection[Order] = connection(page, lambda item: Order.of(item.key, item.order), cursor, after)
        return result

    @derived_field("Figures over its orders.")
    def metrics(self) -> Metrics:
        """Figures."""
        return Metrics.of(self._now().metrics)

    @derived_field("Who it is: one value an attribute, chosen by precedence, with origin and others.")
    def profile(self) -> Profile:
        """The profile."""
        return Profile(chosen=self._now().profile, types=self.graph.catalogue.attributes)

    @derived_field("What was decided of each of its addresses, what counts, by whose word, and all before.")
    def consents(
        self,
        purpose: Annotated[str | None, strawberry.argument(description="Only for this purpose.")] = None,
        channel: Annotated[Channel | None, strawberry.argument(description="Only for this channel.")] = None,
    ) -> list[Consent]:
        """Consents by address, purpose and channel."""
        return consents(self._now().decided, purpose, channel)

    @derived_field(
        "Whether it may be addressed for a purpose: the strictest of the decisions that count for its "
        "addresses. Ask for one address by the query `consent`."
    )
    def consent(
        self,
        purpose: Annotated[str, strawberry.argument(description="What for.")],
        channel: Annotated[
            Channel | None, strawberry.argument(description="Through which channel; without one, what holds for all.")
        ] = None,
    ) -> ConsentAnswer:
        """The customer's answer."""
        if problem := check_purpose(purpose, self.graph.catalogue):
            raise InvalidInput(problem.code, problem.message, problem.path)
        return ConsentAnswer.of(of_customer(self._now().decided, purpose, channel))

    @derived_field(
        "What it did and what was done with it: interactions, orders and its own history in one list, newest first."
    )
    def timeline(
        self,
        first: First = 20,
        after: After = None,
        kinds: Annotated[
            list[TimelineKind] | None, strawberry.argument(description="Only items of these kinds.")
        ] = None,
        channels: Annotated[
            list[str] | None, strawberry.argument(description="Only interactions through these channels.")
        ] = None,
        since: Annotated[Timestamp | None, strawberry.argument(description="Nothing from before this time.")] = None,
        until: Annotated[Timestamp | None, strawberry.argument(description="Only what lies before this time.")] = None,
        types: Annotated[
            list[str] | None,
            strawberry.argument(description="Only interactions of these types, such as `email_clicked`."),
        ] = None,
    ) -> Connection[TimelineItem]:
        """A page of the timeline."""
        page = self._page(customer_pages.timeline_page(first, after, kinds, channels, since, until, types))
        result: Connection[TimelineItem] = connection(page, item, lambda moment: encode(*moment.place), after)
        return result

    @derived_field("Segments that others say it belongs to; those that have expired are gone.")
    def outside_segments(self) -> list[OutsideSegment]:
        """Segments of third parties."""
        return [OutsideSegment.of(one) for one in self._now().outside]

    @strawberry.field(description="The segments it belongs to as it is now; read on their own.")
    async def segments(self, info: Info) -> list[SegmentMembership]:
        """Its segments, together with those of other customers of the answer."""
        self._must_be_of_now()
        found = await info.context.loaders.segments.load(self.view.customer.id)
        return [SegmentMembership.of(*one) for one in found]

    @strawberry.field(
        description="How it compares with all customers: RFM scores and percentiles. Null without orders, and before "
        "all were counted."
    )
    async def comparison(self, info: Info) -> Comparison | None:
        """Scores and percentiles."""
        self._must_be_of_now()
        found = await info.context.graph.census.standing(self.view.customer.figures)
        return None if found is None else Comparison.of(found)

    @strawberry.field(
        description="What it will probably buy, by BG/NBD and Gamma-Gamma: its own purchases as they are now, with "
        "parameters fitted to all customers. Null without orders, and before models were fitted."
    )
    async def prediction(
        self,
        info: Info,
        weeks: Annotated[int, strawberry.argument(description="Over how many weeks from now, 1 to 520.")] = 52,
    ) -> Prediction | None:
        """Purchases to come."""
        self._must_be_of_now()
        if not 1 <= weeks <= MOST_WEEKS:
            raise InvalidInput("BAD_VALUE", f"weeks: {weeks} is not from 1 to {MOST_WEEKS}", ("weeks",))
        found = await info.context.graph.census.predict(self.view.customer.figures, weeks)
        return None if found is None else Prediction.of(found)

    async def _products(self, info: Info, skus: Iterable[str]) -> dict[str, DomainProduct]:
        wanted = list(dict.fromkeys(skus))
        found = await info.context.loaders.products.load_many(wanted)
        return {sku: one for sku, one in zip(wanted, found, strict=True) if one is not None}

    @derived_field("Where it stands between first looking and buying again; null where nothing was done.")
    def journey(self) -> Journey | None:
        """The phase of the journey."""
        found = self._now().journey
        return None if found is None else Journey.of(found)

    @derived_field("How it uses to act.")
    def habits(self) -> Habits:
        """Habits."""
        known = self._now()
        unsubscribed = [moment.place[0] for moment in known.page(UNSUBSCRIBED)]
        found = habits(add(known.page(customer_pages.TALLIES)), known.orders, known.interactions)
        return Habits.of(found, known.churn, *unsubscribed)

    @strawberry.field(description="Which categories and brands it buys.")
    async def favourites(self, info: Info) -> Favourites:
        """Favourite categories and brands."""
        orders = self._now().orders
        categories, brands = favourites(orders, await self._products(info, bought(orders)))
        return Favourites(
            categories=[Favourite.of(one) for one in categories], brands=[Favourite.of(one) for one in brands]
        )

    @strawberry.field(
        description="Articles that it looked at or put into a cart lately (in its newest 500 interactions) and that "
        "are in none of its newest 100 orders, the latest first."
    )
    async def viewed_not_bought(self, info: Info, first: First = 10) -> list[Viewed]:
        """Viewed and not bought."""
        known = self._now()
        found = viewed_not_bought(known.interactions, bought(known.orders))[: page_size(first)]
        products = await self._products(info, (one.sku for one in found))
        return [
            Viewed(
                sku=one.sku,
                product=Product.of(products[one.sku]) if one.sku in products else None,
                last_at=Timestamp(one.last_at),
                in_cart=one.in_cart,
            )
            for one in found
        ]

    @derived_field("The links with an end here, with what resolution made of each.")
    def links(
        self,
        first: First = 20,
        after: After = None,
        states: Annotated[list[State] | None, strawberry.argument(description="Only links in these states.")] = None,
    ) -> Connection[Link]:
        """A page of links."""
        page = self._page(customer_pages.link_page(first, after, states))
        result: Connection[Link] = connection(page, Link.of, _pair, after)
        return result

    @derived_field("Statistical links below the threshold, with what stronger evidence says of them.")
    def possible_matches(self, first: First = 20, after: After = None) -> Connection[PossibleMatch]:
        """A page of possible matches."""

        def node(match: Match) -> PossibleMatch:
            ids = dict.fromkeys((match.at_a.id, match.at_b.id))
            return PossibleMatch(
                link=Link.of(match.link),
                status=self.graph.match_status(match),
                customer_ids=[strawberry.ID(id) for id in ids],
            )

        page = self._page(customer_pages.match_page(first, after))
        result: Connection[PossibleMatch] = connection(page, node, lambda match: _pair(match.link), after)
        return result

    @derived_field("What happened to it, newest first, in words a clerk understands.")
    def history(self, first: First = 20, after: After = None) -> Connection[Change]:
        """A page of the history."""
        page = self._page(customer_pages.history_page(first, after))
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.no), after)
        return result

    @strawberry.field(
        description="The kept links without which it would fall apart, most doubtful first; read on their own."
    )
    async def weakest_links(self, info: Info, first: First = 5) -> list[Link]:
        """Its bridges."""
        self._must_be_of_now()
        anchor = self.view.customer.anchor.key
        return [Link.of(link) for link in await info.context.graph.weakest_links(anchor, page_size(first))]


def not_at_a_time() -> InvalidInput:
    """What is not kept for every moment was asked for."""
    message = "with `at`, only id, requestedId, known, createdAt, identifiers and their shorthands can be asked for"
    return InvalidInput("NOT_AT_A_TIME", message, ("at",))


def _pair(link: DomainLink) -> str:
    return encode(link.a, link.b)
