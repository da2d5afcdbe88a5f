"""All destinations of a service: what is configured, and the senders while the service runs."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from graph.domain.model.audiences import DestinationInfo
from graph.domain.model.errors import InvalidInput
from graph.identity_graph import IdentityGraph
from graph.ports import Clock, NamedValues
from service.config import destinations_file
from service.config.destinations_file import DestinationSettings
from service.destinations.adapter import SEND_SECONDS, Adapter, ChangeAdapter, CheckedAdapter, ListAdapter, Unavailable
from service.destinations.change_sender import ChangeSender
from service.destinations.lease import Lease
from service.destinations.sender import Sender
from service.destinations.types import MODELS, TYPES


class Checked(Struct, frozen=True):
    """What was found out about a destination. Whether it can be reached is known only if it was `asked`."""

    name: str
    type: str
    asked: bool
    problem: str = ""


class Destinations:
    """The destinations of `destinations.toml`. Nothing connects before something is sent."""

    def __init__(self, settings: Sequence[DestinationSettings]) -> None:
        self._opened: list[tuple[DestinationSettings, Adapter]] = [(one, _open(one)) for one in settings]
        self.senders: list[Sender] = []

    @classmethod
    def read(cls, path: Path | None) -> "Destinations":
        """Return the destinations of a file; none without one. Raises `InvalidInput`."""
        return cls(destinations_file.read(path, MODELS))

    @property
    def infos(self) -> list[DestinationInfo]:
        """What audiences have to know of each."""
        return [
            DestinationInfo(
                settings.name,
                settings.type,
                adapter.namespaces,
                settings.changes,
                adapter.external_ids if isinstance(adapter, ListAdapter) else None,
                TYPES[settings.type].keeps_removed,
            )
            for settings, adapter in self._opened
        ]

    def sent(self) -> dict[str, tuple[int, int]]:
        """Return how many items each destination took from this process, and how many it did not take, by name."""
        return {sender.name: (sender.sent, sender.failed) for sender in self.senders}

    async def check(self) -> list["Checked"]:
        """Return for each destination whether it can be reached, as far as its type can tell without sending."""
        return [await _checked(settings, adapter) for settings, adapter in self._opened]

    async def run(self, graph: IdentityGraph, store: NamedValues, clock: Clock) -> None:
        """Send what is owed to each destination, until this is canceled."""
        self.senders = []
        for settings, adapter in self._opened:
            changes = None
            if settings.changes and isinstance(adapter, ChangeAdapter):
                changes = ChangeSender(graph, settings, adapter)
            lease = Lease(store, clock, settings.name)
            self.senders.append(Sender(graph, settings.name, adapter, lease, changes))
        async with asyncio.TaskGroup() as group:
            for sender in self.senders:
                group.create_task(sender.run())


def _open(settings: DestinationSettings) -> Adapter:
    adapter = TYPES[settings.type].open(settings)
    if settings.changes and not isinstance(adapter, ChangeAdapter):
        message = f"destination {settings.name}: destinations of type {settings.type} take no changes"
        raise InvalidInput("INVALID_SETTING", f"{destinations_file.SETTING}: {message}, so `changes` must be false")
    return adapter


async def _checked(settings: DestinationSettings, adapter: Adapter) -> Checked:
    if not isinstance(adapter, CheckedAdapter):
        return Checked(settings.name, settings.type, asked=False)
    problem = ""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await adapter.check()
    except Unavailable as error:
        problem = error.message
    except TimeoutError:
        problem = f"no answer within {SEND_SECONDS} seconds"
    finally:
        await adapter.close()
    return Checked(settings.name, settings.type, asked=True, problem=problem)
