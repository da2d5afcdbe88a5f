"""What adapters have in common that post messages about updates and changes to endpoints."""

from collections.abc import Callable, Sequence

from service.destinations.adapter import ChangeMessage, MemberUpdate, Outcome
from service.destinations.endpoints import Endpoint, Lane, deliver, lanes_of
from service.destinations.http import HttpClient
from service.destinations.messages import Message, Progress, change_message, member_message

BATCH = 200
"""Updates or changes that are taken at a time, where each is a request of its own."""


class EndpointAdapter:
    """Posts a message about each update or change to all endpoints. `lanes` says what is sent one after the other."""

    namespaces: frozenset[str] | None = None

    def __init__(
        self,
        client: HttpClient,
        endpoints: Sequence[Endpoint],
        concurrency: int,
        lanes: Callable[[Sequence[Message]], list[Lane]] = lanes_of,
        batch_size: int = BATCH,
    ) -> None:
        self._client, self._endpoints, self._concurrency, self._lanes = client, endpoints, concurrency, lanes
        self.batch_size = batch_size

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates: see `Adapter`."""
        pairs = [member_message(update) for update in updates]
        return await self._deliver([message for message, _ in pairs], [progress for _, progress in pairs])

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes, those of one customer in their order: see `ChangeAdapter`."""
        return await self._deliver(list(map(change_message, changes)), [Progress()] * len(changes))

    async def _deliver(self, messages: Sequence[Message], progress: Sequence[Progress]) -> list[Outcome]:
        lanes = self._lanes(messages)
        return await deliver(self._client, self._endpoints, messages, progress, lanes, self._concurrency)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send again: nothing is ever pending here."""
        return await self.send(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()
