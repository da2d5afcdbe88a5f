"""Traces: spans of requests and their parts, sent to a real receiver, without values of callers."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.bootstrap import wire
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from service.observability.traces import OpenTelemetryTraces
from tests.builders.canaries import CANARY
from tests.builders.clients import LINK, identifiers
from tests.builders.request_log import request_log
from tests.builders.runs import Run
from tests.builders.services import Service

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
QUERY = 'query View { customer(by: {identifier: {namespace: "crm_id", value: "zqcanary"}}) { id } }'


class Traced:
    """The application with traces that stay in memory."""

    def __init__(self, folder: Path, run: Run, ratio: float) -> None:
        self._run, self._exporter = run, InMemorySpanExporter()
        settings = Settings(_env_file=None, store=f"sqlite:///{folder / 'kith.db'}")
        self._wiring = wire(settings)
        self._wiring.traces = self._traces = OpenTelemetryTraces(ratio, "1.2.3", self._exporter)
        run(self._wiring.prepare())
        transport = httpx.ASGITransport(create_app(settings, self._wiring, create_endpoint(settings, self._wiring)))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def send(self, query: str, variables: Any = None, **headers: str) -> httpx.Response:
        return self._run(self._http.post("/graphql", json={"query": query, "variables": variables}, headers=headers))

    def spans(self) -> list[ReadableSpan]:
        """All spans that have ended; it ends the tracing."""
        self._traces.close()
        return list(self._exporter.get_finished_spans())

    def close(self) -> None:
        self._run(self._http.aclose())
        self._run(self._wiring.graph.close())


@pytest.fixture
def traced(tmp_path: Path, run: Run) -> Iterator[Traced]:
    traced = Traced(tmp_path, run, 1)
    yield traced
    traced.close()


@pytest.fixture
def untraced(tmp_path: Path, run: Run) -> Iterator[Traced]:
    untraced = Traced(tmp_path, run, 0)
    yield untraced
    untraced.close()


def observation(key: str) -> dict[str, Any]:
    return {"input": {"observations": [{"source": "crm", "identifiers": identifiers(key)}]}}


def test_a_query_is_a_span_with_its_read(traced: Traced) -> None:
    # when
    with request_log() as log:
        traced.send(QUERY, **{"x-request-id": "request-1"})
    # then
    read, request = traced.spans()
    assert request.name == "POST /graphql"
    assert request.parent is None
    assert dict(request.attributes) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "url.path": "/graphql",
        "http.response.status_code": 200,
        "graphql.operation.type": "query",
        "graphql.operation.name": "View",
        "kith.caller": "local",
        "kith.cost": 1,
        "kith.document": log.last["document"],
        "kith.request_id": "request-1",
    }
    assert read.name == "customers"
    assert dict(read.attributes) == {"db.system.name": "sqlite", "db.operation.name": "customers"}
    assert read.parent.span_id == request.context.span_id
    # and the log names the trace
    assert log.last["trace_id"] == f"{request.context.trace_id:032x}"
    assert request.resource.attributes["service.name"] == "kith"
    assert request.resource.attributes["service.version"] == "1.2.3"


def test_a_write_has_spans_for_its_group_its_decisions_and_its_reads(traced: Traced) -> None:
    # when
    traced.send(LINK, observation(f"crm_id={CANARY}"))
    # then
    spans = {span.name: span for span in traced.spans()}
    parents = {
        name: next((other.name for other in spans.values() if span.parent and other.context == span.parent), None)
        for name, span in spans.items()
    }
    assert parents["kith.write"] == "POST /graphql"
    assert parents["kith.group_commit"] == "kith.write"
    assert parents["kith.resolve"] == "kith.group_commit"
    assert parents["kith.store ReadNeighborhood"] == parents["kith.store Write"] == "kith.resolve"
    assert spans["kith.group_commit"].attributes["kith.commands"] == 1
    # and no value of the caller
    assert CANARY not in str([span.to_json() for span in spans.values()])


def test_a_trace_goes_on_from_its_sender(traced: Traced) -> None:
    # when
    traced.send(QUERY, traceparent=SAMPLED)
    # then
    *_, request = traced.spans()
    assert f"{request.context.trace_id:032x}" == TRACE
    assert f"{request.parent.span_id:016x}" == PARENT


def test_senders_decide_what_is_traced(untraced: Traced) -> None:
    # when
    for traceparent in ("", "nonsense", UNSAMPLED, SAMPLED):
        untraced.send(QUERY, traceparent=traceparent)
    # then
    assert [span.name for span in untraced.spans()] == ["customers", "POST /graphql"]


def test_a_request_that_its_sender_does_not_trace_is_not_traced(traced: Traced) -> None:
    traced.send(QUERY, traceparent=UNSAMPLED)
    assert traced.spans() == []


class Receiver:
    """A receiver of OpenTelemetry's protocol over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.received = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    receiver.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()
                receiver.received.set()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_a_service_sends_its_spans_to_a_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    receiver = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    store = f"sqlite:///{tmp_path / 'kith.db'}"
    service = Service(store, tmp_path, traces=1, log_level="debug", rfm_interval_seconds=0).wait()
    # when: the service ends, and sends what it has
    try:
        service.ask(QUERY)
    finally:
        service.stop()
    receiver.received.wait(30)
    receiver.stop()
    # then
    assert {span.name for span in receiver.spans} >= {"POST /graphql", "customers"}
    assert CANARY not in str(receiver.spans)


def test_a_receiver_that_is_missing_costs_no_request_and_logs_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:9/{CANARY}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    store = f"sqlite:///{tmp_path / 'kith.db'}"
    service = Service(store, tmp_path, traces=1, log_level="debug", rfm_interval_seconds=0).wait()
    # when
    try:
        for _ in range(3):
            service.ask(QUERY)
    finally:
        service.stop()
    # then
    assert CANARY not in service.log.read_text()
