"""Policies: which data a viewer who acts for a purpose sees only with consent.

Data is labeled by what it is. A policy says that data with a label, shown for a purpose, needs a consent. Contact data
needs the consent of that very address; everything else that of the whole customer, which is the strictest of its
addresses.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.model.changes import SEGMENT_CHANGES, Entry
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.json_text import compact, parse_stored, readable
from graph.domain.model.labels import ATTRIBUTES, NAMESPACES, Label
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    Decision,
    RecordedDecision,
    decision_of_address,
    decision_of_customer,
    decisions,
)
from graph.domain.profile.insights import CONSENTS
from graph.domain.profile.pages import (
    EMPTY,
    CustomerView,
    EmailEventPage,
    FactPage,
    HistoryPage,
    IdentifierPage,
    InteractionCountsPage,
    InteractionSummaryPage,
    OrderPage,
    Page,
    PageRequest,
    Selection,
    TimelinePage,
    Withheld,
)
from graph.domain.profile.timeline import TimelineEntry, TimelineKind


class Policy(Struct, frozen=True):
    """Data with a label is shown for a purpose only if the consent purpose `needs_consent` is given."""

    label: Label
    purpose: str
    needs_consent: str


class Policies(Struct, frozen=True):
    """All policies, and the labels of namespaces and attributes by name."""

    policies: tuple[Policy, ...] = ()
    namespaces: Mapping[str, frozenset[Label]] = field(default_factory=lambda: NAMESPACES)
    attributes: Mapping[str, frozenset[Label]] = field(default_factory=lambda: ATTRIBUTES)

    def for_purpose(self, purpose: str) -> "PurposePolicies | None":
        """Return what applies to a purpose; `None` if nothing does."""
        chosen = tuple(policy for policy in self.policies if policy.purpose == purpose)
        return PurposePolicies(chosen, self) if chosen else None


class PurposePolicies(Struct, frozen=True):
    """The policies of one purpose."""

    policies: tuple[Policy, ...]
    labels: Policies

    @property
    def labels_named(self) -> frozenset[Label]:
        """The labels that need a consent."""
        return frozenset(policy.label for policy in self.policies)

    @property
    def withheld_from_all(self) -> "WithheldValues":
        """What is withheld where it is not known whose values are shown, and so not whether they consented."""
        return WithheldValues(self.labels, self.labels_named)

    def withholds(self, view: CustomerView, label: Label) -> bool:
        """Return whether data with a label is withheld of a whole customer, read with `selection`."""
        return label in self._lacking(view, Catalog())[0]

    def selection(self, selection: Selection) -> Selection:
        """Return a selection with the consents that the policies ask for."""
        return selection if CONSENTS in selection.pages else Selection.of((*selection.pages, CONSENTS))

    def apply(self, view: CustomerView, catalog: Catalog) -> "tuple[CustomerView, WithheldValues]":
        """Return a view, read with `selection`, without the data that lacks a consent.

        Also return which values are withheld wherever the rest of the view quotes them.
        """
        withheld, addresses = self._lacking(view, catalog)
        pages = {page: self._page(page, content, withheld, addresses) for page, content in view.pages.items()}
        of_customer = (Withheld(label, consent) for label, consent in withheld.items())
        customer = replace(view.customer, order_totals={}) if Label.CONTRACT in withheld else view.customer
        what = tuple(dict.fromkeys((*of_customer, *addresses.withheld())))
        applied = replace(view, customer=customer, pages=pages, withheld=what)
        return applied, WithheldValues(self.labels, frozenset(withheld), addresses)

    def withheld_values(self, consents: Iterable[Fact], catalog: Catalog) -> "WithheldValues":
        """Return which values of the customer with these consent decisions are withheld."""
        withheld, addresses = self._lacking_consents(decisions(consents), catalog)
        return WithheldValues(self.labels, frozenset(withheld), addresses)

    def _lacking(self, view: CustomerView, catalog: Catalog) -> tuple[Mapping[Label, str], "_Addresses"]:
        """Return the consents that the whole customer lacks by label, and what decides for each address."""
        return self._lacking_consents(decisions(view.pages[CONSENTS].items), catalog)

    def _lacking_consents(
        self, recorded: list[RecordedDecision], catalog: Catalog
    ) -> tuple[Mapping[Label, str], "_Addresses"]:
        consents: dict[Label, list[str]] = {}
        for policy in self.policies:
            consents.setdefault(policy.label, []).append(policy.needs_consent)
        withheld = {
            label: consent
            for label, purposes in consents.items()
            if (consent := _missing(purposes, lambda purpose: decision_of_customer(recorded, purpose))) is not None
        }
        return withheld, _Addresses(consents.get(Label.CONTACT, ()), recorded, catalog)

    def _page(
        self, page: PageRequest, content: Page[Any], withheld: Collection[Label], addresses: "_Addresses"
    ) -> Page[Any]:
        def visible(labels: Iterable[Label]) -> bool:
            return all(label is Label.CONTACT or label not in withheld for label in labels)

        def is_shown(key: str) -> bool:
            labels = self.labels.namespaces.get(namespace_of(key), frozenset())
            return visible(labels) and (Label.CONTACT not in labels or addresses.may_be_shown(key))

        match page:
            case IdentifierPage():
                items: Sequence[Any] = [item for item in content.items if is_shown(item.identifier.key)]
            case EmailEventPage():
                items = [event for event in content.items if is_shown(event.key)]
            case OrderPage() if not visible({Label.CONTRACT}):
                return EMPTY
            case InteractionCountsPage() | InteractionSummaryPage() if not visible({Label.BEHAVIOR}):
                return EMPTY
            case FactPage(kind=FactKind.INTERACTION) if not visible({Label.BEHAVIOR}):
                return EMPTY
            case TimelinePage() if page.properties and not {Label.BEHAVIOR, Label.CONTACT}.isdisjoint(withheld):
                # What a filter finds would reveal what is withheld, or masked in properties that hold addresses.
                return EMPTY
            case TimelinePage():
                items = [item for item in content.items if visible(_labels_of(item))]
            case HistoryPage():
                items = [item for item in content.items if visible(_labels_of_entry(item))]
            case FactPage(kind=FactKind.EXTERNAL_SEGMENT) if not visible({Label.THIRD_PARTY}):
                return EMPTY
            case FactPage(kind=FactKind.ATTRIBUTES):
                hidden = [
                    name
                    for name, labels in self.labels.attributes.items()
                    if any(label in withheld for label in labels)
                ]
                items = [_without(fact, hidden) for fact in content.items] if hidden else content.items
            case _:
                return content
        return Page(items, content.has_more)


def _labels_of(item: TimelineEntry) -> frozenset[Label]:
    match TimelineKind(item.position[1]):
        case TimelineKind.INTERACTION:
            return frozenset({Label.BEHAVIOR})
        case TimelineKind.ORDER:
            return frozenset({Label.CONTRACT})
    return _labels_of_entry(item.content) if isinstance(item.content, Entry) else frozenset()


def _labels_of_entry(entry: Entry) -> frozenset[Label]:
    return frozenset({Label.PROFILING}) if entry.change.kind in SEGMENT_CHANGES else frozenset()


def _missing(purposes: Iterable[str], decide: Callable[[str], RecordedDecision | None]) -> str | None:
    """Return the first of some consent purposes that is not given; `None` if all are."""
    for purpose in purposes:
        decision = decide(purpose)
        if decision is None or decision.decision is not Decision.GIVEN:
            return purpose
    return None


def _without(fact: Fact, hidden: Collection[str]) -> Fact:
    values = parse_stored(fact.facts)
    kept = {name: value for name, value in values.items() if name not in hidden}
    return fact if len(kept) == len(values) else replace(fact, facts=compact(readable(kept)))


class WithheldValues:
    """Which values are withheld wherever they are quoted: in links, sentences, interactions, matches of a search."""

    def __init__(self, labels: Policies, withheld: frozenset[Label], addresses: "_Addresses | None" = None) -> None:
        self._labels, self._withheld, self._addresses = labels, withheld, addresses

    @property
    def hides_texts(self) -> bool:
        """Whether addresses in texts that people wrote are withheld."""
        return Label.CONTACT in self._withheld

    @property
    def hides_interactions(self) -> bool:
        """Whether interactions are withheld."""
        return Label.BEHAVIOR in self._withheld

    def hides(self, label: Label) -> bool:
        """Return whether data of the whole customer with a label is withheld."""
        return label in self._withheld

    def hides_key(self, key: str) -> bool:
        """Return whether an identifier is withheld. An address may have a consent that the customer has not."""
        labels = self._labels.namespaces.get(namespace_of(key), frozenset())
        if Label.CONTACT in labels and self._addresses is not None and not self._addresses.may_be_shown(key):
            return True
        ignored = {Label.CONTACT} if self._addresses is not None else set()
        return not self._withheld.isdisjoint(labels - ignored)

    def hides_attribute(self, name: str) -> bool:
        """Return whether an attribute is withheld."""
        return not self._withheld.isdisjoint(self._labels.attributes.get(name, frozenset()))


class _Addresses:
    """Decides which addresses may be shown, each by its own consent, for a channel that reaches it."""

    def __init__(self, purposes: Sequence[str], recorded: list[RecordedDecision], catalog: Catalog) -> None:
        self._purposes, self._recorded, self._catalog = purposes, recorded, catalog
        self._lacking: dict[str, None] = {}

    def may_be_shown(self, key: str) -> bool:
        """Return whether all consents are given for an address, each for at least one of its channels."""
        namespace = namespace_of(key)
        reaching = [name for name, namespaces in self._catalog.channels.items() if namespace in namespaces]
        for purpose in self._purposes:
            found = (
                decision_of_address(self._recorded, key, purpose, channel) for channel in reaching or [EVERY_CHANNEL]
            )
            if not any(decision is not None and decision.decision is Decision.GIVEN for decision in found):
                self._lacking[purpose] = None
                return False
        return True

    def withheld(self) -> list[Withheld]:
        """Return the consents for lack of which addresses were left out."""
        return [Withheld(Label.CONTACT, purpose) for purpose in self._lacking]
