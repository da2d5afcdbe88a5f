"""Observations as records: the lines of files that `kith import` reads, made of what was sent.

The fields are those of docs/reference/import-formats.md. Reading a record results in the observation that it was made
of, if it has all identifiers of that.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graph.domain.model.facts import FactKind
from graph.domain.model.json_text import parse_stored, readable
from graph.domain.model.money import Money
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderLine, format_decimal, stored_order
from graph.domain.model.products import Product, attribute_values
from graph.domain.model.times import iso

Record = dict[str, Any]
"""A record by the names of its fields."""

TIMES: Mapping[FactKind, str] = {
    FactKind.NONE: "seenAt",
    FactKind.ATTRIBUTES: "reportedAt",
    FactKind.CONSENT: "decidedAt",
    FactKind.INTERACTION: "occurredAt",
    FactKind.EXTERNAL_SEGMENT: "reportedAt",
}
"""The field with the time of a record. An order has several."""


def record_of(observation: Observation, identifiers: Sequence[Record], at: int | None) -> Record:
    """Return the record of an observation.

    `identifiers` are those that the record has, without the number of an order. `at` is its time in microseconds,
    `None` if it was sent without one.
    """
    kind = FactKind(observation.kind)
    record: Record = {"source": observation.source, "party": observation.party.name}
    if kind is FactKind.ORDER:
        return record | _order(observation, identifiers)
    record |= {"id": observation.id, "identifiers": list(identifiers)}
    if at is not None:
        record[TIMES[kind]] = iso(at)
    if observation.confidence is not None:
        record["confidence"] = observation.confidence
    if observation.evidence:
        record["evidence"] = observation.evidence
    return record if kind is FactKind.NONE else record | _FACTS[kind](observation.facts)


def passed_on(record: Record, kind: FactKind, identifiers: Sequence[Record], at: int) -> Record:
    """Return a record with other identifiers, and with the time that counts (microseconds)."""
    if kind is FactKind.ORDER:
        return record | {"identifiers": list(identifiers)} if "identifiers" in record else record
    names = ("source", "party", "id")
    head: Record = {**{name: record[name] for name in names}, "identifiers": list(identifiers), TIMES[kind]: iso(at)}
    return head | {name: value for name, value in record.items() if name not in head}


def _attributes(facts: str) -> Record:
    return {"attributes": readable(parse_stored(facts))}


def _consent(facts: str) -> Record:
    purpose, channel, decision, policy_version, *more = json.loads(facts)
    record: Record = {"purpose": purpose, "decision": decision.upper()}
    if channel:
        record["channel"] = channel.upper()
    if policy_version:
        record["policyVersion"] = policy_version
    # Of a text that came with the decision only the hash is known here.
    details: Record = {name: value for name, value in (more[0] if more else {}).items() if name != "text"}
    for name, shown in (("method", str.upper), ("requestedAt", iso), ("confirmedAt", iso)):
        if name in details:
            details[name] = shown(details[name])
    return record | details


def _interaction(facts: str) -> Record:
    record: Record = readable(parse_stored(facts))
    if "offer_type" in record:
        record["offerType"] = record.pop("offer_type")
    return record


def _external_segment(facts: str) -> Record:
    segment, expires_at, is_member = json.loads(facts)
    record: Record = {"segment": segment, "isMember": is_member}
    return record | {"expiresAt": iso(expires_at)} if expires_at is not None else record


_FACTS: Mapping[FactKind, Callable[[str], Record]] = {
    FactKind.ATTRIBUTES: _attributes,
    FactKind.CONSENT: _consent,
    FactKind.INTERACTION: _interaction,
    FactKind.EXTERNAL_SEGMENT: _external_segment,
}


def _order(observation: Observation, identifiers: Sequence[Record]) -> Record:
    order, keeps_identifiers = stored_order(observation)
    record: Record = {
        "number": order.number,
        "placedAt": iso(order.placed_at),
        "reportedAt": iso(order.reported_at),
        "currency": order.currency,
        "total": format_decimal(order.total),
        "status": order.status.name,
        "lines": list(map(_line, order.lines)),
    }
    if order.refunded:
        record["refunded"] = format_decimal(order.refunded)
    # Without the field, the order keeps the identifiers of earlier reports; an empty list says that it has none.
    return record if keeps_identifiers else record | {"identifiers": list(identifiers)}


def _line(line: OrderLine) -> Record:
    record: Record = {"sku": line.sku, "quantity": format_decimal(line.quantity), "total": format_decimal(line.total)}
    return record | {"name": line.name} if line.name else record


def product_record(product: Product) -> Record:
    """Return the record of a product."""
    record: Record = {
        "source": product.source,
        "sku": product.sku,
        "name": product.name,
        "reportedAt": iso(product.reported_at),
    }
    details: Record = {
        "brand": product.brand,
        "categories": list(product.categories),
        "description": product.description,
        "url": product.url,
        "images": list(product.images),
        "price": _money(product.price),
        "salePrice": _money(product.sale_price),
        "gtin": product.gtin,
        "availability": product.availability and product.availability.name,
        "attributes": attribute_values(product),
    }
    return record | {name: value for name, value in details.items() if value}


def _money(money: Money | None) -> Record | None:
    return None if money is None else {"amount": format_decimal(money.amount), "currency": money.currency}


def skus_of(record: Record) -> set[str]:
    """Return the SKUs of the products that a record names."""
    skus = {line["sku"] for line in record.get("lines", ())}
    return skus | {record["sku"]} if "sku" in record else skus
