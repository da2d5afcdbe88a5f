"""What a history makes of an empty store, as tables of Parquet in the order in which they are loaded.

The columns are stated in docs/reference/backfill-tables.md; `portions.py` reads them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec.json import encode
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from graph.domain.model.changes import ChangeKind
from graph.domain.model.guarded_values import counted, from_json, value_sets_of
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.order_totals import add, order_totals_of, order_totals_to_json
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules
from service.ingest.spark.frames import Tables, Values, map_groups, mapped
from service.ingest.spark.reading import ROW
from service.ingest.spark.resolving import Resolved

NewId = Callable[[str], str]
"""Returns the id of a customer by its anchor's key."""
CUSTOMER = (
    "group bigint, id string, anchor string, anchor_seen_at bigint, position bigint, counts string, "
    "order_totals string, value_sets string, keys array<string>"
)
_MEMBER = "key", "first", "last", "count", "sources", "degree", "shared", "interactions", "guarded"
_LINK = "a", "b", "tier", "first", "last", "count", "sources", "confidence"
CHANGE = (
    "position bigint, kind string, order_a bigint, order_b bigint, customer string, other_customer string, "
    "keys array<string>, reason_code string, reason string"
)
_ROW_NAMES = [column.split()[0] for column in ROW.split(", ")]


def write_members(
    members: DataFrame, resolved: Resolved, reports: DataFrame, rows: DataFrame, tables: Tables
) -> DataFrame:
    """Write the identifiers, by customer and by key, with their orders; return them with `number`, from 0."""
    best = reports.where("is_best").select("position").join(rows, "position")
    orders = best.select("order_key", "source", "facts").toDF("key", "order_source", "order_facts")
    grouped = members.join(resolved.groups, "code").join(orders, "key", "left")
    columns = *_MEMBER, "order_source", "order_facts", "group", "code", "position"
    return tables.numbered("members", grouped.select(*columns), ["group", "code"], "number")


def write_customers(members: DataFrame, resolved: Resolved, rules: Rules, new_id: NewId, tables: Tables) -> DataFrame:
    """Write the customers in the order of their smallest keys."""
    of_customer = members.select("group", "code", "key", "first", "position", "guarded", "order_source", "order_facts")

    def fold(group: Sequence[Any], rows: Iterator[Values]) -> Iterable[Values]:
        yield group[0], *_customer(rows, rules, new_id)

    folded = map_groups(of_customer, ["group"], ["code"], fold, CUSTOMER)
    ends = resolved.suspended.select(sql.explode(sql.array("code_a", "code_b")).alias("code"))
    suspended = (
        ends.join(members.select("code", "group"), "code").groupBy("group").agg(sql.count("*").alias("suspended"))
    )
    customers = folded.join(suspended, "group", "left").withColumn("suspended", sql.coalesce("suspended", sql.lit(0)))
    return tables.write("customers", customers.orderBy("group"))


def _customer(rows: Iterator[Values], rules: Rules, new_id: NewId) -> Values:
    keys: list[str] = []
    counts: dict[str, int] = {}
    orders: list[Order] = []
    value_sets = []
    anchor, best, position = "", (len(rules.namespaces), 0), None
    for _, _, key, first, last_position, guarded, order_source, order_facts in rows:
        position = last_position if position is None else position
        keys.append(key)
        namespace = namespace_of(key)
        counts[namespace] = counts.get(namespace, 0) + 1
        if (rules.rank[namespace], first) < best:
            anchor, best = key, (rules.rank[namespace], first)
        if order_facts is not None:
            orders.append(Order.from_facts(order_source, order_facts))
        if guarded is not None:
            value_sets.append(value_sets_of(from_json(guarded)))
    totals = order_totals_to_json(add(map(order_totals_of, orders)))
    sets = encode(counted(value_sets)).decode()
    return new_id(anchor), anchor, best[1], position, encode(counts).decode(), totals, sets, keys


def write_links(links: DataFrame, members: DataFrame, resolved: Resolved, tables: Tables) -> DataFrame:
    """Write the links by the numbers of their ends."""
    numbered = links.join(resolved.suspended, ["code_a", "code_b"], "left")
    for end in ("a", "b"):
        ends = members.select("code", "number").toDF(f"code_{end}", f"number_{end}")
        numbered = numbered.join(ends, f"code_{end}")
    columns = *_LINK, "counted", "shared_a", "shared_b", "reason_code", "reason", "number_a", "number_b"
    return tables.write("links", numbered.select(*columns).orderBy("number_a", "number_b"))


def write_observations(rows: DataFrame, members: DataFrame, tables: Tables) -> DataFrame:
    """Write the receipts in the order of the lines, each with the numbers of those of its keys that are stored."""
    stored = rows.where("not skipped")
    named = stored.select("position", sql.posexplode("keys").alias("at", "key"))
    numbers = (
        named.join(members.select("key", "number"), "key")
        .groupBy("position")
        .agg(sql.collect_list(sql.struct("at", "number")).alias("numbers"))
    )
    observations = stored.join(numbers, "position", "left")
    columns = *_ROW_NAMES, "superseded", "numbers", "position"
    return tables.write("observations", observations.select(*columns).orderBy("position"))


def write_changes(
    customers: DataFrame, links: DataFrame, members: DataFrame, resolved: Resolved, rules: Rules, tables: Tables
) -> DataFrame:
    """Write the history by the position of the statement that caused it."""
    created = customers.select(
        "position",
        sql.lit(ChangeKind.CUSTOMER_CREATED.value).alias("kind"),
        sql.col("group").alias("order_a"),
        sql.lit(0).cast("bigint").alias("order_b"),
        sql.col("id").alias("customer"),
        sql.lit("").alias("other_customer"),
        "keys",
        sql.lit(None).cast("string").alias("reason_code"),
        sql.lit("").alias("reason"),
    )
    ids = members.select("code", "group").join(customers.select("group", "id"), "group")
    ends = links.join(resolved.suspended, ["code_a", "code_b"])
    for end in ("a", "b"):
        ends = ends.join(ids.select("code", "id").toDF(f"code_{end}", f"id_{end}"), f"code_{end}")
    chosen = ends.select("position", "code_a", "code_b", "a", "b", "id_a", "id_b", "reason_code", "reason")

    def suspend(rows: Iterator[Values]) -> Iterable[Values]:
        for position, code_a, code_b, a, b, id_a, id_b, reason_code, reason in rows:
            strong, weak = rules.strong_first(a, b)
            first, second = (id_a, id_b) if strong == a else (id_b, id_a)
            kind = ChangeKind.LINK_SUSPENDED.value
            yield position, kind, code_a, code_b, first, second, [strong, weak], reason_code, reason

    suspended = mapped(chosen, suspend, CHANGE)
    # "customer_created" comes before "link_suspended", as each statement records them.
    return tables.write("changes", created.union(suspended).orderBy("position", "kind", "order_a", "order_b"))
