"""A store whose operations are measured: for the metrics, and for the parts of slow operations."""

import inspect
from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any, cast

from graph.ports import Store
from graph.runtime import measurements
from service.observability.metrics import Metrics

_UNMEASURED = frozenset({"bookmarks", "close", "migrate", "ready"})
"""Not work of callers."""


class ObservedStore:
    """Passes everything on to a store. Methods are wrapped when they are first used."""

    def __init__(self, store: Store, system: str, metrics: Metrics | None) -> None:
        self._store, self._system, self._metrics = store, system, metrics

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        if name.startswith("_") or name in _UNMEASURED or not inspect.iscoroutinefunction(value):
            return value
        measured = self._measured(name, value)
        setattr(self, name, measured)
        return measured

    def _measured(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        system, metrics, current = self._system, self._metrics, measurements.current

        @wraps(method)
        async def call(*arguments: Any, **more: Any) -> Any:
            times = current.get()
            watch = span = None
            if times is not None:
                watch = times.write if name == "write" else times.read
                watch.__enter__()
                if times.span is not None:
                    span = times.span.child(name, {"db.system.name": system, "db.operation.name": name})
            error = ""
            began = perf_counter()
            try:
                return await method(*arguments, **more)
            except BaseException as raised:
                error = type(raised).__name__
                raise
            finally:
                if metrics is not None:
                    metrics.store_operation(system, name, error, perf_counter() - began)
                if watch is not None:
                    watch.__exit__()
                if span is not None:
                    span.end(error)

        return call


def observed(store: Store, system: str, metrics: Metrics | None) -> Store:
    """Return a store that measures its operations; `system` is its name in OpenTelemetry: `sqlite` or `neo4j`."""
    return cast(Store, ObservedStore(store, system, metrics))
