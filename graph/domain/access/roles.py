"""The roles: what kinds of callers may see and do. A key has one role; `access.toml` maps tokens to roles."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access import scopes as s
from graph.domain.access.viewer import Reach
from graph.domain.model.observations import Party


class Role(Struct, frozen=True):
    """A role. With `needs_sources`, a key or token must name the sources that it writes.

    `party` is the nearest party that its statements may claim. `scopes_with_reason` are added to a request that states
    a reason. With `needs_reason`, each decision must state why.
    """

    name: str
    description: str
    reach: Reach
    scopes: frozenset[str]
    scopes_with_reason: frozenset[str] = frozenset()
    party: Party = Party.FIRST_PARTY
    needs_sources: bool = False
    needs_reason: bool = False
    clerk_segments: frozenset[str] | None = None
    """The segments of a customer that it sees, by name; `None` for all, or none with the reach `HELD`."""


_BASE = frozenset({s.ANY, s.CATALOG_READ})
_CUSTOMER = _BASE | {s.CUSTOMER_READ, s.CUSTOMER_LOOKUP, s.IDENTIFIER_READ, s.NAME_READ, s.ORDER_COUNT}
_ORDERS = frozenset({s.ORDER_READ, s.METRICS_READ})
_PROFILE = frozenset({s.PROFILE_READ, s.PROFILE_UNMASKED})
_BEHAVIOR = frozenset({s.BEHAVIOR_READ, s.BEHAVIOR_TEXT})
_CONSENTS = frozenset({s.CONSENT_READ, s.CONSENT_OF_ADDRESS})
_WRITE = frozenset({s.OBSERVATION_WRITE, s.CONSENT_WRITE})
_STEWARD_READ = frozenset(
    {
        s.OBSERVATION_ID,
        s.CUSTOMER_BATCH,
        s.CUSTOMER_AT_TIME,
        s.CUSTOMER_SEARCH,
        s.CUSTOMER_WATCH,
        s.PROFILE_READ,
        s.GRAPH_READ,
        s.HISTORY_READ,
        s.CHANGES_READ,
        s.SOURCE_READ,
        s.RULES_READ,
        s.REFUSED_READ,
    }
)

BUILT_IN = (
    Role(
        "storefront",
        "A shop's website or app, which acts for the user that is logged in, or for nobody.",
        Reach.SELF,
        _CUSTOMER | _ORDERS | _PROFILE | _BEHAVIOR | _CONSENTS | _WRITE | {s.CUSTOMER_WATCH},
        needs_sources=True,
    ),
    Role(
        "till",
        "A till, to which a customer shows a card.",
        Reach.HELD,
        _CUSTOMER
        | _ORDERS
        | _WRITE
        | {s.PROFILE_UNMASKED, s.CUSTOMER_BATCH, s.CUSTOMER_WATCH, s.MEMBERSHIP_READ, s.CONSENT_OF_ADDRESS},
        needs_sources=True,
    ),
    Role(
        "desk",
        "A service desk, which searches for the customer who calls; addresses are shown to it once it states a reason.",
        Reach.FOUND,
        _CUSTOMER
        | _ORDERS
        | _PROFILE
        | _WRITE
        | {
            s.CUSTOMER_BATCH,
            s.CUSTOMER_SEARCH,
            s.CUSTOMER_WATCH,
            s.BEHAVIOR_READ,
            s.INSIGHTS_READ,
            s.MEMBERSHIP_READ,
            s.CONSENT_OF_ADDRESS,
            s.OBSERVATION_ID,
        },
        scopes_with_reason=frozenset({s.CONTACT_READ}),
        needs_sources=True,
    ),
    Role(
        "partner",
        "A partner that sends data, and sees of a customer what it sent itself.",
        Reach.OWN,
        _CUSTOMER
        | _ORDERS
        | _PROFILE
        | _BEHAVIOR
        | _CONSENTS
        | {
            s.CUSTOMER_BATCH,
            s.CUSTOMER_WATCH,
            s.CONTACT_READ,
            s.OBSERVATION_WRITE,
            s.OBSERVATION_RESULT,
            s.OBSERVATION_ID,
            s.OBSERVATION_REVOKE,
        },
        party=Party.SECOND_PARTY,
        needs_sources=True,
    ),
    Role(
        "marketer",
        "A marketer, who works with numbers and not with people.",
        Reach.COUNT,
        _BASE | {s.SEGMENT_READ, s.SEGMENT_WRITE, s.AUDIENCE_WRITE, s.DESTINATION_READ},
    ),
    Role(
        "steward",
        "A data steward, who decides which identifiers are one customer.",
        Reach.ANY,
        _CUSTOMER
        | _STEWARD_READ
        | {s.OVERRIDE_WRITE, s.OBSERVATION_REVOKE, s.SOURCE_REVOKE, s.RULES_PREVIEW, s.REFUSED_WRITE},
        needs_reason=True,
    ),
    Role(
        "privacy",
        "A privacy officer, who answers to the people whose data is stored.",
        Reach.ANY,
        _CUSTOMER
        | _STEWARD_READ
        | _ORDERS
        | _PROFILE
        | _BEHAVIOR
        | _CONSENTS
        | {
            s.CONTACT_READ,
            s.INSIGHTS_READ,
            s.MEMBERSHIP_READ,
            s.SEGMENT_READ,
            s.SEGMENT_MEMBERS,
            s.DESTINATION_READ,
            s.CONSENT_WRITE,
            s.CONSENT_PROOF,
            s.OBSERVATION_REVOKE,
            s.AUDIT_READ,
            s.REFUSED_WRITE,
            s.RETENTION_READ,
            s.RETENTION_RUN,
            s.ERASURE_READ,
            s.ERASURE_WRITE,
            s.ERASURE_ACKNOWLEDGE,
            s.SUBJECT_EXPORT,
            s.RESTRICTION_WRITE,
            s.RESTRICTED_READ,
            s.PROCESSING_READ,
        },
    ),
    Role(
        "feed",
        "A service that follows the feed of changes, and sees ids and consents.",
        Reach.IDS,
        _BASE | _CONSENTS | {s.CUSTOMER_READ, s.CUSTOMER_WATCH, s.CHANGES_READ, s.ERASURE_ACKNOWLEDGE},
    ),
    Role(
        "ingest",
        "A service that records the data of its sources, and reads nothing.",
        Reach.NONE,
        _BASE | _WRITE | {s.PRODUCT_WRITE, s.OBSERVATION_REVOKE},
        needs_sources=True,
    ),
    Role(
        "admin",
        "An administrator, who sees no personal data.",
        Reach.NONE,
        _BASE
        | {
            s.SCHEMA_READ,
            s.SOURCE_READ,
            s.RULES_READ,
            s.RULES_PREVIEW,
            s.RULES_APPLY,
            s.RFM_CALCULATE,
            s.REFUSED_READ,
            s.REFUSED_WRITE,
            s.RETENTION_READ,
            s.DESTINATION_READ,
            s.DESTINATION_MANAGE,
            s.SERVICE_METRICS,
            s.PROCESSING_READ,
        },
    ),
)
"""The roles that exist without any configuration."""

DEVELOPER = Role(
    "developer", "Everything; for a laptop, without keys or in the development profile.", Reach.ANY, s.EVERY
)
"""The role of a caller that may do everything. No key of the production profile can have it."""


class Roles(Mapping[str, Role]):
    """All roles of a service by name: the built-in ones, those of `access.toml`, and `developer`."""

    def __init__(self, custom: Iterable[Role] = (), clerk_segments: frozenset[str] = frozenset()) -> None:
        """`clerk_segments` are the names of the segments that are meant for clerks at a counter."""
        self._by_name = {
            role.name: replace(role, clerk_segments=clerk_segments)
            if clerk_segments and role.reach is Reach.HELD
            else role
            for role in (*BUILT_IN, *custom, DEVELOPER)
        }

    def __getitem__(self, name: str) -> Role:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def grantable(self) -> tuple[str, ...]:
        """The names of the roles that a key or a token may have in the production profile."""
        return tuple(name for name in self._by_name if name != DEVELOPER.name)


ROLES = Roles()
"""The roles of a service without `access.toml`."""
