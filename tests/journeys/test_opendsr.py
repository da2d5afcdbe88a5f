"""A controller's tool speaks OpenDSR: discovery, requests, status, results, cancellation, callbacks."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from graph.domain.access.scopes import SUBJECT_EXPORT
from graph.ports import Store
from service.access.signed_in import SignedIn
from service.audit.audit import Audit
from service.bootstrap import SystemClock
from tests.builders.audits import entries
from tests.builders.clients import Client, order, seen
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.subject_requests import DOMAIN, ID, Controller, body, write_settings
from tests.builders.viewers import viewer

KEYS = ",".join(f"{role}-1:{role}:{role}-0123456789abcdef" for role in ("privacy", "desk"))
ANNA = "email=anna@example.com"
OTHER_ID = "b7551968-d5d6-44b2-9831-815ac9017798"


class Tool:
    """A controller's tool and the service that it speaks to. It verifies each signature."""

    def __init__(self, store: Store, run: Run, folder: Path, audit: Audit | None = None, **settings: Any) -> None:
        path = write_settings(folder, **settings)
        self._certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
        self._run = run
        self.local = Client(store, run, safeguards=ListSafeguards())
        run(self.local.wiring.prepare())
        self.client = Client(store, run, audit=audit, api_keys=KEYS, opendsr=path, safeguards=ListSafeguards())
        run(self.client.wiring.prepare())
        service = self.client.endpoint.opendsr
        assert service is not None
        self.service = service

    def send(
        self, method: str, path: str, content: object = None, role: str = "privacy", version: int = 2
    ) -> httpx.Response:
        url = f"/opendsr/v{version}{path}"
        headers = {"authorization": f"Bearer {role}-0123456789abcdef"} if role else {}
        answer = self._run(self.client.http.request(method, url, json=content, headers=headers))
        prefix = "X-OpenGDPR" if version == 1 else "X-OpenDSR"
        assert answer.headers[f"{prefix}-Processor-Domain"] == DOMAIN
        key: Any = self._certificate.public_key()
        key.verify(base64.b64decode(answer.headers[f"{prefix}-Signature"]), answer.content, ec.ECDSA(hashes.SHA256()))
        return answer

    def raw(self, content: bytes, media_type: str) -> httpx.Response:
        headers = {"authorization": "Bearer privacy-0123456789abcdef", "content-type": media_type}
        return self._run(self.client.http.post("/opendsr/v2/requests", content=content, headers=headers))

    def post(self, *keys: str, **more: Any) -> httpx.Response:
        return self.send("POST", "/requests", body(*keys, **more))

    def status(self, id: str = ID) -> dict[str, Any]:
        return self.send("GET", f"/requests/{id}").json()

    def advance(self) -> None:
        """What the service does in the background."""
        self._run(self.service.processor.advance())


@pytest.fixture
def tool(store: Store, run: Run, tmp_path: Path) -> Tool:
    tool = Tool(store, run, tmp_path)
    send_anna(tool)
    return tool


def send_anna(tool: Tool) -> str:
    """Anna, who has an address, a number and an order; the id of the customer."""
    (result,) = tool.local.link(seen(ANNA, "crm_id=A1", at="2026-01-01T00:00:00Z"))
    tool.local.record(order("W-1", ANNA))
    return result["customerId"]


def test_a_tool_learns_what_is_supported_without_a_key(tool: Tool) -> None:
    # when
    found = tool.send("GET", "/discovery", role="").json()
    # then
    assert (found["api_version"], found["supported_subject_request_types"]) == (
        "2.0",
        ["access", "portability", "erasure"],
    )
    assert {"identity_type": "email", "identity_format": "raw"} in found["supported_identities"]
    assert found["processor_certificate"] == f"https://{DOMAIN}/opendsr/certificate.pem"
    assert b"BEGIN CERTIFICATE" in tool.client.get("/opendsr/certificate.pem").content


def test_an_erasure_is_pending_until_an_officer_confirms_its_plan(tool: Tool) -> None:
    # given
    received = tool.post(ANNA)
    tool.advance()
    assert (received.status_code, tool.status()["request_status"]) == (201, "pending")
    assert json.loads(base64.b64decode(received.json()["encoded_request"]))["subject_request_id"] == ID
    assert tool.local.customer(ANNA) is not None
    # when: the officer erases the person for this request
    erase(tool.local, ID)
    # then
    assert tool.status()["request_status"] == "completed"
    assert tool.status()["results_url"] is None


def erase(client: Client, request_id: str) -> None:
    by = {"identifier": {"namespace": "email", "value": "anna@example.com"}}
    planning = "mutation($i: PlanErasureInput!) { planErasure(input: $i) { plan { hash } errors { message } } }"
    plan = client.ask(planning, {"i": {"by": by}})["planErasure"]
    input = {"by": by, "planHash": plan["plan"]["hash"], "requestId": request_id}
    erased = client.ask(
        "mutation($i: EraseSubjectInput!) { eraseSubject(input: $i) { errors { message } } }", {"i": input}
    )
    assert erased["eraseSubject"]["errors"] == []


