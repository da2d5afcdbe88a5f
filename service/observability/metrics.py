"""The metrics of requests and of the store, for Prometheus.

Names follow OpenTelemetry's semantic conventions where they define one (`http.server.request.duration`,
`db.client.operation.duration`), in the form that Prometheus gives them; all others begin with `kith_`. No label has a
value that callers choose: methods and codes are of closed lists.
"""

from collections.abc import Iterable
from typing import Literal

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

from graph.domain.access.roles import ROLES
from schema.shared.problem_codes import CODES

# A series for each counter with the time at which it began would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the buckets of durations."""
ROUTE = "/graphql"
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
SIGN_IN_FAILURES = ("missing", "malformed", "unknown", "expired", "revoked", "token")
"""Why callers could not sign in."""
OK = "OK"
OTHER = "_OTHER"
"""The label for values outside of the closed lists, as the conventions name it."""
REFUSALS = frozenset({"FORBIDDEN", "TOO_MANY_LOOKUPS"})
"""The codes of operations that were refused because of what their callers may do."""
LookupResult = Literal["counted", "missed", "refused"]
ALARMS = ("budget", "misses")
"""Why a caller is reported."""


def method_label(method: str) -> str:
    """Return a method, or what the conventions write for one that is unknown."""
    return method if method in METHODS else OTHER


def role_label(role: str) -> str:
    """Return a role, or what the conventions write for one that is unknown."""
    return role if role in ROLES else OTHER


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
        self._refused = Counter(
            "kith_requests_refused_total",
            "Operations refused because of what their callers may do, by role and code.",
            ["role", "code"],
            registry=self.registry,
        )
        lookups: dict[LookupResult, tuple[str, str]] = {
            "counted": ("kith_lookups_total", "Customers looked up, each counted once an hour and caller."),
            "missed": ("kith_lookups_missed_total", "Look-ups that found nobody."),
            "refused": ("kith_lookups_refused_total", "Look-ups refused because a budget was used up."),
        }
        self._lookups = {
            result: Counter(name, description, ["role"], registry=self.registry)
            for result, (name, description) in lookups.items()
        }
        self._lookup_alarms = Counter(
            "kith_lookup_alarms_total",
            "Callers that used up a budget, or found nobody with many look-ups, counted once an hour.",
            ["role", "reason"],
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
        self._lookup_children: dict[tuple[LookupResult, str], Counter] = {}
        for role in ROLES:
            # An increase from 0 is seen only if the series has begun with it.
            for code in sorted(REFUSALS):
                self._refused.labels(role, code)
            for result, counter in self._lookups.items():
                self._lookup_children[result, role] = counter.labels(role)
            for reason in ALARMS:
                self._lookup_alarms.labels(role, reason)
        self._authentication_failures = Counter(
            "kith_authentication_failures_total",
            "Requests and WebSockets without a valid key or token.",
            ["reason"],
            registry=self.registry,
        )
        for reason in SIGN_IN_FAILURES:
            # From 0 on: an alert on an increase would miss the first one.
            self._authentication_failures.labels(reason)
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

    def refused(self, role: str, codes: Iterable[str]) -> None:
        """Count an operation of a role if a code of its errors says that it was refused."""
        for code in codes:
            if code in REFUSALS:
                self._refused.labels(role_label(role), code).inc()

    def lookups(self, role: str, result: LookupResult, count: int) -> None:
        """Count look-ups of customers by a role."""
        label = role_label(role)
        child = self._lookup_children.get((result, label))
        if child is None:
            child = self._lookup_children[result, label] = self._lookups[result].labels(label)
        child.inc(count)

    def lookup_alarm(self, role: str, reason: str) -> None:
        """Count a caller that probably tries what exists."""
        self._lookup_alarms.labels(role_label(role), reason).inc()

    def authentication_failed(self, reason: str) -> None:
        """Count a request without a valid key or token, by one of `SIGN_IN_FAILURES`."""
        self._authentication_failures.labels(reason).inc()

    def store_operation(self, system: str, name: str, error: str, seconds: float) -> None:
        """Count an operation of the store; `error` is the type of its exception, empty without one."""
        key = (system, name, error)
        child = self._store_children.get(key)
        if child is None:
            child = self._store_children[key] = self._store.labels(*key)
        child.observe(seconds)
