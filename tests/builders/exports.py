"""Exports of people, and their import into another store."""

import json
from pathlib import Path
from typing import Any

from tests.builders.clients import identifiers
from tests.builders.viewers import ViewerClient

EXPORT = """query($by: CustomerBy!) { exportSubject(by: $by) {
  customerId statementCount document importLines } }"""
VIEW = """known
  identifiers(first: 100) {
    nodes { namespace value firstSeenAt lastSeenAt observationCount sources shared blocked } }
  profile {
    textAttributes { name value values source party reportedAt observations { source id }
      alternatives { value source party reportedAt observation { source id } } }
    addressAttributes { name value { street postalCode city region country } source reportedAt
      alternatives { value { city } source } } }
  consents { identifier { namespace value } purpose channel decision history {
    decision channel decidedAt source party policyVersion observation { source id } } }
  orders(first: 100) { nodes { number source placedAt reportedAt status currency total refunded
    lines { sku name quantity total product { name brand categories } } observation { source id } } }
  externalSegments { segment source party identifier { namespace value } reportedAt expiresAt }
  metrics { orderCount revenue { amount currency } averageOrderValue { amount } firstOrderAt lastOrderAt }
  journey { stage since }
  engagement { emailOpenHour churnRisk unsubscribedAt interactionCounts { type count }
    campaigns { campaign sent opened clicked } }
  favorites { categories { name orderCount } brands { name orderCount } }
  viewedNotPurchased { sku lastViewedAt }
  timeline(first: 100, kinds: [INTERACTION, ORDER]) { nodes { __typename
    ... on Interaction { source id party type occurredAt identifier { namespace value } channel device campaign sku
      offerType text properties }
    ... on Order { number } } }"""
"""All that a view shows of a person, but for ids, and what follows from other people or from time of recording."""


def by(key: str) -> dict[str, Any]:
    """A key as `CustomerBy`."""
    return {"identifier": identifiers(key)[0]}


def exported(client: ViewerClient, key: str) -> dict[str, Any]:
    """The export of a person."""
    export = client.ask(EXPORT, {"by": by(key)})["exportSubject"]
    assert export is not None, key
    return export


def import_lines(client: ViewerClient, lines: str, folder: Path) -> list[dict[str, Any]]:
    """Import lines; the report of what was rejected and dropped."""
    path = folder / "person.ndjson"
    path.write_text(lines)
    client.import_files(folder, path)
    report = folder / "report.ndjson"
    return [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []


def view(client: ViewerClient, key: str) -> dict[str, Any]:
    """All that a view shows of a person."""
    customer = client.customer(key, VIEW)
    assert customer is not None, key
    return customer
