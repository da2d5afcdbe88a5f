"""A GraphQL client over the real application, without a socket in between."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from graph.commands.erasures import NO_SAFEGUARDS
from graph.domain.model.audiences import DestinationInfo
from graph.domain.model.rules import Rules
from graph.identity_graph import IdentityGraph
from graph.ports import Clock, ErasureSafeguards, Store
from service.audit.audit import Audit
from service.bootstrap import SystemClock, Wiring, currencies, open_metrics
from service.config import attributes_file, retention_file, rules_file
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from service.runtime.ids import RandomIds
from tests.builders.runs import Run


class Client:
    """Sends GraphQL requests to the application over a store."""

    def __init__(
        self,
        store: Store,
        run: Run,
        rules: Rules | None = None,
        audit: Audit | None = None,
        safeguards: ErasureSafeguards = NO_SAFEGUARDS,
        clock: Clock | None = None,
        attributes: str = "",
        destinations: Sequence[DestinationInfo] = (),
        **settings: Any,
    ) -> None:
        chosen = Settings(_env_file=None, **settings)
        text = rules_file.default_text()
        rules = rules or rules_file.parse(text)
        catalog = attributes_file.parse(attributes) if attributes else attributes_file.read(None)
        self.graph = IdentityGraph(
            store,
            rules,
            clock or SystemClock(),
            RandomIds(),
            currencies(),
            rules_file.parse,
            catalog=catalog,
            min_count=chosen.min_count,
            safeguards=safeguards,
            retention=retention_file.read(chosen.retention),
            refused_days=chosen.refused_days,
            destinations=destinations,
        )
        self._run = run
        self.wiring = Wiring(self.graph, store, text, metrics=open_metrics(chosen), audit=audit)
        self.endpoint = create_endpoint(chosen, self.wiring)
        self.app = create_app(chosen, self.wiring, self.endpoint)
        transport = httpx.ASGITransport(self.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)

    def send(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        """The HTTP response to a GraphQL request."""
        body = {"query": query, "variables": variables}
        return self._run(self.http.post("/graphql", json=body, headers=headers))

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        """The response to a raw body."""
        return self._run(
            self.http.post("/graphql", content=body, headers={"content-type": "application/json"} | headers)
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._run(self.http.get(path, headers=headers))

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data; fails on any error."""
        response = self.send(query, variables)
        body = response.json()
        assert "errors" not in body, body
        assert response.status_code == 200
        return body["data"]

    def clean_up(self) -> None:
        """Wait until all traces of erasures are removed."""
        self._run(self.graph.erasures.cleaned())

    def link(self, *observations: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The results of `linkIdentifiers`, with all fields."""
        data = self.ask(LINK, {"input": {"observations": observations}})["linkIdentifiers"]
        assert data["errors"] == []
        return data["results"]

    def record(self, *orders: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The results of `recordOrders`, with all fields."""
        data = self.ask(RECORD, {"input": {"orders": orders}})["recordOrders"]
        assert data["errors"] == []
        return data["results"]

    def customer(self, key: str, fields: str = "id") -> dict[str, Any] | None:
        """Fields of a customer by a key."""
        namespace, _, value = key.partition("=")
        query = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {fields} }} }}"
        return self.ask(query, {"i": {"namespace": namespace, "value": value}})["customer"]

    def keys_of(self, key: str) -> list[str]:
        """All identifiers of a customer."""
        customer = self.customer(key, "identifiers(first: 100) { nodes { namespace value } }")
        return [f"{node['namespace']}={node['value']}" for node in customer["identifiers"]["nodes"]]


RESULT = """
  results {
    __typename
    ... on ObservationAccepted {
      source id status duplicate customerId
      customer { id }
      droppedIdentifiers { namespace value code reason }
      suspendedLinks { a { namespace value } b { namespace value } state reason { code message } }
      excludedLinks { a { value } b { value } reason { code message } }
      merges { customerId retiredCustomerId reason }
    }
    ... on Rejected { problem { code message path } }
  }
  errors { code message path }
"""
LINK = f"mutation($input: LinkIdentifiersInput!) {{ linkIdentifiers(input: $input) {{ {RESULT} }} }}"
RECORD = f"mutation($input: RecordOrdersInput!) {{ recordOrders(input: $input) {{ {RESULT} }} }}"


def identifiers(*keys: str) -> list[dict[str, str]]:
    """Keys as `IdentifierInput`."""
    return [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in keys]


def seen(*keys: str, at: str | None = None, source: str = "web", **more: Any) -> dict[str, Any]:
    """An `ObservationInput`."""
    return {"source": source, "identifiers": identifiers(*keys), "seenAt": at, **more}


def order(number: str, *keys: str, **more: Any) -> dict[str, Any]:
    """An `OrderInput`."""
    defaults = {
        "source": "shop",
        "placedAt": "2026-03-01T12:00:00Z",
        "reportedAt": "2026-03-01T12:00:00Z",
        "currency": "EUR",
        "total": "10.00",
    }
    return {"number": number, "identifiers": identifiers(*keys), **defaults, **more}
