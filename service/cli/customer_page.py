"""Print a customer's 360° view as a page in the terminal."""

from datetime import UTC, datetime

from babel.numbers import get_currency_precision
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from graph.domain.model.links import LinkState
from graph.domain.model.money import Money
from graph.domain.profile.attributes import Value
from graph.domain.profile.catalog import ADDRESS_PARTS
from graph.domain.profile.consents import decision_of_address, decisions
from graph.domain.profile.insights import CONSENTS, PREDICTION_WEEKS, PROFILE
from graph.domain.profile.interactions import Interaction
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
from graph.viewer_graph import ViewerGraph

ROWS = 20
ORDERS = OrderPage(10)
LINKS = LinkPage(ROWS, states=(LinkState.SUSPENDED, LinkState.EXCLUDED))
MATCHES = MatchPage(5)
RECENT_INTERACTIONS = TimelinePage(10, kinds=(TimelineKind.INTERACTION,))


def selection(graph: ViewerGraph) -> Selection:
    """Return the pages that the view needs."""
    return Selection.of([_identifier_page(graph), ORDERS, LINKS, MATCHES, PROFILE, CONSENTS, RECENT_INTERACTIONS])


def _identifier_page(graph: ViewerGraph) -> IdentifierPage:
    return IdentifierPage(tuple(graph.rules.by_name), ROWS)


def _format_time(value: int | None) -> str:
    return "" if value is None else f"{datetime.fromtimestamp(value / 1_000_000, UTC):%Y-%m-%d %H:%M}"


def _format_money(money: Money) -> str:
    return f"{money.amount:,.{get_currency_precision(money.currency)}f} {money.currency}"


async def print_customer(console: Console, graph: ViewerGraph, view: CustomerView) -> None:
    """Print the page of a customer; its view was read with `selection`."""
    known = "known" if graph.insights(view).is_known else "anonymous"
    if view.restricted:
        known += ", restricted"
    title = Text.assemble(("Customer ", "bold"), (view.customer.id, "bold cyan"), f"  {known}")
    if view.requested_id not in (None, view.customer.id):
        title.append(f"  (requested {view.requested_id}, which redirects here)")
    parts: list[RenderableType] = [_order_summary(graph, view)]
    if view.may_be_profiled and (scores := await _scores_and_segments(graph, view)):
        parts.append(scores)
    if view.pages[PROFILE].items:
        parts.append(_profile(graph, view))
    parts.append(_identifiers(view, _identifier_page(graph)))
    if view.pages[CONSENTS].items:
        parts.append(_consents(view))
    if view.pages[RECENT_INTERACTIONS].items:
        parts.append(_interactions(view))
    if view.pages[ORDERS].items:
        parts.append(_orders(view, ORDERS))
    if view.pages[LINKS].items:
        parts.append(_links(view, LINKS))
    if view.pages[MATCHES].items:
        parts.append(_matches(graph, view, MATCHES))
    console.print(Panel(Group(*parts), title=title, title_align="left"))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, style="cyan" if column in ("identifier", "number") else "", overflow="fold")
    return table


def _order_summary(graph: ViewerGraph, view: CustomerView) -> Text:
    metrics = graph.insights(view).metrics
    if not metrics.order_count:
        return Text("no orders\n")
    revenue = ", ".join(map(_format_money, metrics.revenue))
    average = ", ".join(map(_format_money, metrics.average_order_value))
    first, last = _format_time(metrics.first_order_at), _format_time(metrics.last_order_at)
    orders = f"{metrics.order_count} order{'s' if metrics.order_count != 1 else ''}"
    return Text(
        f"{orders}, revenue {revenue}, average order value {average}\n"
        f"first {first}, last {last} ({metrics.days_since_last_order} days ago)\n"
    )


async def _scores_and_segments(graph: ViewerGraph, view: CustomerView) -> Text:
    """Return a line each for RFM scores, predicted purchases and segments, as far as the customer has them."""
    order_totals, lines = view.customer.order_totals, list[str]()
    if (rfm := await graph.statistics.rfm_scores(order_totals)) is not None:
        scores = f"recency {rfm.recency}, frequency {rfm.frequency}, monetary {rfm.monetary} of 5"
        lines.append(f"{rfm.group.value.replace('_', ' ')}: {scores}, as of {_format_time(rfm.calculated_at)}")
    if (prediction := await graph.statistics.predict(order_totals, PREDICTION_WEEKS)) is not None:
        value = prediction.expected_value
        worth = "" if value is None else f", worth {_format_money(Money(prediction.currency, value))}"
        lines.append(f"expected within {PREDICTION_WEEKS} weeks: {prediction.expected_purchases:.1f} purchases{worth}")
    memberships = await graph.segments.of_customers([view.customer.id])
    if names := [segment.name for segment, _ in memberships.get(view.customer.id, [])]:
        lines.append(f"segments: {', '.join(names)}")
    return Text("".join(f"{line}\n" for line in lines))


