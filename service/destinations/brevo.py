"""Brevo: contacts in a list.

Format as documented for the API v3 (developers.brevo.com/reference/create-contact and remove-contact-from-list), and as
Brevo's own client `brevo-python` 5.1.0 sends it; no vendor cloud was called.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.adapter import DONE, ExternalIds, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.attempts import Batch, Item, by_address
from service.destinations.field_values import flat
from service.destinations.http import Answer, HttpClient, HttpSettings, Url, retry_after

MAX_REMOVED = 150
"""Addresses that a list can be asked to remove at once."""
ID_TYPES = {"email": "email_id", "phone": "phone_id"}
"""What Brevo calls the identifiers of a contact, by namespace."""


class BrevoSettings(HttpSettings):
    """The settings of an account of Brevo."""

    type: Literal["brevo"]
    """The type of the destination."""
    api_key: Secret
    """An API key of the account."""
    url: Url = "https://api.brevo.com/v3"
    """The address of the API."""
    concurrency: Annotated[int, Field(ge=1, le=20)] = 5
    """How many requests are sent at the same time."""


class BrevoAdapter:
    """Upserts contacts into a list and removes them from it; an erased one is deleted.

    The `external_id` of an audience is the number of a list. Who is blocklisted at Brevo stays so.
    """

    batch_size = 50
    namespaces: frozenset[str] | None = frozenset(ID_TYPES)
    external_ids = ExternalIds("[0-9]+", "the number of a list of Brevo")

    def __init__(self, settings: BrevoSettings) -> None:
        key = settings.api_key.get_secret_value()
        self._headers = {"api-key": key, "Accept": "application/json"}
        self._url = settings.url.rstrip("/")
        self._concurrency = settings.concurrency
        self._client = HttpClient(settings.timeout_seconds, (key,), settings.concurrency)

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Remove email addresses together and at first, then send each other update by a request of its own."""
        batch = Batch(updates)
        for item in batch.items:
            problem = self.external_ids.problem(item.update.audience.external_id)
            if problem and not item.update.erased:
                item.outcome = Outcome(Status.DEAD, problem)
        removed: dict[str, list[Item]] = {}
        for item in batch.items:
            if item.is_open and not item.update.present and not item.update.erased and item.update.namespace == "email":
                removed.setdefault(item.update.audience.external_id, []).append(item)
        for list_id, items in removed.items():
            for start in range(0, len(items), MAX_REMOVED):
                await self._remove(batch, list_id, items[start : start + MAX_REMOVED])
        others = by_address(item for item in batch.items if item.is_open)
        await batch.each(others, self._send, self._concurrency)
        return batch.outcomes()

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending at Brevo: send again."""
        return await self.send(updates)

    async def check(self) -> None:
        """Ask whose account the API key is for. Raises `Unavailable`."""
        answer = await self._request("GET", "/account", ())
        if not answer.is_success:
            raise Unavailable(answer.message())

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _remove(self, batch: Batch, list_id: str, items: Sequence[Item]) -> None:
        """Remove addresses from a list; if Brevo refuses that, find by smaller requests which of them is at fault."""
        private = [value for item in items for value in item.private]
        refused: list[Answer] = []

        async def request() -> None:
            body = {"emails": [item.update.value for item in items]}
            answer = await self._request("POST", f"/contacts/lists/{list_id}/contacts/remove", private, body)
            # Those that it could not remove, which `contacts.failure` names, are unknown or not in the list.
            if answer.is_success or answer.status == 404 or _are_gone(answer):
                for item in items:
                    item.outcome = DONE
            elif len(items) == 1:
                items[0].outcome = answer.outcome(private)
            else:
                refused.append(answer)

        await batch.attempt(items, request)
        if refused:
            half = len(items) // 2
            await self._remove(batch, list_id, items[:half])
            await self._remove(batch, list_id, items[half:])

    async def _send(self, item: Item) -> Outcome:
        update = item.update
        contact = f"/contacts/{quote(update.value, safe='')}"
        query = {"identifierType": ID_TYPES[update.namespace]}
        if update.erased:
            answer = await self._request("DELETE", contact, item.private, query=query)
        elif not update.present:
            body: dict[str, Any] = {"unlinkListIds": [int(update.audience.external_id)]}
            answer = await self._request("PUT", contact, item.private, body, query)
        else:
            return (await self._request("POST", "/contacts", item.private, _contact(update))).outcome(item.private)
        return DONE if answer.status == 404 else answer.outcome(item.private)

    async def _request(
        self,
        method: str,
        path: str,
        private: Sequence[str],
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        answer = await self._client.request(
            method,
            self._url + path,
            json=body,
            query=query,
            headers=self._headers,
            accept=(429,),
            private=private,
        )
        if answer.status == 429:
            # Brevo has a header of its own for the seconds until it takes requests again.
            seconds = retry_after(answer.headers.get("x-sib-ratelimit-reset", ""), 0)
            raise Unavailable(answer.message(private), answer.retry_after or seconds)
        return answer


def _contact(update: MemberUpdate) -> dict[str, Any]:
    """The contact as `POST /contacts` takes it."""
    attributes = {name: "" if value is None else _attribute(value) for name, value in update.fields.items()}
    contact: dict[str, Any] = {"listIds": [int(update.audience.external_id)], "updateEnabled": True}
    if update.namespace == "email":
        contact["email"] = update.value
    else:
        attributes["SMS"] = update.value
    if attributes:
        contact["attributes"] = attributes
    return contact


def _attribute(value: Any) -> Any:
    """A value as Brevo takes it: as it is, a list of choices, too, but no parts."""
    return value if isinstance(value, list | tuple) else flat(value)


def _are_gone(answer: Answer) -> bool:
    """Whether a list had none of the addresses, which Brevo calls an error."""
    return answer.status == 400 and b"already removed from list" in answer.body
