"""The enums of consent in GraphQL."""

from graph.domain.access.decision_log import LogState
from graph.domain.profile.consents import ConsentMethod, Decision
from schema.shared.enums import describe_enum

__all__ = ["ConsentMethod", "Decision", "LogState"]

describe_enum(
    Decision,
    "ConsentDecision",
    "A person's decision about the use of their data.",
    NONE="No decision is recorded. Consent must not be assumed.",
    GIVEN="The person consented.",
    REFUSED="The person was asked and did not consent.",
    WITHDRAWN="The person withdrew an earlier consent.",
)
describe_enum(
    ConsentMethod,
    "ConsentMethod",
    "How a consent decision was collected.",
    FORM="By a form that the person filled in.",
    DOUBLE_OPT_IN="By a form, and a link in a message that confirmed it.",
    PREFERENCE_CENTER="By settings that the person can change at any time.",
    VERBAL="In a conversation, for example by phone.",
    PAPER="On paper.",
    CMP="By a consent management platform, such as the dialog about cookies.",
    API="By a system of a partner that asked the person.",
    IMPORTED="From older records, for which nothing better is known.",
    INTERACTION="It follows from an interaction, such as unsubscribing in an email.",
)
describe_enum(
    LogState,
    "ConsentLogState",
    "How a stored consent decision compares with what the audit log kept of it when it arrived.",
    MATCHES="It is as it arrived.",
    CHANGED="It, or the text of its version, is not as it arrived: it was changed outside Kith.",
    UNKNOWN="The log does not have it, although it kept decisions at the time: it was added outside Kith, or received "
    "by a service with another log.",
    EARLIER="It arrived before the log kept decisions.",
    PARTLY_ERASED="Another person whom it named was erased, so it cannot be compared.",
)
