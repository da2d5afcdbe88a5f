"""What migrations need that SQL cannot say: what came to be kept at write time, worked out for what is stored."""

from collections.abc import Callable, Mapping

from graph.domain.model.facts import FactKind, detail
from graph.domain.model.interaction_counts import Tally, tally_of
from graph.domain.model.interaction_counts import add as add_tallies
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Observation
from graph.domain.model.order_totals import add, figures_of, figures_to_json
from graph.domain.model.orders import Order
from graph.stores.sqlite import mapping


def _metrics(db: mapping.Connection) -> None:
    """Figures with the days of orders, what interactions are filtered by, and tallies."""
    sql = "SELECT customer, source, facts FROM orders WHERE customer IS NOT NULL ORDER BY customer"
    figures: dict[int, list[Order]] = {}
    for customer, source, facts in db.execute(sql):
        figures.setdefault(customer, []).append(Order.from_facts(source, facts))
    for customer, orders in figures.items():
        text = figures_to_json(add(map(figures_of, orders)))
        db.execute("UPDATE customers SET figures = ? WHERE no = ?", (text, customer))
    tallies: dict[int, Tally] = {}
    told = db.execute(
        """SELECT t.identifier, t.at, t.observation, o.source, o.id, o.sent FROM told t
            JOIN observations o ON o.no = t.observation WHERE t.kind = ?""",
        (FactKind.INTERACTION.value,),
    ).fetchall()
    for carrier, at, no, source, id, sent in told:
        facts = Observation.from_sent(source, id, sent).facts
        found = detail(FactKind.INTERACTION.value, facts)
        where = "WHERE identifier = ? AND kind = ? AND at = ? AND observation = ?"
        values = (found.type, found.campaign, found.sku, carrier, FactKind.INTERACTION.value, at, no)
        db.execute(f"UPDATE told SET type = ?, campaign = ?, sku = ? {where}", values)
        tallies[carrier] = add_tallies((tallies.get(carrier, {}), tally_of(FactKind.INTERACTION.value, facts, at)))
    for carrier, tally in tallies.items():
        db.execute("UPDATE identifiers SET tally = ? WHERE no = ?", (compact(dict(tally)), carrier))


UPGRADES: Mapping[int, Callable[[mapping.Connection], None]] = {7: _metrics}
"""By the number of the migration that they belong to, which they follow."""