def test_an_erasure_is_carried_out_at_once_if_the_operator_says_so(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    tool = Tool(
        store, run, tmp_path, erasure="automatic", orders_kept_days=3650, orders_kept_ground="tax law, 10 years"
    )
    send_anna(tool)
    tool.post(ANNA)
    # when
    tool.advance()
    # then
    assert tool.status()["request_status"] == "completed"
    assert tool.local.customer(ANNA) is None
    held = tool.local.ask("{ heldOrders { nodes { number } } }")["heldOrders"]["nodes"]
    assert [one["number"] for one in held] == ["W-1"]
    # and: she stays away, by the address that the request names and by others of hers
    tool.local.link(seen(ANNA, "crm_id=A1", at="2026-01-01T00:00:00Z", id="again"))
    assert tool.local.customer("crm_id=A1") is None


def test_identities_of_two_customers_are_not_erased_without_an_officer(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    tool = Tool(store, run, tmp_path, erasure="automatic")
    send_anna(tool)
    tool.local.link(seen("email=ben@example.com", "crm_id=B1"))
    # when
    tool.post(ANNA, "email=ben@example.com")
    tool.advance()
    # then
    assert tool.status()["request_status"] == "pending"
    assert tool.local.customer(ANNA) is not None


def test_who_is_not_known_yet_is_kept_away_too(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    tool = Tool(store, run, tmp_path, erasure="automatic")
    # when
    tool.post("email=zoe@example.com")
    tool.advance()
    tool.local.link(seen("email=zoe@example.com", "crm_id=U1", at="2026-01-01T00:00:00Z"))
    # then
    assert tool.status()["request_status"] == "completed"
    assert tool.local.customer("email=zoe@example.com") is None


def test_a_person_gets_everything_that_is_stored(tool: Tool) -> None:
    # given
    tool.post(ANNA, type="access")
    tool.advance()
    status = tool.status()
    assert (status["request_status"], status["results_count"]) == ("completed", 1)
    # when
    results = tool.send("GET", status["results_url"].removeprefix(f"https://{DOMAIN}/opendsr/v2"))
    # then
    (document,) = results.json()
    assert "anna@example.com" in results.text
    assert document["customer"]["id"] == tool.local.customer(ANNA)["id"]


def test_another_system_gets_lines_that_can_be_imported(tool: Tool) -> None:
    # given
    tool.post(ANNA, type="portability")
    tool.advance()
    # when
    results = tool.send("GET", f"/requests/{ID}/results")
    # then
    assert results.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in results.text.splitlines()]
    assert any("anna@example.com" in str(line) for line in lines)


def test_an_officer_sees_what_waits(tool: Tool) -> None:
    # given
    tool.post(ANNA, regulation="ccpa")
    query = """{ subjectRequests { nodes { id type status caller regulation receivedAt dueAt endedAt
      identifiers { namespace value } } } }"""

    def asked() -> list[dict[str, Any]]:
        answer = tool.client.send(query, authorization="Bearer privacy-0123456789abcdef").json()
        return answer["data"]["subjectRequests"]["nodes"]

    # then
    (request,) = asked()
    assert (request["id"], request["type"], request["status"]) == (ID, "erasure", "pending")
    assert (request["caller"], request["regulation"], request["endedAt"]) == ("privacy-1", "ccpa", None)
    assert request["identifiers"] == [{"namespace": "email", "value": "anna@example.com"}]
    # when
    erase(tool.local, ID)
    tool.advance()
    # then
    (request,) = asked()
    assert (request["status"], request["identifiers"]) == ("completed", [])


def test_a_pending_request_is_canceled(tool: Tool) -> None:
    # given
    tool.post(ANNA)
    # when
    canceled = tool.send("DELETE", f"/requests/{ID}")
    # then
    assert (canceled.status_code, canceled.json()["subject_request_id"]) == (202, ID)
    assert tool.status()["request_status"] == "cancelled"
    again = tool.send("DELETE", f"/requests/{ID}")
    assert (again.status_code, again.json()["error"]["errors"][0]["reason"]) == (400, "REQUEST_NOT_PENDING")


def test_older_and_newer_versions_of_the_protocol_are_spoken(tool: Tool) -> None:
    # given
    first = {
        "subject_request_id": ID,
        "subject_request_type": "access",
        "submitted_time": "2026-01-02T15:00:00Z",
        "subject_identities": [
            {"identity_type": "email", "identity_value": "anna@example.com", "identity_format": "raw"}
        ],
    }
    third = {
        **first,
        "subject_request_id": OTHER_ID,
        "regulation": "ccpa",
        "group_id": "march",
        "subject_identities": {"controller_customer_id": {"value": "A1", "encoding": "raw"}},
    }
    # when
    one = tool.send("POST", "/opengdpr_requests", first, version=1)
    three = tool.send("POST", "/requests/", third, version=3)
    # then
    assert (one.status_code, three.status_code) == (201, 201)
    assert [
        found["subject_request_id"] for found in tool.send("GET", "/requests?group_id=march", version=3).json()
    ] == [OTHER_ID]
    assert tool.send("GET", f"/opengdpr_requests/{ID}", version=1).json()["api_version"] == "1.0"


@pytest.mark.parametrize(
    ("method", "path", "content", "role", "status", "reason"),
    [
        ("POST", "/requests", {"nothing": 1}, "privacy", 400, "INVALID_VALUE"),
        ("POST", "/requests", body(ANNA), "desk", 403, "FORBIDDEN"),
        ("POST", "/requests", body(ANNA), "", 401, "UNAUTHENTICATED"),
        ("GET", f"/requests/{ID}", None, "privacy", 404, "REQUEST_NOT_FOUND"),
        ("GET", f"/requests/{ID}", None, "desk", 403, "FORBIDDEN"),
        ("GET", f"/requests/{ID}/results", None, "privacy", 404, "REQUEST_NOT_FOUND"),
        ("DELETE", f"/requests/{ID}", None, "privacy", 404, "REQUEST_NOT_FOUND"),
        ("DELETE", f"/requests/{ID}", None, "desk", 403, "FORBIDDEN"),
        ("GET", "/requests", None, "privacy", 400, "INVALID_VALUE"),
    ],
)
def test_what_is_wrong_is_said_in_the_form_of_the_protocol(
    tool: Tool, method: str, path: str, content: object, role: str, status: int, reason: str
) -> None:
    # when
    answer = tool.send(method, path, content, role)
    # then
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["errors"][0]["reason"]) == (status, status, reason)
    # and: version 3 does not wrap it
    assert tool.send(method, path, content, role, version=3).json()["code"] == status


def test_a_caller_that_may_only_export_cancels_no_erasure(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    tool.post(ANNA)
    exporter = SignedIn(viewer("feed", SUBJECT_EXPORT))

    async def sign_in(*_: object) -> SignedIn:
        return exporter

    with monkeypatch.context() as patch:
        patch.setattr(tool.client.endpoint.authenticator, "sign_in", sign_in)
        # when
        answer = tool.send("DELETE", f"/requests/{ID}")
        # then
        assert answer.status_code == 403
    assert tool.status()["request_status"] == "pending"


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 5_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 400),
        (b" " * 300_000, "application/json", 413),
    ],
)
def test_a_body_that_is_not_json_is_refused(tool: Tool, content: bytes, media_type: str, status: int) -> None:
    answer = tool.raw(content, media_type)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


