"""The metrics of requests and of the store, for Prometheus.

Names follow OpenTelemetry's semantic conventions where they define one (`http.server.request.duration`,
`db.client.operation.duration`), in the form that Prometheus gives them; all others begin with `kith_`. No label has a
value that callers choose: methods and codes are of closed lists.
"""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.registry import Collector

from schema.shared.problem_codes import CODES

# A series for each counter with the time at which it began would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the buckets of durations."""
ROUTE = "/graphql"
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
OK = "OK"
OTHER = "_OTHER"
"""The label for values outside of the closed lists, as the conventions name it."""


def method_label(method: str) -> str:
    """Return a method, or what the conventions write for one that is unknown."""
    return method if method in METHODS else OTHER


class Metrics:
    """The metrics of one service, each service with a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP requests of the GraphQL endpoint; of event streams, until they end.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._operations = Counter(
            "kith_operations_total",
            "Operations by type and by each error code of their answers, OK without errors.",
            ["type", "code"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "kith_operation_duration_seconds",
            "Duration of queries and mutations.",
            ["type"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._store = Histogram(
            "db_client_operation_duration_seconds",
            "Duration of operations of the store, as their callers see it.",
            ["db_system_name", "db_operation_name", "error_type"],
            buckets=SECONDS,
            registry=self.registry,
        )
        # Looking up a child by its labels takes longer than counting.
        self._request_children: dict[tuple[str, int], Histogram] = {}
        self._operation_children: dict[tuple[str, str], Counter] = {}
        self._duration_children: dict[str, Histogram] = {}
        self._store_children: dict[tuple[str, str, str], Histogram] = {}

    def register(self, collector: Collector) -> None:
        """Add metrics that are collected when they are read."""
        self.registry.register(collector)

    def request(self, method: str, status: int, seconds: float) -> None:
        """Count an HTTP request."""
        key = (method_label(method), status)
        child = self._request_children.get(key)
        if child is None:
            child = self._request_children[key] = self._requests.labels(key[0], ROUTE, status)
        child.observe(seconds)

    def operation(self, kind: str, codes: Iterable[str], seconds: float) -> None:
        """Count an operation; `kind` is `none` for a request that ended before any."""
        for code in codes or (OK,):
            key = (kind, code if code in CODES or code == OK else OTHER)
            counter = self._operation_children.get(key)
            if counter is None:
                counter = self._operation_children[key] = self._operations.labels(*key)
            counter.inc()
        if kind in ("query", "mutation"):
            durations = self._duration_children.get(kind)
            if durations is None:
                durations = self._duration_children[kind] = self._durations.labels(kind)
            durations.observe(seconds)

    def store_operation(self, system: str, name: str, error: str, seconds: float) -> None:
        """Count an operation of the store; `error` is the type of its exception, empty without one."""
        key = (system, name, error)
        child = self._store_children.get(key)
        if child is None:
            child = self._store_children[key] = self._store.labels(*key)
        child.observe(seconds)
