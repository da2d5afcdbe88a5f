"""A customer as a readable page in the terminal."""

from datetime import UTC, datetime

from babel.numbers import get_currency_precision
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from graph.domain.model.links import State
from graph.domain.profile.attributes import ADDRESS_PARTS, Value
from graph.domain.profile.consents import at_address, decisions
from graph.domain.profile.insights import CONSENTS, PROFILE, WEEKS
from graph.domain.profile.interactions import Interaction
from graph.domain.profile.metrics import Money
from graph.domain.profile.pages import (
    CustomerView,
    IdentifierPage,
    LinkPage,
    MatchPage,
    OrderPage,
    Selection,
    TimelinePage,
)
from graph.domain.profile.timeline import TimelineKind
from graph.identity_graph import IdentityGraph

ROWS = 20
ORDERS = OrderPage(10)
LINKS = LinkPage(ROWS, states=(State.SUSPENDED, State.IDLE))
MATCHES = MatchPage(5)
LATELY = TimelinePage(10, kinds=(TimelineKind.INTERACTION,))


def selection(graph: IdentityGraph) -> Selection:
    """What the page shows."""
    return Selection.of([_names(graph), ORDERS, LINKS, MATCHES, PROFILE, CONSENTS, LATELY])


def _names(graph: IdentityGraph) -> IdentifierPage:
    return IdentifierPage(tuple(graph.rules.by_name), ROWS)


def _day(value: int | None) -> str:
    return "" if value is None else f"{datetime.fromtimestamp(value / 1_000_000, UTC):%Y-%m-%d %H:%M}"


def _money(one: Money) -> str:
    return f"{one.amount:,.{get_currency_precision(one.currency)}f} {one.currency}"


