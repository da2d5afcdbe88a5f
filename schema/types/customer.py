"""The customer in GraphQL."""

from typing import Annotated, Any

import strawberry
import strawberry.federation

from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import State
from graph.domain.profile.consents import Channel, check_purpose, of_customer
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
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import encode, page_size
from schema.shared.derived_fields import derived_field
from schema.shared.enums import described
from schema.shared.lookahead import selection_of
from schema.shared.scalars import Timestamp
from schema.types.change import Change
from schema.types.consent import Consent, ConsentAnswer, consents
from schema.types.customer_insights import CustomerInsightFields, not_at_a_time
from schema.types.external_segment import OutsideSegment
from schema.types.identifier import Identifier
from schema.types.interaction import TimelineItem, item
from schema.types.link import Link
from schema.types.node import Node
from schema.types.order import Order
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
class Customer(CustomerInsightFields, Node):
    """A customer in GraphQL, over a view that holds all pages the query selects."""

    id: strawberry.ID = strawberry.field(description="The id that answers. Opaque, lasting, never reused.")

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


def _pair(link: DomainLink) -> str:
    return encode(link.a, link.b)
