"""The customer in GraphQL."""

from typing import Annotated, Any

import strawberry
import strawberry.federation

from graph.domain.access.masking import key_of
from graph.domain.access.scopes import (
    BEHAVIOR_READ,
    BEHAVIOR_TEXT,
    CONSENT_READ,
    CONTACT_READ,
    CUSTOMER_READ,
    GRAPH_READ,
    HISTORY_READ,
    IDENTIFIER_READ,
    MEMBERSHIP_READ,
    NAME_READ,
    ORDER_READ,
)
from graph.domain.model.errors import InvalidInput
from graph.domain.model.links import Link as DomainLink
from graph.domain.model.links import LinkState
from graph.domain.profile.consents import check_channel, check_purpose, decision_of_customer
from graph.domain.profile.deliverability import address_page
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
from graph.queries.possible_matches import MatchStatus
from graph.viewer_graph import ViewerGraph
from schema.shared import customer_pages
from schema.shared.channels import Channel, channel_or_every
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import encode, encode_hidden, page_size
from schema.shared.derived_fields import derived_field
from schema.shared.enums import describe_enum
from schema.shared.lookahead import selection_of
from schema.shared.property_condition import PropertyCondition
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.change import Change
from schema.types.consent import Consent, ConsentStatus, UndeliverableAddress, consents
from schema.types.customer_insights import CustomerInsightFields, not_available_at_time
from schema.types.external_segment import ExternalSegment
from schema.types.identifier import Identifier
from schema.types.interaction import TimelineItem, item
from schema.types.link import Link
from schema.types.node import Node
from schema.types.order import Order
from schema.types.profile import Profile
from schema.types.segment import SegmentMembership

describe_enum(
    MatchStatus,
    "MatchStatus",
    "The status of a possible match.",
    POSSIBLE="No other evidence confirms or refutes the match.",
    CONFIRMED="Stronger links already connect the two identifiers.",
    REFUTED="Merging the two customers would break a limit of the rules, an override or a guard.",
)


@requires(GRAPH_READ)
@strawberry.type(
    description="A probabilistic link below the confidence threshold: its two identifiers may belong to the same "
    "person."
)
class PossibleMatch:
    """A possible match in GraphQL."""

    link: Link = strawberry.field(description="The probabilistic link.")
    status: MatchStatus = strawberry.field(description="Whether other evidence confirms or refutes the match.")
    customer_ids: list[strawberry.ID] = strawberry.field(
        description="The ids of the customers of the two identifiers: one id if the match is confirmed."
    )