def test_another_request_under_the_same_id_is_refused(tool: Tool) -> None:
    # given
    first = tool.post(ANNA)
    # then
    assert tool.post(ANNA).json()["received_time"] == first.json()["received_time"]
    other = tool.post("email=ben@example.com")
    assert (other.status_code, other.json()["error"]["errors"][0]["reason"]) == (400, "REQUEST_EXISTS")
    assert "ben" not in other.text


def test_the_service_notifies_the_controller(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    controller = Controller()
    tool = Tool(store, run, tmp_path, callback_hosts=["127.0.0.1"])
    send_anna(tool)

    async def serve_until_notified() -> None:
        working = asyncio.create_task(tool.service.run())
        await asyncio.to_thread(controller.wait, 2)
        working.cancel()

    # when
    tool.post(ANNA, type="access", status_callback_urls=[controller.url])
    run(serve_until_notified())
    controller.stop()
    # then
    assert sorted(controller.statuses) == ["completed", "pending"]


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    audit = Audit(tmp_path / "audit", SystemClock().now)
    yield audit
    audit.close()


def test_requests_and_results_are_in_the_audit_log(store: Store, run: Run, tmp_path: Path, audit: Audit) -> None:
    # given
    tool = Tool(store, run, tmp_path, audit)
    id = send_anna(tool)
    # when
    tool.post(ANNA, type="access")
    tool.advance()
    tool.send("GET", f"/requests/{ID}/results")
    # then
    request, results = entries(tmp_path / "audit")
    assert (request["kind"], request["command"], request["transport"]) == ("write", "opendsr access", "http")
    assert (results["kind"], results["caller"], results["customers"]) == ("export", "privacy-1", [id])


def test_the_endpoints_are_off_unless_a_file_turns_them_on(store: Store, run: Run) -> None:
    client = Client(store, run)
    assert client.get("/opendsr/v2/discovery").status_code == 404
    answer = client.send("{ subjectRequests { nodes { id } } }").json()
    assert answer["errors"][0]["extensions"]["code"] == "FEATURE_DISABLED"
