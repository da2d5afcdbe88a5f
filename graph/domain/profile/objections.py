"""Objections: a person who says no to profiling is not profiled (GDPR, Article 21).

An objection is a consent decision for a purpose that the catalog declares to be profiling. It holds for the whole
customer, as the strictest decision of its addresses does: after a split, for the part with the address.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from graph.domain.model.facts import Fact, FactKind
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import Decision, decision_of_customer, decisions
from graph.domain.profile.pages import CustomerView, FactPage, Selection

_OBJECTIONS = (Decision.REFUSED, Decision.WITHDRAWN)


def purpose_objected_to(facts: Iterable[Fact], purposes: Sequence[str]) -> str:
    """Return the first of some purposes for which the decision in effect is no; empty if there is none."""
    recorded = decisions(facts)
    for purpose in purposes if recorded else ():
        decision = decision_of_customer(recorded, purpose)
        if decision is not None and decision.decision in _OBJECTIONS:
            return purpose
    return ""


def with_objections(
    views: list[CustomerView | None], selection: Selection, catalog: Catalog
) -> list[CustomerView | None]:
    """Return views, read with a selection, that say what their customers object to, if consents were read at all."""
    page = next(
        (page for page in selection.pages if isinstance(page, FactPage) and page.kind is FactKind.CONSENT), None
    )
    if page is None or not catalog.profiling_purposes:
        return views
    shown: list[CustomerView | None] = []
    for view in views:
        if view is not None and (facts := view.pages[page].items):
            view = replace(view, objected_to=purpose_objected_to(facts, catalog.profiling_purposes))
        shown.append(view)
    return shown
