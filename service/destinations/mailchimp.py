"""Mailchimp: members of an audience (a list), or of a tag in it.

Format as documented for the Marketing API 3.0 (mailchimp.com/developer/marketing/api/list-members/), and as Mailchimp's
own client `mailchimp-marketing` 3.0.80 sends it; no vendor cloud was called.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, model_validator

from service.config.destinations_file import Secret
from service.destinations.adapter import DONE, ExternalIds, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.answer_texts import hidden
from service.destinations.attempts import Batch, Item, by_address, json_object, json_objects
from service.destinations.field_values import text
from service.destinations.http import Answer, HttpClient, HttpSettings, Url

MAX_CONNECTIONS = 10
"""At the same time, of all clients of an account together; more are answered with 429."""
GONE = (404,)
NOT_SUBSCRIBED = ("unsubscribed", "cleaned")


class MailchimpSettings(HttpSettings):
    """The settings of an account of Mailchimp."""

    type: Literal["mailchimp"]
    """The type of the destination."""
    api_key: Secret
    """An API key of the account."""
    server: Annotated[str, Field(pattern=r"^([a-z]{2}\d{1,3})?$")] = ""
    """The data center of the account, such as `us21`; without it, the end of the API key."""
    url: Url | None = None
    """The address of the API with its version, if it is not `https://SERVER.api.mailchimp.com/3.0`."""
    status_if_new: Literal["subscribed", "pending", "transactional"] = "subscribed"
    """The status of a member that Mailchimp does not have yet; `pending` sends an email that asks for confirmation."""
    concurrency: Annotated[int, Field(ge=1, le=MAX_CONNECTIONS)] = 5
    """How many requests are sent at the same time; Mailchimp allows 10 to all clients of an account together."""

    @model_validator(mode="after")
    def _has_server(self) -> "MailchimpSettings":
        if not self.url and not self._data_center:
            raise ValueError(
                "server is missing: the data center, such as us21, which is in the address of Mailchimp's pages"
            )
        return self

    @property
    def _data_center(self) -> str:
        return self.server or self.api_key.get_secret_value().rpartition("-")[2] * (
            "-" in self.api_key.get_secret_value()
        )

    @property
    def base_url(self) -> str:
        """The address of the API."""
        return (self.url or f"https://{self._data_center}.api.mailchimp.com/3.0").rstrip("/")


class MailchimpAdapter:
    """Upserts members, and archives them or ends their tag; an erased one is deleted permanently.

    The `external_id` of an audience is the id of Mailchimp's audience, or that with a tag: `ID/TAG`. A member who
    unsubscribed at Mailchimp stays unsubscribed.
    """

    batch_size = 50
    namespaces: frozenset[str] | None = frozenset({"email"})
    external_ids = ExternalIds("[^/]+(/.+)?", "the id of an audience of Mailchimp, or ID/TAG")

    def __init__(self, settings: MailchimpSettings) -> None:
        key = settings.api_key.get_secret_value()
        login = base64.b64encode(f"kith:{key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._settings = settings
        self._client = HttpClient(settings.timeout_seconds, (key, login), settings.concurrency)

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send each update by requests of its own."""
        batch = Batch(updates)
        await batch.each(by_address(batch.items), self._send, self._settings.concurrency)
        return batch.outcomes()

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending at Mailchimp: send again."""
        return await self.send(updates)

    async def check(self) -> None:
        """Ask whether the API key is valid. Raises `Unavailable`."""
        answer = await self._client.request("GET", f"{self._settings.base_url}/ping", headers=self._headers)
        if not answer.is_success:
            raise Unavailable(answer.message())

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _send(self, item: Item) -> Outcome:
        update = item.update
        if problem := self.external_ids.problem(update.audience.external_id):
            return Outcome(Status.DEAD, problem)
        list_id, _, tag = update.audience.external_id.partition("/")
        member = f"/lists/{quote(list_id, safe='')}/members/{_hash(update.value)}"
        if update.erased:
            return self._gone(await self._request("POST", f"{member}/actions/delete-permanent", item), item)
        if not update.present:
            return await self._remove(member, tag, item)
        return await self._add(member, tag, item)

    async def _add(self, member: str, tag: str, item: Item) -> Outcome:
        body: dict[str, Any] = {"email_address": item.update.value, "status_if_new": self._settings.status_if_new}
        if item.update.fields:
            body["merge_fields"] = {name: text(value) for name, value in item.update.fields.items()}
        # Fields that Mailchimp requires may be among those that are not sent.
        answer = await self._request("PUT", member, item, body, {"skip_merge_validation": "true"})
        if not answer.is_success:
            return _refused(answer, item)
        status = json_object(answer).get("status")
        if status == "archived":
            # `status_if_new` leaves an archived member archived. Mailchimp refuses this for one who unsubscribed.
            answer = await self._request("PATCH", member, item, {"status": self._settings.status_if_new})
            if not answer.is_success:
                return _refused(answer, item)
            status = json_object(answer).get("status")
        if status in NOT_SUBSCRIBED:
            return Outcome(Status.DEAD, f"the member is {status} at Mailchimp, and stays so")
        if tag and tag not in [shown.get("name") for shown in json_objects(json_object(answer).get("tags"))]:
            answer = await self._tag(member, tag, "active", item)
            if not answer.is_success:
                return _refused(answer, item)
        return DONE

    async def _remove(self, member: str, tag: str, item: Item) -> Outcome:
        if tag:
            return self._gone(await self._tag(member, tag, "inactive", item), item)
        answer = await self._request("DELETE", member, item)
        if answer.status != 405:
            return self._gone(answer, item)
        # A member that is archived already cannot be archived.
        found = await self._request("GET", member, item, query={"fields": "status"})
        is_gone = found.status in GONE or (found.is_success and json_object(found).get("status") == "archived")
        return DONE if is_gone else _refused(answer, item)

    def _gone(self, answer: Answer, item: Item) -> Outcome:
        return DONE if answer.is_success or answer.status in GONE else _refused(answer, item)

    async def _tag(self, member: str, tag: str, status: str, item: Item) -> Answer:
        return await self._request("POST", f"{member}/tags", item, {"tags": [{"name": tag, "status": status}]})

    async def _request(
        self,
        method: str,
        path: str,
        item: Item,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        answer = await self._client.request(
            method,
            self._settings.base_url + path,
            json=body,
            query=query,
            headers=self._headers,
            accept=(403,),
            private=item.private,
        )
        if answer.status == 403:
            # Without a problem document it is not the login: Mailchimp slows down clients this way, too.
            is_login = "json" in answer.headers.get("content-type", "")
            raise Unavailable(answer.message(item.private), answer.retry_after, login=is_login)
        return answer


def _hash(address: str) -> str:
    """What Mailchimp calls a member: the MD5 of the address in lower case."""
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def _refused(answer: Answer, item: Item) -> Outcome:
    """What Mailchimp's problem document says: the title, the detail, and each field that is wrong."""
    problem = json_object(answer) if "json" in answer.headers.get("content-type", "") else {}
    said = [str(problem.get(key)) for key in ("title", "detail") if problem.get(key)]
    said += [f"{error.get('field')}: {error.get('message')}" for error in json_objects(problem.get("errors"))]
    return Outcome(Status.DEAD, hidden(f"{answer.status} {'; '.join(said)}".strip(), item.private))
