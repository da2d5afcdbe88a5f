"""The metrics of several workers in one answer: whichever is asked collects those of the others.

Each series gets the label `worker`. Without it a worker that is replaced would make a sum of counters fall, which
Prometheus takes for a restart of the whole.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

LABEL = "worker"

_Series = tuple[str, dict[str, str], float]
_Family = tuple[str, str, str, str, list[_Series]]
_decoder = msgspec.msgpack.Decoder(list[_Family])


def encoded(families: Iterable[Metric]) -> bytes:
    """Return metrics as they are sent to another worker."""
    return msgspec.msgpack.encode(
        [(one.name, one.documentation, one.type, one.unit, [series[:3] for series in one.samples]) for one in families]
    )


def decoded(message: bytes) -> Iterator[Metric]:
    """Yield the metrics that another worker has sent."""
    for name, documentation, kind, unit, series in _decoder.decode(message):
        family = Metric(name, documentation, kind, unit)
        family.samples = [Sample(*sample) for sample in series]
        yield family


class AllWorkers(Collector):
    """The metrics of workers by their numbers; one family of each name, as the format requires."""

    def __init__(self, by_worker: Mapping[int, Iterable[Metric]]) -> None:
        self._families: dict[str, Metric] = {}
        for number, families in sorted(by_worker.items()):
            for family in families:
                merged = self._families.get(family.name)
                if merged is None:
                    merged = Metric(family.name, family.documentation, family.type, family.unit)
                    self._families[family.name] = merged
                merged.samples += [
                    sample._replace(labels={**sample.labels, LABEL: str(number)}) for sample in family.samples
                ]

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._families.values()
