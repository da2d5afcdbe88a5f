"""An erasure lasts: a restored backup is erased again before the service is ready, and receipts verify offline."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.domain.model.errors import StoreUnavailable
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from service.http.public_keys_endpoint import PATH
from service.privacy.ledger import Ledger
from service.privacy.public_keys import PublicKeys
from service.privacy.receipts import Unverified, verify
from tests.builders.clients import order, seen
from tests.builders.runs import Run

ANN = {"namespace": "email", "value": "ann@example.com"}
LINK = """mutation($observations: [ObservationInput!]!) { linkIdentifiers(input: {observations: $observations}) {
  results { __typename ... on Rejected { problem { code } } } } }"""
PLAN = "mutation($input: PlanErasureInput!) { planErasure(input: $input) { plan { hash } errors { message } } }"
ERASE = """mutation($input: EraseSubjectInput!) { eraseSubject(input: $input) {
  errors { code message } erasure { id receipt } } }"""
ORDERS = "mutation($orders: [OrderInput!]!) { recordOrders(input: {orders: $orders}) { errors { message } } }"
HELD = "{ heldOrders { nodes { number heldUntil erasureId facts } } }"
CUSTOMER = "query($by: IdentifierInput!) { customer(by: {identifier: $by}) { id } }"


class Process:
    """A process of a service in the development profile over a SQLite file; its keys and its ledger are beside it."""

    def __init__(self, path: Path, run: Run) -> None:
        settings = Settings(store=f"sqlite:///{path}", _env_file=None)
        self.wiring: Wiring = wire(settings)
        app = create_app(settings, self.wiring, create_endpoint(settings, self.wiring))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost", timeout=60)
        self._run = run

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self._run(self.post(query, variables))
        assert "errors" not in answer, answer
        (data,) = answer["data"].values()
        return data

    async def post(self, query: str, variables: Mapping[str, Any]) -> Any:
        return (await self._http.post("/graphql", json={"query": query, "variables": variables})).json()

    def link_ann(self) -> list[str]:
        """What became of a statement about Ann."""
        statement = seen("email=ann@example.com", "login=ann", at="2026-01-01T00:00:00Z", id="1")
        return [result["__typename"] for result in self.ask(LINK, observations=[statement])["results"]]

    def erase_ann(self, **more: Any) -> str:
        """Erase Ann, and return the receipt."""
        input = {"by": {"identifier": ANN}, **more}
        hash = self.ask(PLAN, input=input)["plan"]["hash"]
        payload = self.ask(ERASE, input={**input, "planHash": hash, "requestId": "ticket 4711"})
        assert payload["errors"] == []
        return payload["erasure"]["receipt"]

    def get(self, path: str) -> httpx.Response:
        return self._run(self._http.get(path))

    def end(self) -> None:
        self._run(self.wiring.graph.close())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kith.db"


def test_a_restored_backup_is_erased_again_and_the_receipt_verifies(path: Path, run: Run) -> None:
    # given
    before = Process(path, run)
    run(before.wiring.prepare())
    assert before.link_ann() == ["ObservationAccepted"]
    before.end()
    backup = path.read_bytes()
    service = Process(path, run)
    run(service.wiring.prepare())
    # when
    receipt = service.erase_ann()
    # then
    keys = PublicKeys.parse(service.get(PATH).content)
    assert verify(receipt.encode(), keys).receipt.request_id == "ticket 4711"
    with pytest.raises(Unverified):
        verify(receipt.replace("ticket 4711", "ticket 4712").encode(), keys)
    service.end()
    # when the backup is restored
    path.write_bytes(backup)
    reader = wire(Settings(store=f"sqlite:///{path}", _env_file=None), read_only=True)
    with pytest.raises(StoreUnavailable, match="has 1 erasure that the store lacks"):
        run(reader.prepare_reading())
    run(reader.graph.close())
    restored = Process(path, run)
    assert restored.get("/readyz").status_code == 503
    run(restored.wiring.prepare())
    # then
    assert restored.get("/readyz").status_code == 200
    assert restored.ask(CUSTOMER, by=ANN) is None
    assert restored.link_ann() == ["Rejected"]
    assert b"ann@example.com" not in path.read_bytes()
    restored.end()


def test_orders_on_hold_are_kept_when_a_restored_backup_is_erased_again(path: Path, run: Run) -> None:
    # given
    before = Process(path, run)
    run(before.wiring.prepare())
    before.link_ann()
    before.ask(ORDERS, orders=[order("A-1", "email=ann@example.com")])
    before.end()
    backup = path.read_bytes()
    service = Process(path, run)
    run(service.wiring.prepare())
    service.erase_ann(keepOrders={"until": "2100-01-01T00:00:00Z", "ground": "tax law"})
    held = service.ask(HELD)["nodes"]
    assert [order["number"] for order in held] == ["A-1"]
    service.end()
    # when
    path.write_bytes(backup)
    restored = Process(path, run)
    run(restored.wiring.prepare())
    # then
    assert restored.ask(CUSTOMER, by=ANN) is None
    assert restored.ask(HELD)["nodes"] == held
    restored.end()


def test_a_request_that_is_sent_twice_at_once_is_one_erasure(path: Path, run: Run) -> None:
    # given
    service = Process(path, run)
    run(service.wiring.prepare())
    service.link_ann()
    by = {"identifier": ANN}
    hash = service.ask(PLAN, input={"by": by})["plan"]["hash"]
    variables = {"input": {"by": by, "planHash": hash, "requestId": "ticket 4711"}}

    # when
    async def twice() -> list[str]:
        answers = await asyncio.gather(*(service.post(ERASE, variables) for _ in range(2)))
        return [answer["data"]["eraseSubject"]["erasure"]["id"] for answer in answers]

    first, second = run(twice())
    # then
    assert first == second
    ledger = Ledger(path.with_name("kith.db-erasures.ndjson"), lambda: 0)
    ledger.read()
    assert len(ledger.pending(None)) == 1
    service.end()


def test_without_its_keys_a_restored_store_accepts_nothing(path: Path, run: Run) -> None:
    # given
    service = Process(path, run)
    run(service.wiring.prepare())
    service.link_ann()
    service.erase_ann()
    service.end()
    # when
    path.with_name("kith.db-erasure-keys").unlink()
    restored = Process(path, run)

    async def start() -> dict[str, str]:
        preparing = asyncio.create_task(restored.wiring.prepare_when_available())
        await restored.wiring.attempted.wait()
        missing = await restored.wiring.missing()
        with pytest.raises(StoreUnavailable, match="KITH_ERASURE_KEYS"):
            restored.wiring.graph.write_gate.check()
        preparing.cancel()
        return missing

    # then
    assert "KITH_ERASURE_KEYS" in run(start())["erasure"]
    restored.end()