# No scope is stated for the type, so that a new field of a customer must state its own.
@requires(
    id=CUSTOMER_READ,
    requested_id=CUSTOMER_READ,
    known=CUSTOMER_READ,
    created_at=CUSTOMER_READ,
    identifiers=IDENTIFIER_READ,
    devices=IDENTIFIER_READ,
    emails=IDENTIFIER_READ,
    loyalty_cards=IDENTIFIER_READ,
    orders=ORDER_READ,
    profile=NAME_READ,
    consents=CONSENT_READ,
    consent=CONSENT_READ,
    undeliverable_addresses=CONSENT_READ,
    contactable_addresses=CONSENT_READ,
    timeline=BEHAVIOR_READ,
    external_segments=MEMBERSHIP_READ,
    segments=MEMBERSHIP_READ,
    links=GRAPH_READ,
    possible_matches=GRAPH_READ,
    history=HISTORY_READ,
    weakest_links=GRAPH_READ,
)
@strawberry.federation.type(
    keys=["id"],
    description="A customer: the identifiers of one person, and all data attached to them. All fields are read at the "
    "same moment; only `segments` and `weakestLinks` are read separately.",
)
class Customer(CustomerInsightFields, Node):
    """A customer in GraphQL, over a view with all pages that the query selects."""

    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused. E.g. `cus_…`.")

    @classmethod
    def of(cls, view: CustomerView, graph: ViewerGraph) -> "Customer":
        """Convert a view of the graph."""
        return cls(id=strawberry.ID(view.customer.id), view=view, graph=graph)

    @classmethod
    async def resolve_reference(cls, info: Info, id: str) -> "Customer | None":
        """Return the customer that another subgraph references."""
        selection = selection_of(info) or Selection()
        view = await info.context.loaders.customers.load((ById(id), selection))
        return info.context.customer_or_none(view)

    def _page(self, page: PageRequest) -> Page[Any]:
        """Return a page that the look-ahead requested; a view of a past time has pages of identifiers only."""
        try:
            return self.view.pages[page]
        except KeyError:
            raise not_available_at_time() from None

    @derived_field("The id in the request, if it was retired by a merge and differs from `id`; otherwise null.")
    def requested_id(self) -> strawberry.ID | None:
        """Return the requested id if it redirects."""
        requested = self.view.requested_id
        return None if requested in (None, self.id) else strawberry.ID(requested)

    @derived_field(
        "Whether the customer has an identifier of a known person. E.g. an email address. False for anonymous visitors."
    )
    def known(self) -> bool:
        """Return whether the customer is known or anonymous."""
        return self._insights().is_known

    @derived_field("When this customer id was created.")
    def created_at(self) -> Timestamp:
        """Return the time of creation."""
        return Timestamp(self.view.customer.created_at)

    @derived_field("The identifiers of the customer, the strongest namespace first and order numbers last.")
    def identifiers(
        self,
        first: First = 20,
        after: After = None,
        namespaces: Annotated[
            list[str] | None,
            strawberry.argument(description="Return only identifiers of these namespaces. E.g. `email`."),
        ] = None,
    ) -> Connection[Identifier]:
        """Return a page of identifiers."""
        references = self.graph.references
        page = customer_pages.identifier_page(self.graph, first, after, namespaces)

        def cursor(item: IdentifierView) -> str:
            identifier = item.identifier
            return encode_hidden(references, page.namespaces.index(identifier.namespace), key_of(identifier))

        result: Connection[Identifier] = connection(self._page(page), Identifier.of, cursor, after)
        return result

    def _shorthand(self, field: str, first: int) -> list[Identifier]:
        page: IdentifierPage = customer_pages.shorthand_page(self.graph.rules, field, first)
        return [Identifier.of(item) for item in self._page(page).items]

    @derived_field("The identifiers of namespace `device`.")
    def devices(self, first: First = 20) -> list[Identifier]:
        """Return devices."""
        return self._shorthand("devices", first)

    @derived_field("The identifiers of namespace `email`.")
    def emails(self, first: First = 20) -> list[Identifier]:
        """Return email addresses."""
        return self._shorthand("emails", first)

    @derived_field("The identifiers of namespace `loyalty_card`.")
    def loyalty_cards(self, first: First = 20) -> list[Identifier]:
        """Return loyalty cards."""
        return self._shorthand("loyaltyCards", first)

    @derived_field("The orders of the customer, newest first.")
    def orders(self, first: First = 20, after: After = None) -> Connection[Order]:
        """Return a page of orders."""

        def cursor(item: OrderView) -> str:
            return encode(item.order.placed_at, item.key)

        page = self._page(customer_pages.order_page(first, after))
        result: Connection[Order] = connection(page, lambda item: Order.of(item.key, item.order), cursor, after)
        return result

    @derived_field(
        "The customer's attributes. Each shows the value chosen by its precedence rule, with its source and the "
        "alternatives."
    )
    def profile(self) -> Profile:
        """Return the profile."""
        return Profile(chosen=self.graph.shown_profile(self._current_insights()), types=self.graph.catalog.attributes)

    @derived_field("The consents of the customer's identifiers, by purpose and channel, with their history.")
    def consents(
        self,
        purpose: Annotated[
            str | None,
            strawberry.argument(description="Return only consents for this purpose. E.g. `newsletter`."),
        ] = None,
        channel: Annotated[
            Channel | None, strawberry.argument(description="Return only consents for this channel.")
        ] = None,
    ) -> list[Consent]:
        """Return consents by identifier, purpose and channel."""
        every_or_one = None if channel is None else channel_or_every(channel, self.graph.catalog)
        return consents(self._current_insights().decisions, purpose, every_or_one)

    @derived_field(
        "The consent of the customer for a purpose: the strictest decision in effect for any of its identifiers. For a "
        "single identifier, use the query `consent`."
    )
    def consent(
        self,
        purpose: Annotated[str, strawberry.argument(description="The purpose of the data use. E.g. `newsletter`.")],
        channel: Annotated[
            Channel | None,
            strawberry.argument(description="The channel. Without it, only decisions for all channels apply."),
        ] = None,
    ) -> ConsentStatus:
        """Return the consent status of the customer."""
        if problem := check_purpose(purpose, self.graph.catalog.purposes):
            raise InvalidInput(problem.code, problem.message, problem.path)
        chosen = channel_or_every(channel, self.graph.catalog)
        return ConsentStatus.of(decision_of_customer(self._current_insights().decisions, purpose, chosen), purpose)

    @derived_field(
        "The addresses that refuse emails for good: an interaction `email_bounced` names them, and nothing newer shows "
        "that they work again."
    )
    def undeliverable_addresses(self) -> list[UndeliverableAddress]:
        """Return the undeliverable addresses."""
        return [UndeliverableAddress.of(address) for address in self._current_insights().undeliverable.values()]

    @derived_field(
        "The addresses of a channel that may be contacted now: consent for the purpose and the channel is given for "
        "the address itself, it is not blocked, and, for emails, not undeliverable. Empty if the customer is "
        "`restricted`. For a single identifier, use the query `contactable`."
    )
    def contactable_addresses(
        self,
        purpose: Annotated[str, strawberry.argument(description="The purpose of the message. E.g. `newsletter`.")],
        channel: Annotated[Channel, strawberry.argument(description="The channel of the message. E.g. `EMAIL`.")],
    ) -> list[Identifier]:
        """Return the addresses that may be contacted."""
        catalog = self.graph.catalog
        if problem := check_purpose(purpose, catalog.purposes) or check_channel(channel, catalog.channels):
            raise InvalidInput(problem.code, problem.message, problem.path)
        found = self._current_insights().contactable(address_page(catalog, channel), purpose, channel)
        return [Identifier.of(address) for address in found]

    @derived_field("Interactions, orders and identity changes in one list, newest first.")
    def timeline(
        self,
        first: First = 20,
        after: After = None,
        kinds: Annotated[
            list[TimelineKind] | None, strawberry.argument(description="Return only items of these kinds.")
        ] = None,
        channels: Annotated[
            list[str] | None,
            strawberry.argument(description="Return only interactions through these channels. E.g. `email`."),
        ] = None,
        since: Annotated[
            Timestamp | None, strawberry.argument(description="Return only items at or after this time.")
        ] = None,
        until: Annotated[
            Timestamp | None, strawberry.argument(description="Return only items before this time.")
        ] = None,
        types: Annotated[
            list[str] | None,
            strawberry.argument(description="Return only interactions of these types. E.g. `email_link_clicked`."),
        ] = None,
        properties: Annotated[
            list[PropertyCondition] | None,
            strawberry.argument(
                description="Return only interactions whose properties meet all of these conditions, up to 10. "
                f"Requires the scopes `{BEHAVIOR_TEXT}` and `{CONTACT_READ}`, because it would reveal what is masked."
            ),
        ] = None,
    ) -> Connection[TimelineItem]:
        """Return a page of the timeline."""
        filters = kinds, channels, since, until, types, properties
        page = self._page(customer_pages.timeline_page(self.graph, first, after, *filters))
        result: Connection[TimelineItem] = connection(page, item, lambda entry: encode(*entry.position), after)
        return result

    @derived_field("The memberships in external segments that have not expired, newest first.")
    def external_segments(self) -> list[ExternalSegment]:
        """Return the memberships in external segments."""
        if self._withholds_profiling:
            return []
        sees = self.graph.viewer.sees_segment
        memberships = self._current_insights().external_segments
        return [ExternalSegment.of(membership) for membership in memberships if sees(membership.segment)]

    @strawberry.field(description="The segments whose rules the customer matches now.")
    async def segments(self, info: Info) -> list[SegmentMembership]:
        """Load the segments together with those of other customers of the response."""
        self._require_current()
        if self._withholds_profiling:
            return []
        memberships = await info.context.loaders.segments.load(self.view.customer.id)
        return [SegmentMembership.of(segment, entered_at) for segment, entered_at in memberships]

    @derived_field("The links of the customer's identifiers, in any state.")
    def links(
        self,
        first: First = 20,
        after: After = None,
        states: Annotated[
            list[LinkState] | None, strawberry.argument(description="Return only links in these states.")
        ] = None,
    ) -> Connection[Link]:
        """Return a page of links."""
        page = self._page(customer_pages.link_page(self.graph, first, after, states))
        result: Connection[Link] = connection(page, Link.of, self._link_cursor, after)
        return result

    @derived_field("Probabilistic links of the customer that are below the confidence threshold.")
    def possible_matches(self, first: First = 20, after: After = None) -> Connection[PossibleMatch]:
        """Return a page of possible matches."""

        def node(match: Match) -> PossibleMatch:
            ids = dict.fromkeys((match.customer_a.id, match.customer_b.id))
            return PossibleMatch(
                link=Link.of(match.link),
                status=self.graph.match_status(match),
                customer_ids=[strawberry.ID(id) for id in ids],
            )

        page = self._page(customer_pages.match_page(self.graph, first, after))
        result: Connection[PossibleMatch] = connection(page, node, lambda match: self._link_cursor(match.link), after)
        return result

    @derived_field("The changes of the customer, newest first. E.g. merges, splits and overrides.")
    def history(self, first: First = 20, after: After = None) -> Connection[Change]:
        """Return a page of the history."""
        page = self._page(customer_pages.history_page(first, after))
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.number), after)
        return result

    @strawberry.field(description="The active links without which the customer would be split, the weakest first.")
    async def weakest_links(self, info: Info, first: First = 5) -> list[Link]:
        """Return the bridges of the customer's link graph."""
        self._require_current()
        anchor = self.view.customer.anchor.key
        return [Link.of(link) for link in await info.context.graph.weakest_links(anchor, page_size(first))]

    def _link_cursor(self, link: DomainLink) -> str:
        return encode_hidden(self.graph.references, link.a, link.b)
