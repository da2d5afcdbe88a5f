"""Which customers a viewer reaches: by what it may look them up, and which identifiers of one belong to itself."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access import scopes
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.claims import is_claimed
from graph.domain.model.customers import Customer
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import EvidenceTier
from graph.domain.model.rules import GUESSABLE, ORDER_NAMESPACE, Proves, Rules
from graph.domain.profile.pages import ById, CustomerRef, IdentifierPage, OrderPage, PageRequest, TimelinePage
from graph.domain.profile.timeline import TimelineKind

MAX_HELD_ORDERS = 10
"""Orders, the newest ones, that a viewer with the reach `HELD` sees of a customer."""
MIN_SEARCH_LENGTH = 3
"""Characters of a search that a viewer with the reach `FOUND` must enter."""
MAX_SEARCH_HITS = 20
"""Hits of a search that a viewer with the reach `FOUND` sees in all."""
_LETTERS = bytes(b"0123456789abcdefghjkmnpqrstvwxyz"[byte % 32] for byte in range(256))
_SCOPE_OF_KIND = {
    TimelineKind.INTERACTION: scopes.BEHAVIOR_READ,
    TimelineKind.ORDER: scopes.ORDER_READ,
    TimelineKind.CHANGE: scopes.HISTORY_READ,
}
_SCOPES_OF_KINDS = frozenset(_SCOPE_OF_KIND.values())


def may_ask_by(viewer: Viewer, ref: CustomerRef, rules: Rules) -> bool:
    """Return whether a viewer sees whole customers and may look one up by this reference."""
    match viewer.reach:
        case Reach.ANY:
            return True
        case Reach.IDS:
            return isinstance(ref, ById)
        case Reach.HELD:
            return not isinstance(ref, ById) and rules.proves_something(ref.key)
        case Reach.FOUND:
            return isinstance(ref, ById) or rules.proves_something(ref.key) or namespace_of(ref.key) == ORDER_NAMESPACE
    return False


def opens_itself(key: str, rules: Rules) -> bool:
    """Return whether a key opens what is attached to it alone: it proves nothing, and cannot be guessed."""
    namespace = namespace_of(key)
    return rules.proof.get(namespace) is Proves.NOTHING and namespace not in GUESSABLE


def derived_id(key: str) -> str:
    """Return the id of the customer of whom a viewer sees no more than what belongs to a key: opaque and stable.

    It is not the id of the customer: that reveals whether the key belongs to somebody who is known otherwise.
    """
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=26, person=b"kith:self").digest()
    return "cus_" + digest.translate(_LETTERS).decode()


def narrowed(page: PageRequest, viewer: Viewer) -> PageRequest | None:
    """Return the page that is read for a viewer instead of the requested one; `None` if it is empty."""
    is_held = viewer.reach is Reach.HELD
    match page:
        case TimelinePage():
            kinds = tuple(
                kind
                for kind in page.kinds
                if viewer.may(_SCOPE_OF_KIND[kind]) and not (is_held and kind is TimelineKind.ORDER)
            )
            return _with_kinds(page, kinds) if kinds else None
        case OrderPage() if is_held:
            # There is no second page.
            return OrderPage(min(page.first, MAX_HELD_ORDERS)) if page.after is None else None
        case IdentifierPage() if is_held:
            # Order numbers open orders. A name that no namespace has keeps the places of the others in cursors.
            names = tuple("" if name == ORDER_NAMESPACE else name for name in page.namespaces)
            return page if names == page.namespaces else IdentifierPage(names, page.first, page.after)
    return page


def _with_kinds(page: TimelinePage, kinds: tuple[TimelineKind, ...]) -> TimelinePage:
    if kinds == page.kinds:
        return page
    return replace(page, kinds=kinds)


def narrows(viewer: Viewer) -> bool:
    """Return whether `narrowed` may change a page of a viewer."""
    return viewer.reach is Reach.HELD or not viewer.scopes >= _SCOPES_OF_KINDS


class ConnectedPart(Struct, frozen=True):
    """The identifiers of a customer that are connected with one of them, and whether they are the whole customer."""

    keys: frozenset[str]
    whole: bool


def self_part(
    subject: str,
    customer: Customer,
    identifiers: Collection[str],
    links: Iterable[Link],
    together: Iterable[Pair],
    rules: Rules,
) -> ConnectedPart:
    """Return which identifiers of the subject's customer belong to the subject.

    They are those that are connected with it by active links of first parties, and by what stewards keep `together`.
    Claims, partners and matching software link, but whoever can make them say so must not read what is behind. An
    identifier that proves nothing leads no further, since somebody else may have used it, not even if it is the
    subject. If the customer holds two values of a namespace of which one person has one and which proves who one is,
    it is unclear whose the rest is, and the subject has nothing but itself.

    A link that is not followed makes the customer one that is not whole whether or not the other identifier is known:
    the answer must not reveal which.
    """
    if _is_contested(customer.counts, rules):
        return ConnectedPart(frozenset((subject,)), False)
    neighbors: dict[str, list[str]] = {}
    unproved: set[str] = set()
    for link in links:
        if not link.sources:
            continue  # It is below the threshold, and links nobody.
        if link.tier is not EvidenceTier.FIRST_PARTY or all(map(is_claimed, link.sources)):
            unproved.update(link.pair)
        elif link.state is LinkState.ACTIVE:
            _connect(neighbors, link.pair)
    reached = _reached(subject, frozenset(identifiers), neighbors, together, rules)
    whole = len(reached) == customer.size and reached.isdisjoint(unproved)
    return ConnectedPart(reached, whole)


def held_part(
    presented: str,
    customer: Customer,
    identifiers: Collection[str],
    links: Iterable[Link],
    together: Iterable[Pair],
    rules: Rules,
) -> ConnectedPart:
    """Return which identifiers of a customer an identifier that is presented at a counter opens.

    They are those that are connected with it by active links that are not only claimed, and by what stewards keep
    `together`. An identifier that proves nothing leads no further: otherwise whoever may record an order could link
    somebody's order number with an address of their own, and open that person by this address.
    """
    neighbors: dict[str, list[str]] = {}
    for link in links:
        if link.state is LinkState.ACTIVE and link.sources and not all(map(is_claimed, link.sources)):
            _connect(neighbors, link.pair)
    reached = _reached(presented, frozenset(identifiers), neighbors, together, rules)
    return ConnectedPart(reached, len(reached) == customer.size)


def _reached(
    start: str, inside: frozenset[str], neighbors: dict[str, list[str]], together: Iterable[Pair], rules: Rules
) -> frozenset[str]:
    """Return the identifiers of a customer that a walk from one of them reaches, through those that prove something."""
    for pair in together:
        _connect(neighbors, pair)
    reached, pending = {start}, [start]
    while pending:
        key = pending.pop()
        if not rules.proves_something(key):
            continue
        new = [other for other in neighbors.get(key, ()) if other in inside and other not in reached]
        reached.update(new)
        pending += new
    return frozenset(reached)


def _connect(neighbors: dict[str, list[str]], pair: Pair) -> None:
    a, b = pair
    neighbors.setdefault(a, []).append(b)
    neighbors.setdefault(b, []).append(a)


def _is_contested(counts: Mapping[str, int], rules: Rules) -> bool:
    return any(
        count > 1 and rules.limits.get(namespace) == 1 and rules.proof.get(namespace) is Proves.IDENTITY
        for namespace, count in counts.items()
    )
