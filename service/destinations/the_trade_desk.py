"""First-party segments of The Trade Desk: anonymous audiences of its cookies and of advertising ids, with expiry.

Format as in the vendor's Data API, which its own library reads in tests; no vendor cloud was called:
https://open.thetradedesk.com/advertiser/docsApp/GuidesAdvertiser/data/doc/post-data-advertiser-firstparty. The cookies
are those of The Trade Desk (TDID), which a cookie sync brings to Kith; your own cookies mean nothing to it.

A membership ends by itself after at most 180 days, and at once if it is sent with 0 minutes. Erased ids are deleted by
a request of data subjects, which takes the id from everything that the advertiser has sent.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import Field

from service.config.destinations_file import Secret
from service.destinations.adapter import DONE, ExternalIds, MemberUpdate, Outcome
from service.destinations.anonymous_ids import Namespaces, anonymous_id
from service.destinations.answer_texts import hidden
from service.destinations.batches import BATCH_SIZE, again, in_requests, kind_of, never_pending, refused
from service.destinations.http import HttpClient, HttpSettings, Url

MINUTES_OF_DAY = 1_440
MAX_DAYS = 180

_RETRYABLE = frozenset({"Unknown", "TargetingDataCreationLimitExceeded"})
_NOT_THERE = frozenset({"UserNotMapped"})
"""The Trade Desk does not know the id, so it is in no segment."""


class TheTradeDeskSettings(HttpSettings):
    """The settings of an advertiser at The Trade Desk."""

    type: Literal["the-trade-desk"]
    """The type of the destination."""
    token: Secret
    """A token of the Data API (`TTD-Auth`)."""
    advertiser_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,50}$")]
    """The id of the advertiser."""
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = MAX_DAYS
    """How many days a membership lasts if the audience sets no end (`ttlDays`)."""
    namespaces: Namespaces = Field(default={"device": "dpid"})
    """The namespaces whose ids are sent: `cookie` for those with cookies of The Trade Desk (TDID), one of the types of
    advertising ids for those with ids of devices (DAID)."""
    batch_size: Annotated[int, Field(ge=1, le=5_000)] = BATCH_SIZE
    """The most ids of a request."""
    url: Url = "https://usw-data.adsrvr.org"
    """The address of the data server of your region."""


class _Item(Struct, frozen=True):
    """An id under the name that the vendor gives it, and for how many minutes it is in a segment."""

    id: dict[str, str]
    segment: str
    minutes: int


class TheTradeDeskAdapter:
    """Sends memberships to segments of one advertiser. `now` returns the time in seconds."""

    external_ids = ExternalIds(".+", "the name of the segment at The Trade Desk")

    def __init__(self, settings: TheTradeDeskSettings, now: Callable[[], float] = time.time) -> None:
        """Take over the settings; connections are made when sending."""
        self._settings, self._now = settings, now
        self.batch_size = settings.batch_size
        self.namespaces: frozenset[str] | None = frozenset(settings.namespaces)
        token = settings.token.get_secret_value()
        self._headers = {"TTD-Auth": token}
        self._http = HttpClient(settings.timeout_seconds, [token])

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates of all audiences: removals, erasures, and additions in requests of their own."""
        return await in_requests(
            updates,
            self._prepare,
            lambda update: (update.present, update.erased and not update.present),
            self._deliver,
        )

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending: what was taken is not reported on later."""
        return never_pending(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    def _prepare(self, update: MemberUpdate) -> _Item:
        """Return an item as it is sent. Raises `ValueError` with the reason why the vendor would not take it."""
        type = kind_of(update, self._settings.namespaces, self.external_ids)
        try:
            # Its cookies have the form of advertising ids.
            id = anonymous_id("dpid", update.value)
        except ValueError as error:
            raise ValueError(f"{update.namespace} {error}") from None
        return _Item({"TDID" if type == "cookie" else "DAID": id}, update.audience.external_id, self._minutes(update))

    def _minutes(self, update: MemberUpdate) -> int:
        """For how long the id is in the segment from now on; 0 removes it."""
        if not update.present:
            return 0
        minutes = self._settings.days * MINUTES_OF_DAY
        if update.expires_at is not None:
            minutes = min(math.ceil((update.expires_at / 1e6 - self._now()) / 60), MAX_DAYS * MINUTES_OF_DAY)
        return max(minutes, 0)

    async def _deliver(self, group: tuple[bool, bool], items: Sequence[tuple[MemberUpdate, _Item]]) -> list[Outcome]:
        _, is_erasure = group
        body: dict[str, Any] = {"AdvertiserId": self._settings.advertiser_id}
        if is_erasure:
            path, body = "deletion-optout/advertiser", body | {"RequestType": "Deletion"}
            body["Items"] = [item.id for _, item in items]
        else:
            path = "advertiser"
            body["Items"] = [
                item.id | {"Data": [{"Name": item.segment, "TtlInMinutes": item.minutes}]} for _, item in items
            ]
        url = f"{self._settings.url.rstrip('/')}/data/{path}"
        answer = await self._http.request("POST", url, json=body, headers=self._headers)
        failed = _failed_lines(answer.body)
        if not answer.is_success and not failed:
            reason = answer.message()
            return [refused(update, reason) for update, _ in items]
        rest = DONE if answer.is_success else None
        return [_outcome(update, failed.get(number), rest) for number, (update, _) in enumerate(items, 1)]


def _outcome(update: MemberUpdate, line: Mapping[str, Any] | None, rest: Outcome | None) -> Outcome:
    """Return what became of an item; `rest` is what became of those without a line, `None` if nothing was taken."""
    if line is None:
        return rest or again(update, "others of its request were refused", 0)
    code = str(line.get("ErrorCode") or "Unknown")
    if code in _NOT_THERE and not update.present:
        return DONE
    message = hidden(f"{code}: {line.get('Message') or ''}".rstrip(": "))
    return again(update, message) if code in _RETRYABLE else refused(update, message)


def _failed_lines(body: bytes) -> dict[int, Mapping[str, Any]]:
    """Return the lines of an answer about items that failed, by the number of the item, from 1."""
    try:
        received = json.loads(body)
    except ValueError:
        return {}
    lines = received.get("FailedLines") if isinstance(received, dict) else None
    return {
        int(line["ItemNumber"]): line
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, dict) and str(line.get("ItemNumber", "")).isdecimal()
    }
