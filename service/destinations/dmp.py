"""Data management platforms: anonymous audiences of cookies and advertising ids, each membership until it expires.

The platform receives lines of JSON or CSV over HTTPS, one for each membership. A line has the id, its type, the
segment, what to do, and when it expires, and nothing else: no customer, no field, no other id of the person. Platforms
have formats of their own; this one is for those that read it, or for what translates it.
"""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.adapter import DONE, ExternalIds, MemberUpdate, Outcome
from service.destinations.anonymous_ids import Namespaces, anonymous_id
from service.destinations.answer_texts import hidden
from service.destinations.batches import BATCH_SIZE, again, in_requests, kind_of, never_pending, refused
from service.destinations.http import HttpClient, HttpSettings, Url

CONTENT_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


class DmpSettings(HttpSettings):
    """The settings of a platform."""

    type: Literal["dmp"]
    """The type of the destination."""
    url: Url
    """The address that receives the lines."""
    token: Secret | None = None
    """A bearer token."""
    format: Literal["ndjson", "csv"] = "ndjson"
    """The format of the lines."""
    namespaces: Namespaces = Field(default={"cookie": "cookie", "device": "dpid"})
    """The namespaces whose ids are sent, and the type of the ids: `cookie`, or one of IAB Tech Lab's advertising
    ids (`aaid`, `idfa`, `afai`, `rida`, `tifa`, `msai`, `vida`, `lgudid`, `dpid`)."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = BATCH_SIZE
    """The most lines of a request."""


class Membership(Struct, frozen=True):
    """A line: what leaves Kith of a member."""

    id_type: str
    id: str
    segment: str
    action: Literal["add", "remove", "erase"]
    expires_at: str


class DmpAdapter:
    """Sends memberships to one platform."""

    external_ids = ExternalIds(".+", "the segment of the platform")

    def __init__(self, settings: DmpSettings) -> None:
        """Take over the settings; connections are made when sending."""
        self._settings = settings
        self.batch_size = settings.batch_size
        self.namespaces: frozenset[str] | None = frozenset(settings.namespaces)
        token = settings.token.get_secret_value() if settings.token else ""
        self._headers = {"Content-Type": CONTENT_TYPES[settings.format]}
        self._headers |= {"Authorization": f"Bearer {token}"} if token else {}
        self._http = HttpClient(settings.timeout_seconds, [token] if token else [])

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates of all audiences, the removals in a request of their own."""
        return await in_requests(updates, self._prepare, lambda update: update.present, self._deliver)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending: a platform answers at once."""
        return never_pending(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    def _prepare(self, update: MemberUpdate) -> Membership:
        """Return the line of an update. Raises `ValueError` with the reason why it may not leave Kith."""
        type = kind_of(update, self._settings.namespaces, self.external_ids)
        try:
            id = anonymous_id(type, update.value)
        except ValueError as error:
            raise ValueError(f"{update.namespace} {error}") from None
        action: Literal["add", "remove", "erase"] = "add" if update.present else "erase" if update.erased else "remove"
        return Membership(type, id, update.audience.external_id, action, _time(update.expires_at))

    async def _deliver(self, present: bool, items: Sequence[tuple[MemberUpdate, Membership]]) -> list[Outcome]:
        body = _body(self._settings.format, [line for _, line in items])
        answer = await self._http.request("POST", self._settings.url, content=body, headers=self._headers)
        rejected = _rejected(answer.body)
        if not answer.is_success and not rejected:
            reason = answer.message([line.id for _, line in items[:1]])
            return [refused(update, reason) for update, _ in items]
        return [
            refused(update, rejected[number])
            if number in rejected
            else DONE
            if answer.is_success
            else again(update, "others of its request were refused", 0)
            for number, (update, _) in enumerate(items, 1)
        ]


def _body(format: str, lines: Sequence[Membership]) -> bytes:
    rows = [{name: getattr(line, name) for name in Membership.__struct_fields__} for line in lines]
    if format == "ndjson":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    text = io.StringIO()
    table = csv.DictWriter(text, Membership.__struct_fields__, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def _rejected(body: bytes) -> dict[int, str]:
    """Return the lines that a platform refuses, by their numbers from 1 without the header, with the reason."""
    try:
        received: Any = json.loads(body)
    except ValueError:
        return {}
    lines = received.get("rejected") if isinstance(received, dict) else None
    return {
        line["line"]: hidden(str(line.get("reason") or "refused"))
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, dict) and isinstance(line.get("line"), int)
    }


def _time(microseconds: int | None) -> str:
    """Return a time in UTC, an empty text for one that never comes."""
    if microseconds is None:
        return ""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
