"""A store that measures its operations, and is the same store otherwise."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from graph.domain.model.errors import StoreUnavailable
from graph.domain.profile.pages import ById, Selection
from graph.ports import Store
from graph.runtime import measurements
from graph.stores.sqlite import SQLiteStore
from service.observability.metrics import Metrics
from service.observability.observed_store import observed
from tests.builders.runs import Run


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def store(tmp_path: Path, run: Run, metrics: Metrics) -> Iterator[Store]:
    store = observed(SQLiteStore(tmp_path / "kith.db"), "sqlite", metrics)
    run(store.migrate())
    yield store
    run(store.close())


def count(metrics: Metrics, name: str, error: str = "") -> float | None:
    labels = {"db_system_name": "sqlite", "db_operation_name": name, "error_type": error}
    return metrics.registry.get_sample_value("db_client_operation_duration_seconds_count", labels)


def test_operations_are_passed_on_and_counted(store: Store, metrics: Metrics, run: Run) -> None:
    # when
    run(store.put_value("a", "b"))
    read = [run(store.get_value("a")) for _ in range(2)]
    # then
    assert read == ["b", "b"]
    assert (count(metrics, "put_value"), count(metrics, "get_value")) == (1, 2)
    # and what is no operation is the store's own
    assert store.max_batch_size == SQLiteStore.max_batch_size
    assert count(metrics, "migrate") is None
    assert not hasattr(store, "no_such_method")


def test_errors_are_counted_by_type_and_raised(tmp_path: Path, metrics: Metrics, run: Run) -> None:
    # given
    store = observed(SQLiteStore(tmp_path / "no-folder" / "kith.db"), "sqlite", metrics)
    # when
    with pytest.raises(StoreUnavailable):
        run(store.get_value("a"))
    # then
    assert count(metrics, "get_value", "StoreUnavailable") == 1
    run(store.close())


def test_the_operation_that_waits_knows_for_how_long(store: Store, run: Run) -> None:
    # given
    async def operation() -> measurements.OperationTimes:
        times = measurements.OperationTimes()
        measurements.current.set(times)
        await asyncio.gather(*(store.customers([ById("cus_1")], Selection()) for _ in range(5)))
        return times

    # when
    times = run(operation())
    # then
    assert times.read.seconds > 0
    assert times.write.seconds == 0


def test_without_metrics_it_only_measures_operations(tmp_path: Path, run: Run, metrics: Metrics) -> None:
    # given
    store = observed(SQLiteStore(tmp_path / "kith.db"), "sqlite", None)
    run(store.migrate())
    # when
    run(store.put_value("a", "b"))
    run(store.close())
    # then
    assert b"db_operation_name" not in generate_latest(metrics.registry)
