"""The metrics of several workers in one answer."""

import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from service.http.worker_metrics import AllWorkers, decoded, encoded


def registry(requests: int) -> CollectorRegistry:
    result = CollectorRegistry()
    Counter("requests", "Requests.", ["code"], registry=result).labels("OK").inc(requests)
    Gauge("lag", "Lag.", registry=result).set(math.inf)
    Histogram("seconds", "Seconds.", buckets=(1, 2), registry=result).observe(requests)
    return result


def test_each_series_has_the_number_of_its_worker_and_each_family_is_stated_once() -> None:
    # given
    sent = encoded(registry(2).collect())
    # when
    text = generate_latest(AllWorkers({1: registry(1).collect(), 2: decoded(sent)})).decode()  # type: ignore[arg-type]
    # then
    lines = text.splitlines()
    assert 'requests_total{code="OK",worker="1"} 1.0' in lines
    assert 'requests_total{code="OK",worker="2"} 2.0' in lines
    assert 'lag{worker="2"} +Inf' in lines
    assert 'seconds_bucket{le="1.0",worker="1"} 1.0' in lines
    assert 'seconds_bucket{le="1.0",worker="2"} 0.0' in lines
    assert lines.count("# TYPE requests_total counter") == 1
    names = [family.name for family in text_string_to_metric_families(text)]
    assert len(names) == len(set(names))


def test_metrics_are_the_same_after_they_were_sent() -> None:
    families = list(registry(1).collect())
    received = list(decoded(encoded(families)))
    assert [(one.name, one.type, one.documentation, one.unit) for one in received] == [
        (one.name, one.type, one.documentation, one.unit) for one in families
    ]
    # The exemplars and times of samples, which Kith has none of, are not sent.
    assert [[sample[:3] for sample in one.samples] for one in received] == [
        [sample[:3] for sample in one.samples] for one in families
    ]