def _with_ellipsis(table: Table, has_more: bool) -> Table:
    if has_more:
        table.add_row("…")
    return table


def _identifiers(view: CustomerView, page: IdentifierPage) -> Table:
    table = _table("Identifiers", "identifier", "first seen", "last seen", "sources")
    for item in view.pages[page].items:
        note = " (shared)" if item.shared else " (blocked)" if item.blocked else ""
        evidence = item.evidence
        if evidence is None:
            table.add_row(item.identifier.key + note, "", "", "")
            continue
        first, last = _format_time(evidence.first_seen_at), _format_time(evidence.last_seen_at)
        table.add_row(item.identifier.key + note, first, last, ", ".join(evidence.sources))
    return _with_ellipsis(table, view.pages[page].has_more)


def _profile(graph: ViewerGraph, view: CustomerView) -> Table:
    table = _table("Profile", "attribute", "value", "source", "reported", "alternatives")
    for name, attribute in graph.insights(view).profile.items():
        first = attribute.chosen[0]
        chosen, alternatives = (
            "; ".join(_format_value(fact.value) for fact in facts)
            for facts in (attribute.chosen, attribute.alternatives)
        )
        table.add_row(name, chosen, first.source, _format_time(first.reported_at), alternatives)
    table.add_row()
    return table


def _format_value(value: Value) -> str:
    return value if isinstance(value, str) else ", ".join(value[part] for part in ADDRESS_PARTS if value.get(part))


def _consents(view: CustomerView) -> Table:
    table = _table("\nConsent", "identifier", "purpose", "channel", "decision", "decided", "source")
    recorded = decisions(view.pages[CONSENTS].items)
    for key, purpose, channel in dict.fromkeys((item.key, item.purpose, item.channel) for item in recorded):
        current = decision_of_address(recorded, key, purpose, channel)
        if current is not None:
            channels = channel.lower() or "all"
            decided_at = _format_time(current.decided_at)
            table.add_row(key, purpose, channels, current.decision.value, decided_at, current.source)
    return table


def _interactions(view: CustomerView) -> Table:
    table = _table("\nRecent interactions", "time", "type", "channel", "product", "text")
    for entry in view.pages[RECENT_INTERACTIONS].items:
        interaction = Interaction.of(entry.content)
        text = interaction.text if len(interaction.text) <= 60 else interaction.text[:59] + "…"
        table.add_row(
            _format_time(interaction.occurred_at), interaction.type, interaction.channel, interaction.sku, text
        )
    return _with_ellipsis(table, view.pages[RECENT_INTERACTIONS].has_more)


def _orders(view: CustomerView, page: OrderPage) -> Table:
    table = _table("\nOrders", "number", "placed", "status", "total", "products")
    for item in view.pages[page].items:
        order = item.order
        products = ", ".join(line.name or line.sku for line in order.lines)
        total = _format_money(Money(order.currency, order.total))
        table.add_row(order.number, _format_time(order.placed_at), order.status.value, total, products)
    return _with_ellipsis(table, view.pages[page].has_more)


def _links(view: CustomerView, page: LinkPage) -> Table:
    table = _table("\nInactive links", "a", "b", "state", "last seen", "reason")
    for link in view.pages[page].items:
        reason = link.reason.message if link.reason else ""
        table.add_row(link.a, link.b, link.state.value, _format_time(link.last_seen_at), reason)
    return _with_ellipsis(table, view.pages[page].has_more)


def _matches(graph: ViewerGraph, view: CustomerView, page: MatchPage) -> Table:
    table = _table("\nPossible matches", "a", "b", "confidence", "status")
    for match in view.pages[page].items:
        confidence = f"{match.link.confidence:.2f}"
        table.add_row(match.link.a, match.link.b, confidence, graph.match_status(match).value)
    return _with_ellipsis(table, view.pages[page].has_more)
