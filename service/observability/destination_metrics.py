"""The metrics of destinations, from what the store says of each and what this process has sent."""

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from graph.commands.audiences import DestinationReading

MAX_COUNTED = 1_000
"""The number up to which deliveries and changes of a destination are counted: scraping stays cheap in a backlog."""
MICROSECONDS = 1_000_000


def destination_metrics(
    readings: Sequence[DestinationReading], sent: Mapping[str, tuple[int, int]], now: int
) -> Iterator[Metric]:
    """Yield the metrics of destinations.

    `sent` has the numbers of items that each destination took from this process and did not take, by name; `now` is in
    microseconds.
    """
    if not readings and not sent:
        return
    up = _gauge("up", "1 if the destination takes what it is sent, as of the last attempt of any process.")
    login = _gauge("login_required", "1 if the destination refuses the credentials.")
    paused = _gauge("paused", "1 if somebody has paused the destination.")
    lag = _gauge("lag_seconds", "How long the delivery that is due longest has been due; 0 if none is.")
    last = _gauge("last_sent_timestamp_seconds", "When the destination took something last, from any process.")
    deliveries = GaugeMetricFamily(
        "kith_destination_deliveries",
        f"Deliveries that are owed, pending or dead, counted up to {MAX_COUNTED:,} each.",
        labels=["destination", "status"],
    )
    changes = GaugeMetricFamily(
        "kith_destination_changes",
        f"Changes that wait to be sent again or are dead, counted up to {MAX_COUNTED:,} in all.",
        labels=["destination", "status"],
    )
    unread = _gauge("unread_changes", "Entries of the feed that the destination has not been sent.")
    for one in readings:
        labels = [one.name]
        up.add_metric(labels, int(not one.state.problem))
        login.add_metric(labels, int(bool(one.state.problem) and one.state.login))
        paused.add_metric(labels, int(one.paused))
        since = now if one.due_since is None else one.due_since
        lag.add_metric(labels, max(now - since, 0) / MICROSECONDS)
        if one.state.last_sent_at is not None:
            last.add_metric(labels, one.state.last_sent_at / MICROSECONDS)
        for status, count in one.counts.items():
            deliveries.add_metric([one.name, status.value], count)
        if one.unread_changes is not None:
            changes.add_metric([one.name, "waiting"], one.waiting)
            changes.add_metric([one.name, "dead"], one.dead_changes)
            unread.add_metric(labels, one.unread_changes)
    yield from (up, login, paused, lag, last, deliveries, changes, unread)
    taken = _counter("sent", "Items that the destination took from this process.")
    failed = _counter("failed", "Items that the destination did not take from this process.")
    for name, (count, not_taken) in sorted(sent.items()):
        taken.add_metric([name], count)
        failed.add_metric([name], not_taken)
    yield from (taken, failed)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"kith_destination_{name}", text, labels=["destination"])


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"kith_destination_{name}", text, labels=["destination"])
