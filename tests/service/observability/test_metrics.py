"""Metrics of requests, operations and the store."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.observability.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The values of all samples by name and labels."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, frozenset(labels.items())))


def test_requests_are_counted_by_method_and_status() -> None:
    # given
    metrics = Metrics()
    # when
    for method in ("POST", "POST", "BREW"):
        metrics.request(method, 200, 0.02)
    # then: a method that a caller invents makes no series of its own
    for method, expected in (("POST", 2), ("_OTHER", 1)):
        labels = {"http_request_method": method, "http_route": "/graphql", "http_response_status_code": "200"}
        assert value(metrics, "http_server_request_duration_seconds_count", **labels) == expected
        assert value(metrics, "http_server_request_duration_seconds_bucket", le="0.01", **labels) == 0
        assert value(metrics, "http_server_request_duration_seconds_bucket", le="0.025", **labels) == expected


def test_operations_are_counted_by_type_and_code() -> None:
    # given
    metrics = Metrics()
    # when
    metrics.operation("query", (), 0.5)
    metrics.operation("mutation", ("TIMEOUT", "ID_CONFLICT"), 2)
    metrics.operation("subscription", (), 3_600)
    metrics.operation("none", ("INVENTED",), 0)
    # then
    for kind, code in [("query", "OK"), ("mutation", "TIMEOUT"), ("mutation", "ID_CONFLICT"), ("none", "_OTHER")]:
        assert value(metrics, "kith_operations_total", type=kind, code=code) == 1
    assert value(metrics, "kith_operation_duration_seconds_sum", type="mutation") == 2
    # and subscriptions have no latency
    assert value(metrics, "kith_operation_duration_seconds_sum", type="subscription") is None


def test_operations_of_the_store_are_counted_by_name_and_error() -> None:
    # given
    metrics = Metrics()
    # when
    metrics.store_operation("sqlite", "customers", "", 0.25)
    metrics.store_operation("sqlite", "customers", "StoreUnavailable", 10)
    # then
    for error, seconds in (("", 0.25), ("StoreUnavailable", 10)):
        labels = {"db_system_name": "sqlite", "db_operation_name": "customers", "error_type": error}
        assert value(metrics, "db_client_operation_duration_seconds_sum", **labels) == seconds


def test_each_service_has_metrics_of_its_own() -> None:
    first, second = Metrics(), Metrics()
    first.request("GET", 200, 1)
    assert "http_server_request_duration_seconds_count" in str(samples(first))
    assert "http_server_request_duration_seconds_count" not in str(samples(second))


def test_refusals_are_counted_by_role_and_code() -> None:
    # given
    metrics = Metrics()
    # when
    metrics.refused("till", ("FORBIDDEN", "TIMEOUT"))
    metrics.refused("invented", ("TOO_MANY_LOOKUPS",))
    # then
    assert value(metrics, "kith_requests_refused_total", role="till", code="FORBIDDEN") == 1
    assert value(metrics, "kith_requests_refused_total", role="till", code="TOO_MANY_LOOKUPS") == 0
    assert value(metrics, "kith_requests_refused_total", role="_OTHER", code="TOO_MANY_LOOKUPS") == 1
