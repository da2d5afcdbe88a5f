"""The viewer: who asks, for what purpose, and what it may see and do."""

from enum import Enum

from msgspec import Struct

from graph.domain.access.scopes import CONTACT_READ
from graph.domain.model.observations import Party


class Reach(Enum):
    """Which customers a viewer may see."""

    NONE = "none"
    """No customer."""
    COUNT = "count"
    """Numbers of customers, from a minimum number on."""
    IDS = "ids"
    """Customers by their ids, which the feed of changes names."""
    SELF = "self"
    """The customer that the token names as its subject; without a subject, the facts of one cookie or device."""
    OWN = "own"
    """Customers that the viewer's own sources named, and of them only what these sources sent."""
    HELD = "held"
    """A customer of which the viewer presents a strong identifier."""
    FOUND = "found"
    """As `HELD`, and customers by their ids, which a search returned."""
    ANY = "any"
    """Every customer."""


def always_valid() -> bool:
    """Return that a key or token is still valid: it never ends."""
    return True


class Viewer(Struct, frozen=True):
    """Who sends a request. It is made once for each request, from a key or a token; everything below takes it.

    `caller` is the name of the key, or issuer, client and subject of the token: idempotency keys and limits are bound
    to it. `subject` is the key of the identifier that a token proves. `sources` are those that the caller may write,
    and read with the reach `OWN`; `None` allows all. `party` is the nearest party that its statements may claim.
    Of the segments of a customer it sees those named in `clerk_segments`; `None` stands for all, but for the reach
    `HELD` for none. `purposes` are those it may act for, `purpose` is the one of this request, `reason` why it asks,
    as it says. `client` is the name of a token's caller without its subject; empty for keys.
    """

    caller: str
    role: str
    scopes: frozenset[str]
    reach: Reach
    subject: str | None = None
    sources: frozenset[str] | None = None
    party: Party = Party.FIRST_PARTY
    purposes: tuple[str, ...] = ()
    purpose: str = ""
    reason: str = ""
    clerk_segments: frozenset[str] | None = None
    client: str = ""

    @property
    def sender(self) -> str:
        """Through whom its statements come, without the person that a token names: what is stored with each of them."""
        return self.client or self.caller

    def may(self, scope: str) -> bool:
        """Return whether the viewer holds a scope."""
        return scope in self.scopes

    @property
    def sees_contacts(self) -> bool:
        """Whether addresses are shown to the viewer unmasked."""
        return CONTACT_READ in self.scopes

    @property
    def is_unrestricted(self) -> bool:
        """Whether the viewer may see every customer."""
        return self.reach is Reach.ANY

    def sees_segment(self, name: str) -> bool:
        """Return whether the viewer may see that a customer is in the segment of this name."""
        if self.clerk_segments is None:
            return self.reach is not Reach.HELD
        return name in self.clerk_segments

    def writes_source(self, source: str) -> bool:
        """Return whether the viewer may record statements of a source."""
        return self.sources is None or source in self.sources
