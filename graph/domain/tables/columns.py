"""The tables that `kith export` writes, and their columns.

Their names, types and meanings are a contract: columns may be added, and nothing else changes within one
`SCHEMA_VERSION`. docs/reference/export-columns.md and the views of a SQLite file have the same names.
"""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from graph.domain.access import scopes
from graph.domain.model.labels import Label

SCHEMA_VERSION = 1
"""The version of the contract. A column that changes or goes makes a new one."""
DELETED = "_deleted"
"""The last column of each table: whether the row is gone since the export before. All other columns but the first are
null then."""


class ColumnType(Enum):
    """The type of a column, with how each format writes it."""

    TEXT = "text"
    INTEGER = "integer"
    """64 bits."""
    FLOAT = "float"
    """64 bits."""
    DECIMAL = "decimal"
    """24 digits, 6 of them after the point; never a floating-point number. A text in NDJSON."""
    BOOLEAN = "boolean"
    TIME = "time"
    """Microseconds, in UTC. ISO 8601 in CSV and NDJSON."""
    TEXTS = "list of texts"
    """JSON in CSV."""
    JSON = "JSON"
    """A text that contains JSON, in NDJSON the value itself."""


class Column(Struct, frozen=True):
    """A column. `source` says where it comes from, in the terms of the API. `scope` is what is needed to read it.

    A column that is computed with the secret of the store, or by the rules, is not in the views of SQLite.
    """

    name: str
    type: ColumnType
    description: str
    source: str
    nullable: bool = False
    scope: str = ""
    in_view: bool = True


