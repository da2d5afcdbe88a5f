"""The metrics of the graph's own work, collected when Prometheus reads them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from graph.commands.audiences import DestinationReading
from graph.domain.model.errors import KithError
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.runtime.counters import SIZES, SizeCounter, WorkerCounters
from service.observability.destination_metrics import MAX_COUNTED, destination_metrics

STORE_SECONDS = 2.0
"""How long reading the store's part may take; without an answer that part is left out."""
MAX_DUE = 1_000
"""The number up to which customers that are due for segmentation are counted."""
MICROSECONDS = 1_000_000
AUDIT_COUNTS = {
    "entries": "Entries that were written to the audit log.",
    "failures": "Times that the audit log could not be written: answers that were withheld, and attempts of `/readyz`.",
    "checkpoint_failures": "Checkpoints of the audit log that could not be written.",
}


@dataclass(slots=True)
class StoreReadings:
    """What is read from the store for the metrics; `None` if the store does not answer."""

    position: int | None = None
    identifiers: int | None = None
    bytes: int | None = None
    due: int | None = None
    destinations: Sequence[DestinationReading] = ()


class GraphMetrics(Collector):
    """Metrics of a graph, its store, and what the service counts itself.

    `sizes` returns the numbers of entries of the caches by name, `connections` the numbers of open connections by kind,
    `now` the time in microseconds since 1970. `build` names the version and the commit. `counts` returns what the
    audit log counts, by the names in `AUDIT_COUNTS`; nothing without a log. `sent` returns the numbers of items that
    each destination took from this process and did not take, by its name.
    """

    def __init__(
        self,
        graph: IdentityGraph,
        store: Store,
        now: Callable[[], int],
        sizes: Callable[[], Mapping[str, int]],
        connections: Callable[[], Mapping[str, int]],
        build: Mapping[str, str],
        counts: Callable[[], Mapping[str, int]] = dict,
        sent: Callable[[], Mapping[str, tuple[int, int]]] = dict,
    ) -> None:
        self._graph, self._store, self._now, self._sizes, self._connections = graph, store, now, sizes, connections
        self._readings = StoreReadings()
        self._ready = False
        self._build = dict(build)
        self._counts, self._sent = counts, sent

    async def read(self, ready: bool) -> None:
        """Read the store before the metrics are collected. `ready` is what `/readyz` says."""
        self._ready, readings = ready, StoreReadings()
        self._readings = readings
        try:
            async with asyncio.timeout(STORE_SECONDS):
                readings.position = await self._store.newest_change()
                size = await self._store.size()
                readings.identifiers, readings.bytes = size.identifiers, size.bytes
                # Without segments nothing evaluates the customers that are due.
                if await self._store.segments():
                    readings.due = len(await self._store.due_for_segmentation(self._now(), MAX_DUE))
                readings.destinations = await self._graph.audiences.readings(readings.position, MAX_COUNTED)
        except (KithError, TimeoutError):
            pass

    def describe(self) -> list[Metric]:
        """Return nothing: what is collected is not checked for duplicates when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield InfoMetricFamily("kith_build", "The version of Kith.", self._build)
        yield _gauge("kith_ready", "1 if reads and writes can be served, as `/readyz` says.", int(self._ready))
        yield from self._writes()
        yield from self._followers()
        yield from self._workers()
        yield from self._refused()
        yield from destination_metrics(self._readings.destinations, self._sent(), self._now())
        yield from self._stored()
        caches = GaugeMetricFamily("kith_cache_entries", "Entries of caches in memory.", labels=["cache"])
        for name, size in self._sizes().items():
            caches.add_metric([name], size)
        yield caches
        for name, count in self._counts().items():
            yield CounterMetricFamily(f"kith_audit_{name}", AUDIT_COUNTS[name], count)

    def _writes(self) -> Iterator[Metric]:
        writer = self._graph.writer
        counters = writer.counters
        yield _gauge("kith_writes_waiting", "Commands that are accepted and not stored yet.", writer.waiting)
        yield _histogram("kith_write_group_size", "Commands that share one transaction.", counters.group_sizes)
        text = "Transactions repeated because writers conflicted or the rules had changed."
        retries = CounterMetricFamily("kith_write_retries", text, labels=["reason"])
        retries.add_metric(["conflict"], self._store.conflicts)
        retries.add_metric(["rules_changed"], counters.reloads)
        yield retries
        yield CounterMetricFamily(
            "kith_writes_overloaded", "Requests rejected because too many commands were waiting.", counters.overloaded
        )
        yield CounterMetricFamily(
            "kith_identifiers_without_consent",
            "Identifiers not taken up, because their namespace needs a consent that is not given at them.",
            counters.consent_required,
        )

    def _followers(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily("kith_connections", "Open connections of subscribers.", labels=["type"])
        for kind, count in self._connections().items():
            connections.add_metric([kind], count)
        yield connections
        broadcaster = self._graph.broadcaster
        yield _gauge("kith_subscriptions", "Subscriptions that are running.", broadcaster.subscribers)
        yield _gauge(
            "kith_subscription_lag_entries",
            "Entries of the feed that the slowest subscription has not received.",
            broadcaster.max_lag,
        )
        newest = self._readings.position
        if newest is not None:
            yield _gauge("kith_feed_position", "The number of the newest entry of the feed.", newest)
            seen = broadcaster.position
            lag = 0 if seen is None else max(newest - seen, 0)
            yield _gauge("kith_feed_lag_entries", "Entries of the feed that this process has not seen yet.", lag)

    def _workers(self) -> Iterator[Metric]:
        statistics, segments = self._graph.statistics, self._graph.segment_worker
        yield from _worker("kith_rfm", "calculation of RFM scores", statistics.counters)
        yield from _worker("kith_segments", "round of the segment worker", segments.counters)
        removed = "removed", "Statements removed or reduced"
        yield from _worker("kith_retention", "run of retention", self._graph.retention.counters, *removed)
        for name, what, at in (
            ("kith_rfm_calculated", "RFM scores in use were calculated", statistics.calculated_at),
            ("kith_prediction_fitted", "purchase models in use were fitted", statistics.fitted_at),
        ):
            if at is not None:
                yield _gauge(f"{name}_timestamp_seconds", f"When the {what}, by any process.", at / MICROSECONDS)
        if self._readings.due is not None:
            text = f"Customers that are due for segmentation, counted up to {MAX_DUE:,}."
            yield _gauge("kith_segments_due_customers", text, self._readings.due)

    def _refused(self) -> Iterator[Metric]:
        refused = self._graph.refused
        text = "Deliveries of records that were refused, by source and code of the problem."
        # Sources are those that connectors.toml declares: no sender chooses a label.
        deliveries = CounterMetricFamily("kith_refused_records", text, labels=["source", "code"])
        for labels, count in sorted(refused.deliveries.items()):
            deliveries.add_metric(labels, count)
        yield deliveries
        text = "Refused records deleted before their time, because their source had newer ones."
        yield CounterMetricFamily("kith_refused_records_displaced", text, refused.displaced)

    def _stored(self) -> Iterator[Metric]:
        if self._readings.identifiers is not None:
            yield _gauge("kith_store_identifiers", "Identifiers in the store.", self._readings.identifiers)
        if self._readings.bytes is not None:
            yield _gauge("kith_store_size_bytes", "Size of the store's files; SQLite only.", self._readings.bytes)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _histogram(name: str, text: str, sizes: SizeCounter) -> Metric:
    cumulative, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip([*map(str, SIZES), "+Inf"], sizes.buckets, strict=True):
        cumulative += count
        buckets.append((bound, cumulative))
    return HistogramMetricFamily(name, text, buckets, sizes.total)


def _worker(
    name: str, what: str, counters: WorkerCounters, unit: str = "customers", done: str = "Customers read"
) -> Iterator[Metric]:
    """Yield the metrics of a background worker of this process; `unit` and `done` name its items."""
    yield CounterMetricFamily(f"{name}_runs", f"Times that this process ended a {what}.", counters.rounds)
    yield CounterMetricFamily(f"{name}_failures", f"Times that a {what} failed.", counters.failures)
    yield CounterMetricFamily(f"{name}_{unit}", f"{done} by a {what}.", counters.items)
    yield _gauge(f"{name}_last_run_duration_seconds", f"Duration of the last {what}.", counters.last_seconds)
    if counters.last_at:
        at = counters.last_at / MICROSECONDS
        yield _gauge(f"{name}_last_run_timestamp_seconds", f"When this process ended the last {what}.", at)