async def show(console: Console, graph: IdentityGraph, view: CustomerView) -> None:
    """Print the page."""
    known = "known" if graph.known(view).is_known else "anonymous"
    head = Text.assemble(("Customer ", "bold"), (view.customer.id, "bold cyan"), f"  {known}")
    if view.requested not in (None, view.customer.id):
        head.append(f"  (asked for {view.requested}, which redirects here)")
    parts: list[RenderableType] = [_figures(graph, view), await _beside_others(graph, view)]
    if view.pages[PROFILE].items:
        parts.append(_profile(graph, view))
    parts.append(_identifiers(view, _names(graph)))
    if view.pages[CONSENTS].items:
        parts.append(_consents(view))
    if view.pages[LATELY].items:
        parts.append(_lately(view))
    if view.pages[ORDERS].items:
        parts.append(_orders(view, ORDERS))
    if view.pages[LINKS].items:
        parts.append(_links(view, LINKS))
    if view.pages[MATCHES].items:
        parts.append(_matches(graph, view, MATCHES))
    console.print(Panel(Group(*parts), title=head, title_align="left"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, style="cyan" if column in ("identifier", "number") else "", overflow="fold")
    return table


def _figures(graph: IdentityGraph, view: CustomerView) -> Text:
    figures = graph.known(view).metrics
    if not figures.orders:
        return Text("no orders\n")
    revenue = ", ".join(map(_money, figures.revenue))
    average = ", ".join(map(_money, figures.average_order_value))
    first, last = _day(figures.first_order_at), _day(figures.last_order_at)
    return Text(
        f"{figures.orders} order{'s' if figures.orders != 1 else ''}, revenue {revenue}, on average {average}\n"
        f"first {first}, last {last} ({figures.days_since_last_order} days ago)\n"
    )


async def _beside_others(graph: IdentityGraph, view: CustomerView) -> Text:
    """How it compares, what is to be expected of it, and its segments; empty where nothing is known of these."""
    figures, lines = view.customer.figures, list[str]()
    if (one := await graph.census.standing(figures)) is not None:
        scores = f"recency {one.recency}, frequency {one.frequency}, monetary {one.monetary} of 5"
        lines.append(f"{one.segment.value.replace('_', ' ')}: {scores}, as of {_day(one.as_of)}")
    if (to_come := await graph.census.predict(figures, WEEKS)) is not None:
        worth = "" if to_come.value is None else f", worth {_money(Money(to_come.currency, to_come.value))}"
        lines.append(f"within {WEEKS} weeks {to_come.purchases:.1f} purchases are to be expected{worth}")
    found = await graph.segments.of([view.customer.id])
    if names := [segment.name for segment, _ in found.get(view.customer.id, [])]:
        lines.append(f"segments: {', '.join(names)}")
    return Text("".join(f"{line}\n" for line in lines))


def _more(table: Table, more: bool) -> Table:
    if more:
        table.add_row("…")
    return table


def _identifiers(view: CustomerView, page: IdentifierPage) -> Table:
    table = _table("Identifiers", "identifier", "first seen", "last seen", "sources")
    for one in view.pages[page].items:
        seen = one.evidence
        note = " (shared)" if one.shared else " (blocked)" if one.blocked else ""
        first, last = (None, None) if seen is None else (seen.first_seen, seen.last_seen)
        table.add_row(one.identifier.key + note, _day(first), _day(last), ", ".join(seen.sources if seen else ()))
    return _more(table, view.pages[page].more)


def _profile(graph: IdentityGraph, view: CustomerView) -> Table:
    table = _table("Profile", "attribute", "value", "source", "stated", "also stated")
    for name, chosen in graph.known(view).profile.items():
        first = chosen.shown[0]
        shown, others = ("; ".join(_value(one.value) for one in some) for some in (chosen.shown, chosen.alternatives))
        table.add_row(name, shown, first.source, _day(first.at), others)
    table.add_row()
    return table


def _value(value: Value) -> str:
    return value if isinstance(value, str) else ", ".join(value[part] for part in ADDRESS_PARTS if value.get(part))


def _consents(view: CustomerView) -> Table:
    table = _table("\nConsent", "identifier", "purpose", "channel", "decision", "since", "source")
    decided = decisions(view.pages[CONSENTS].items)
    for key, purpose, channel in dict.fromkeys((one.key, one.purpose, one.channel) for one in decided):
        one = at_address(decided, key, purpose, channel)
        if one is not None:
            where = "every" if channel is None else channel.value
            table.add_row(key, purpose, where, one.decision.value, _day(one.at), one.source)
    return table


def _lately(view: CustomerView) -> Table:
    table = _table("\nLately", "when", "what", "channel", "article", "said")
    for moment in view.pages[LATELY].items:
        one = Interaction.of(moment.what)
        said = one.text if len(one.text) <= 60 else one.text[:59] + "…"
        table.add_row(_day(one.at), one.type, one.channel, one.sku, said)
    return _more(table, view.pages[LATELY].more)


def _orders(view: CustomerView, page: OrderPage) -> Table:
    table = _table("\nOrders", "number", "placed", "status", "total", "articles")
    for one in view.pages[page].items:
        order = one.order
        articles = ", ".join(line.name or line.sku for line in order.lines)
        total = _money(Money(order.currency, order.total))
        table.add_row(order.number, _day(order.placed_at), order.status.value, total, articles)
    return _more(table, view.pages[page].more)


def _links(view: CustomerView, page: LinkPage) -> Table:
    table = _table("\nLinks that are not kept", "between", "and", "state", "last seen", "why")
    for link in view.pages[page].items:
        reason = link.reason.text if link.reason else ""
        table.add_row(link.a, link.b, link.state.value, _day(link.last_seen), reason)
    return _more(table, view.pages[page].more)


def _matches(graph: IdentityGraph, view: CustomerView, page: MatchPage) -> Table:
    table = _table("\nPossible matches", "between", "and", "confidence", "status")
    for match in view.pages[page].items:
        confidence = f"{match.link.confidence:.2f}"
        table.add_row(match.link.a, match.link.b, confidence, graph.match_status(match).value)
    return _more(table, view.pages[page].more)