class Table(Struct, frozen=True):
    """A table. Its first column is its primary key. `scope` is needed to read it, `label` is what policies call it.

    `view` is the name of the view with the same rows in a SQLite file; empty if there is none.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    scope: str
    label: Label | None = None
    view: str = ""

    @property
    def key(self) -> Column:
        """The primary key."""
        return self.columns[0]


_TEXT, _INTEGER, _TIME, _BOOLEAN = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.TIME, ColumnType.BOOLEAN
_DECIMAL, _TEXTS, _JSON, _FLOAT = ColumnType.DECIMAL, ColumnType.TEXTS, ColumnType.JSON, ColumnType.FLOAT


def _id(name: str, description: str) -> Column:
    return Column(name, _TEXT, description, "a keyed hash", in_view=False)


def _identifier(what: str) -> tuple[Column, ...]:
    """Return the columns of an identifier that a fact is attached to."""
    return (
        Column(
            "identifier_id", _TEXT, f"The identifier that the {what}: `identifiers`.", "a keyed hash", in_view=False
        ),
        Column("identifier_namespace", _TEXT, "Its namespace.", "`Identifier.namespace`"),
        Column("identifier_value", _TEXT, "Its value, or the mask of it.", "`Identifier.value`"),
    )


_CUSTOMER = Column("customer_id", _TEXT, "The customer that it belongs to: `customers`.", "`Customer.id`")

CUSTOMERS = Table(
    "customers",
    "One row for each customer id that was ever given, except those of people who were erased.",
    (
        Column("customer_id", _TEXT, "The id, an opaque text.", "`Customer.id`"),
        Column("created_at", _TIME, "When the id was created.", "`Customer.createdAt`", nullable=True),
        Column(
            "known",
            _BOOLEAN,
            "Whether it has an identifier of a known person.",
            "`Customer.known`",
            True,
            in_view=False,
        ),
        Column("identifier_count", _INTEGER, "Number of identifiers.", "`Customer.identifiers`", nullable=True),
        Column("identifiers_by_namespace", _JSON, "Numbers of identifiers by namespace.", "the same", nullable=True),
        Column("retired_at", _TIME, "Since when the id holds no identifiers; null if it does.", "the history", True),
        Column("redirects_to", _TEXT, "The id that a retired one leads to.", "`Customer.id`", nullable=True),
        Column("restricted", _BOOLEAN, "Processing is restricted: nothing else is exported.", "`Customer.restricted`"),
    ),
    scopes.CUSTOMER_READ,
    view="v_customers",
)
IDENTIFIERS = Table(
    "identifiers",
    "One row for each identifier of a customer, without those of restricted customers.",
    (
        _id("identifier_id", "The same in all exports of a store, also where values are masked."),
        _CUSTOMER,
        Column("namespace", _TEXT, "The namespace, such as `email`.", "`Identifier.namespace`"),
        Column("value", _TEXT, "The normalized value, or the mask of it.", "`Identifier.value`"),
        Column("first_seen_at", _TIME, "Null if only an override names it.", "`Identifier.firstSeenAt`", True),
        Column("last_seen_at", _TIME, "Null if only an override names it.", "`Identifier.lastSeenAt`", True),
        Column("observation_count", _INTEGER, "Observations that name it.", "`Identifier.observationCount`"),
        Column("sources", _TEXTS, "The sources of these observations.", "`Identifier.sources`"),
        Column("shared", _BOOLEAN, "Whether it links nobody, because several people use it.", "`Identifier.shared`"),
        Column("blocked", _BOOLEAN, "Whether a steward blocked it.", "`Identifier.blocked`"),
    ),
    scopes.IDENTIFIER_READ,
    view="v_identifiers",
)
LINKS = Table(
    "links",
    "One row for each pair of identifiers that observations support. `identifier_a` has the smaller key.",
    (
        _id("link_id", "The pair."),
        _id("identifier_a_id", "One end: `identifiers`."),
        Column("identifier_a_namespace", _TEXT, "Its namespace.", "`Link.a`"),
        Column("identifier_a_value", _TEXT, "Its value, or the mask of it.", "`Link.a`"),
        Column("customer_a_id", _TEXT, "Its customer.", "`Customer.id`", nullable=True),
        _id("identifier_b_id", "The other end: `identifiers`."),
        Column("identifier_b_namespace", _TEXT, "Its namespace.", "`Link.b`"),
        Column("identifier_b_value", _TEXT, "Its value, or the mask of it.", "`Link.b`"),
        Column("customer_b_id", _TEXT, "Its customer.", "`Customer.id`", nullable=True),
        Column("state", _TEXT, "`ACTIVE`, `SUSPENDED` or `EXCLUDED`.", "`Link.state`"),
        Column("reason_code", _TEXT, "Why it is not active.", "`Link.reason.code`", nullable=True),
        Column("tier", _TEXT, "The strongest evidence, such as `FIRST_PARTY`.", "`Link.tier`"),
        Column("confidence", _FLOAT, "The highest of all probabilistic statements.", "`Link.confidence`", True),
        Column("first_seen_at", _TIME, "Null below the threshold.", "`Link.firstSeenAt`", nullable=True),
        Column("last_seen_at", _TIME, "Null below the threshold.", "`Link.lastSeenAt`", nullable=True),
        Column("observation_count", _INTEGER, "Observations that support it.", "`Link.observationCount`"),
        Column("sources", _TEXTS, "The sources of these observations.", "`Link.sources`"),
    ),
    scopes.GRAPH_READ,
    view="v_links",
)
ORDERS = Table(
    "orders",
    "One row for each order of a customer, as the source reports it that takes precedence. What it brought in is "
    "`total` less `refunded`; 0 if it was returned or cancelled.",
    (
        _id("order_id", "The order: `identifiers.identifier_id` of its number."),
        _CUSTOMER,
        Column("number", _TEXT, "The number of the order.", "`Order.number`"),
        Column("source", _TEXT, "The source that reports it.", "`Order.source`"),
        Column("placed_at", _TIME, "When it was placed.", "`Order.placedAt`"),
        Column("reported_at", _TIME, "When the source reported it so.", "`Order.reportedAt`"),
        Column("status", _TEXT, "`PLACED`, `PAID`, `SHIPPED`, `RETURNED` or `CANCELLED`.", "`Order.status`"),
        Column("currency", _TEXT, "ISO 4217.", "`Order.currency`"),
        Column("total", _DECIMAL, "The total, in the currency.", "`Order.total`"),
        Column("refunded", _DECIMAL, "What was given back of it.", "`Order.refunded`"),
        Column("line_count", _INTEGER, "Number of lines.", "`Order.lines`"),
    ),
    scopes.ORDER_READ,
    Label.CONTRACT,
    "v_orders",
)
ORDER_LINES = Table(
    "order_lines",
    "One row for each line of these orders.",
    (
        _id("order_line_id", "The order and the position."),
        _id("order_id", "The order: `orders`."),
        _CUSTOMER,
        Column("order_number", _TEXT, "The number of the order.", "`Order.number`"),
        Column("position", _INTEGER, "The position in the order, from 1.", "`Order.lines`"),
        Column("sku", _TEXT, "The SKU of the product.", "`OrderLine.sku`"),
        Column("name", _TEXT, "The name on the order.", "`OrderLine.name`", nullable=True),
        Column("quantity", _DECIMAL, "Negative for what was returned.", "`OrderLine.quantity`"),
        Column("total", _DECIMAL, "The total of the line; negative for discounts.", "`OrderLine.total`"),
        Column("currency", _TEXT, "ISO 4217.", "`Order.currency`"),
    ),
    scopes.ORDER_READ,
    Label.CONTRACT,
    "v_order_lines",
)
INTERACTIONS = Table(
    "interactions",
    "One row for each interaction that counts and belongs to a customer.",
    (
        _id("interaction_id", "The interaction."),
        _CUSTOMER,
        *_identifier("interaction is attached to"),
        Column("type", _TEXT, "See [interaction types](interaction-types.md).", "`Interaction.type`"),
        Column("occurred_at", _TIME, "When it happened.", "`Interaction.occurredAt`"),
        Column("recorded_at", _TIME, "When Kith recorded it.", "the observation"),
        Column("source", _TEXT, "The source that reports it.", "`Interaction.source`"),
        Column("party", _TEXT, "`FIRST_PARTY`, `SECOND_PARTY` or `THIRD_PARTY`.", "`Interaction.party`"),
        Column("channel", _TEXT, "The channel.", "`Interaction.channel`", nullable=True),
        Column("device", _TEXT, "The device.", "`Interaction.device`", nullable=True),
        Column("campaign", _TEXT, "The campaign.", "`Interaction.campaign`", nullable=True),
        Column("sku", _TEXT, "The SKU of the product.", "`Interaction.sku`", nullable=True),
        Column("offer_type", _TEXT, "What an email or a banner offers.", "`Interaction.offerType`", nullable=True),
        Column("text", _TEXT, "What somebody wrote.", "`Interaction.text`", True, scopes.BEHAVIOR_TEXT),
        Column(
            "properties", _JSON, "Everything else, as sent.", "`Interaction.properties`", True, scopes.BEHAVIOR_TEXT
        ),
    ),
    scopes.BEHAVIOR_READ,
    Label.BEHAVIOR,
    "v_interactions",
)
CONSENTS = Table(
    "consents",
    "One row for each consent decision that counts, at each identifier that it was reported with.",
    (
        _id("consent_id", "The decision at the identifier."),
        _CUSTOMER,
        *_identifier("decision is about"),
        Column("purpose", _TEXT, "The purpose.", "`Consent.purpose`"),
        Column("channel", _TEXT, "The channel; null if it holds for every channel.", "`Consent.channel`", True),
        Column("decision", _TEXT, "`GIVEN`, `REFUSED` or `WITHDRAWN`.", "`Consent.decision`"),
        Column(
            "in_effect",
            _BOOLEAN,
            "Whether no later decision of the identifier on the purpose replaces it: one for every channel, or for the "
            "same.",
            "`Consent.decision`",
        ),
        Column("decided_at", _TIME, "When it was made.", "`ConsentRecord.decidedAt`"),
        Column("recorded_at", _TIME, "When Kith recorded it.", "the observation"),
        Column("source", _TEXT, "The source that reports it.", "`ConsentRecord.source`"),
        Column("party", _TEXT, "`FIRST_PARTY`, `SECOND_PARTY` or `THIRD_PARTY`.", "`ConsentRecord.party`"),
        Column("policy_version", _TEXT, "The version of the text.", "`ConsentRecord.policyVersion`", nullable=True),
        Column("method", _TEXT, "How it was collected.", "`ProvenDecision.method`", True, scopes.CONSENT_PROOF),
    ),
    scopes.CONSENT_READ,
    view="v_consents",
)
SEGMENT_MEMBERS = Table(
    "segment_members",
    "One row for each membership of a customer in a segment.",
    (
        Column("membership_id", _TEXT, "Segment and customer.", "`segment_id`:`customer_id`"),
        Column("segment_id", _TEXT, "The id of the segment.", "`Segment.id`"),
        Column("segment_name", _TEXT, "Its name.", "`Segment.name`"),
        _CUSTOMER,
        Column("entered_at", _TIME, "Since when.", "`SegmentMembership.enteredAt`"),
    ),
    scopes.MEMBERSHIP_READ,
    Label.PROFILING,
    "v_segment_members",
)
CHANGES = Table(
    "changes",
    "One row for each change of the feed.",
    (
        Column("number", _INTEGER, "The number, in the order of commits and without gaps.", "`Change.cursor`"),
        Column("recorded_at", _TIME, "When it was recorded.", "`Change.recordedAt`"),
        Column("kind", _TEXT, "Such as `CUSTOMERS_MERGED`.", "`Change.kind`"),
        Column("customer_id", _TEXT, "The customer that changed.", "`Change.customerId`", nullable=True),
        Column(
            "other_customer_id", _TEXT, "The other customer that took part.", "`Change.otherCustomerId`", nullable=True
        ),
        Column(
            "identifiers", _TEXTS, "As `namespace=value`, or masked.", "`Change.identifiers`", True, scopes.HISTORY_READ
        ),
        Column("reason", _TEXT, "Why, in words.", "`Change.reason`", True, scopes.HISTORY_READ),
        Column("reason_code", _TEXT, "Why a link was suspended or restored.", "`Change.reasonCode`", nullable=True),
        Column("cause", _TEXT, "The type of the cause, such as `OBSERVATION`.", "`Change.cause.type`"),
        Column("cause_source", _TEXT, "The source of the observation.", "`Change.cause.source`", nullable=True),
        Column("segment_name", _TEXT, "The segment that a customer entered or left.", "`Change.reason`", True),
    ),
    scopes.CHANGES_READ,
)

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS,
        IDENTIFIERS,
        LINKS,
        ORDERS,
        ORDER_LINES,
        INTERACTIONS,
        CONSENTS,
        SEGMENT_MEMBERS,
        CHANGES,
    )
}
"""All tables by name, in the order in which they are written."""
