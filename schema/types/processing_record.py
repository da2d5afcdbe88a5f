"""The record of processing activities in GraphQL."""

import strawberry

from graph.domain.access import processing_record as domain
from graph.domain.access.policies import Policy as DomainPolicy
from graph.domain.access.scopes import PROCESSING_READ
from graph.domain.profile import purposes
from graph.domain.profile.purposes import LegalBasis
from schema.shared.derived_fields import Derived
from schema.shared.enums import describe_enum
from schema.shared.reach import Reach
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp

describe_enum(
    LegalBasis,
    "LegalBasis",
    "Why processing is lawful: the legal bases of Art. 6(1) GDPR.",
    CONSENT="Art. 6(1)(a): the person has consented.",
    CONTRACT="Art. 6(1)(b): a contract with the person, or steps before one that the person asked for.",
    LEGAL_OBLIGATION="Art. 6(1)(c): a law obliges the company.",
    VITAL_INTERESTS="Art. 6(1)(d): somebody's life depends on it.",
    PUBLIC_TASK="Art. 6(1)(e): a task in the public interest, or official authority.",
    LEGITIMATE_INTERESTS="Art. 6(1)(f): interests of the company that those of the person do not override.",
)

controller = Derived[purposes.Controller]()
purpose = Derived[domain.RecordedPurpose]()
policy = Derived[DomainPolicy]()
audience = Derived[domain.AudienceRecord]()
labeled = Derived[domain.LabeledData]()


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


@requires(PROCESSING_READ)
@strawberry.type(description="Who decides what personal data is processed for. What is null is not declared.")
class Controller:
    """The controller in GraphQL; its values are the domain's."""

    name: str | None = strawberry.field(description="The name. E.g. `Kaufhaus Berg GmbH`.")
    contact: str | None = strawberry.field(description="How it can be reached.")
    joint_controllers: list[str] | None = controller(
        lambda one: _list(one.joint_controllers), "Who decides together with it, with contact details."
    )
    representative: str | None = strawberry.field(description="Its representative in the Union, if it has one.")
    data_protection_officer: str | None = strawberry.field(description="The data protection officer, with contact.")


@requires(PROCESSING_READ)
@strawberry.type(description="A caller that may read people: a key or a client of an issuer of tokens.")
class ProcessingReader:
    """A caller in GraphQL; its values are the domain's."""

    name: str = strawberry.field(description="The name of the key, or issuer and client. E.g. `till-7`.")
    role: str = strawberry.field(description="The role. Empty if the tokens of the issuer name it.")
    purposes: list[str] = strawberry.field(description="The purposes that it may act for.")


@requires(PROCESSING_READ)
@strawberry.type(description="A policy: data with a label is shown for a purpose only with consent.")
class ProcessingPolicy:
    """A policy in GraphQL; its values are the domain's."""

    label: str = policy(lambda one: one.label.value, "The label of the data. E.g. `contact`.")
    needs_consent: str = strawberry.field(description="The purpose that a person must have consented to.")


@requires(PROCESSING_READ)
@strawberry.type(description="What is sent to a destination for a purpose: identifiers of the members of a segment.")
class ProcessingAudience:
    """What is sent to a destination, in GraphQL; its values are the domain's."""

    destination: str = strawberry.field(description="The name of the destination. E.g. `newsletter-tool`.")
    type: str | None = audience(lambda one: one.type or None, "Its type. Null if it is no longer configured.")
    segment: str | None = audience(lambda one: one.segment or None, "The name of the segment. Null if it was deleted.")
    channel: str = strawberry.field(description="The channel that the identifiers are used for. E.g. `EMAIL`.")
    namespaces: list[str] = strawberry.field(description="The namespaces of the identifiers.")
    attributes: list[str] = strawberry.field(description="The attributes that are sent beside them.")


@requires(PROCESSING_READ)
@strawberry.type(description="A purpose of processing. What is null is not declared; an empty list declares none.")
class ProcessingPurpose:
    """A purpose in GraphQL; its values are the domain's."""

    name: str = purpose(lambda one: one.purpose.name, "The name. E.g. `newsletter`.")
    declared: bool = strawberry.field(
        description="Whether attributes.toml declares it. If not, only callers or policies name it."
    )
    consent: bool = purpose(lambda one: one.purpose.consent, "Whether decisions of people are recorded for it.")
    description: str | None = purpose(lambda one: one.purpose.description, "What is done, and what for.")
    legal_basis: LegalBasis | None = purpose(lambda one: one.purpose.legal_basis, "Why it is lawful.")
    data_subjects: list[str] | None = purpose(
        lambda one: _list(one.purpose.data_subjects), "The categories of people. E.g. `customers`."
    )
    data_categories: list[str] | None = purpose(
        lambda one: _list(one.purpose.data_categories), "The categories of personal data. E.g. `email addresses`."
    )
    recipients: list[str] | None = purpose(
        lambda one: _list(one.purpose.recipients), "The categories of recipients of the data."
    )
    transfers: list[str] | None = purpose(
        lambda one: _list(one.purpose.transfers), "Transfers to third countries, with their safeguards."
    )
    retention: str | None = purpose(lambda one: one.purpose.retention, "How long the data is kept, in words.")
    readers: list[ProcessingReader] = strawberry.field(description="The callers that may act for it.")
    policies: list[ProcessingPolicy] = strawberry.field(description="The policies that apply to it.")
    audiences: list[ProcessingAudience] = strawberry.field(description="What is sent to destinations for it.")


@requires(PROCESSING_READ)
@strawberry.type(description="A role that callers have.")
class ProcessingRole:
    """A role in GraphQL; its values are the domain's."""

    name: str = strawberry.field(description="The name. E.g. `desk`.")
    description: str = strawberry.field(description="Who has it.")
    reach: Reach = strawberry.field(description="Which customers it sees.")


@requires(PROCESSING_READ)
@strawberry.type(description="The data that has a label.")
class LabeledData:
    """Labeled data in GraphQL; its values are the domain's."""

    label: str | None = labeled(lambda one: one.label or None, "The label. Null for data without one. E.g. `contact`.")
    namespaces: list[str] = strawberry.field(description="The namespaces of identifiers.")
    attributes: list[str] = strawberry.field(description="The attributes of people.")


@requires(PROCESSING_READ)
@strawberry.type(description="A source of data.")
class ProcessingSource:
    """A source in GraphQL; its values are the domain's."""

    name: str = strawberry.field(description="The name. E.g. `crm`.")
    named_by: list[str] = strawberry.field(description="What names it: a file of the configuration, or a key.")


@requires(PROCESSING_READ)
@strawberry.type(description="A channel through which people are contacted.")
class ProcessingChannel:
    """A channel in GraphQL; its values are the domain's."""

    name: str = strawberry.field(description="The name. E.g. `EMAIL`.")
    namespaces: list[str] = strawberry.field(description="The namespaces of its addresses.")


@requires(PROCESSING_READ)
@strawberry.type(description="For how many days something is kept.")
class ProcessingRetention:
    """A retention period in GraphQL; its values are the domain's."""

    what: str = strawberry.field(description="What is kept.")
    days: int = strawberry.field(description="For how many days.")
    minimum: bool = strawberry.field(description="Whether it is kept at least so long, and not at most.")
    reason: str = strawberry.field(description="Why, or which setting says so. May be empty.")


@requires(PROCESSING_READ)
@strawberry.type(description="A technical or organizational measure.")
class ProcessingMeasure:
    """A measure in GraphQL; its values are the domain's."""

    name: str = strawberry.field(description="The name. E.g. `access control`.")
    text: str = strawberry.field(description="What is in effect.")
    by_kith: bool = strawberry.field(description="False if the operator has to take care of it and describe it.")


@requires(PROCESSING_READ)
@strawberry.type(description="Something that the record has to say and nobody has declared.")
class ProcessingGap:
    """A gap in GraphQL; its values are the domain's."""

    place: str = strawberry.field(description="Where it is missing. E.g. `purpose newsletter`.")
    missing: str = strawberry.field(description="What is missing. E.g. `legal_basis`.")


@requires(PROCESSING_READ)
@strawberry.type(description="The record of processing activities (Art. 30 GDPR), as of a time.")
class ProcessingRecord:
    """The record in GraphQL; its values are the domain's."""

    at: Timestamp = strawberry.field(description="When the record was made.")
    controller: Controller = strawberry.field(description="Who decides what data is processed for.")
    purposes: list[ProcessingPurpose] = strawberry.field(description="What data is processed for.")
    readers: list[ProcessingReader] = strawberry.field(description="All callers that may read people.")
    roles: list[ProcessingRole] = strawberry.field(description="The roles of these callers.")
    data: list[LabeledData] = strawberry.field(description="The data that can be stored, by label.")
    sources: list[ProcessingSource] = strawberry.field(description="The sources that the configuration names.")
    channels: list[ProcessingChannel] = strawberry.field(description="The channels through which people are contacted.")
    segments: list[str] = strawberry.field(description="The names of the segments of customers.")
    retention: list[ProcessingRetention] = strawberry.field(description="For how long data is kept.")
    measures: list[ProcessingMeasure] = strawberry.field(description="Technical and organizational measures.")
    gaps: list[ProcessingGap] = strawberry.field(description="What nobody has declared.")
    change_destinations: list[str] = strawberry.field(
        description="The destinations that the changes of all customers are sent to."
    )
