"""Custom audiences of Meta: Facebook, Instagram, and Messenger.

Members are hashed email addresses and phone numbers, or advertising ids, with hashed fields such as names.
Format as documented (https://developers.facebook.com/docs/marketing-api/reference/custom-audience/users), and as Meta's
own library writes it in tests; no vendor cloud was called.

Each member has an `EXTERN_ID`, the hash of its identifier, by which it is found again to remove it, whichever of its
fields Meta matched. Meta answers how many entries were invalid, with samples; changes take up to 24 hours.

Whole audiences are not replaced (`usersreplace`): until Meta has done so, it takes no removals.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import Field, StrictBool

from service.config.destinations_file import Secret
from service.destinations import customer_match
from service.destinations.adapter import DONE, AudienceRef, ExternalIds, MemberUpdate, Outcome, Status
from service.destinations.batches import BATCH_SIZE, again, in_requests, kind_of, never_pending, refused
from service.destinations.http import Answer, HttpClient, HttpSettings, Url
from service.destinations.meta_errors import LOGIN_STATUSES, AudienceBlocked, check, invalid_entries

BLOCKED_SECONDS = 3600.0
"""How long to wait for somebody who can change that Meta takes nothing for an audience."""

Kind = Literal["email", "hashed_email", "phone", "advertising_id"]
_COLUMNS: Mapping[Kind, str] = {"email": "EMAIL", "hashed_email": "EMAIL", "phone": "PHONE", "advertising_id": "MADID"}


class MetaCustomAudiencesSettings(HttpSettings):
    """The settings of an ad account at Meta."""

    type: Literal["meta-custom-audiences"]
    """The type of the destination."""
    access_token: Secret
    """An access token with the permission `ads_management`; that of a system user does not expire."""
    app_secret: Secret | None = None
    """The secret of the app, if it requires a proof of it in each request (`appsecret_proof`)."""
    ad_account: Annotated[str, Field(pattern=r"^\d{1,30}$")] | None = None
    """The number of the ad account, without `act_`. With it, erased people are removed from all its audiences."""
    api_version: Annotated[str, Field(pattern=r"^v\d{1,3}\.\d{1,3}$")] = "v25.0"
    """The version of the Graph API."""
    namespaces: Annotated[dict[str, Kind], Field(min_length=1)] = Field(
        default={"email": "email", "hashed_email": "hashed_email", "phone": "phone"}
    )
    """The namespaces whose identifiers are sent, and what they are: `email`, `hashed_email`, `phone` or
    `advertising_id`."""
    limited_data_use: StrictBool = False
    """Whether members are marked for Limited Data Use, Meta's option for states of the USA."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = BATCH_SIZE
    """The most members of a request."""
    url: Url = "https://graph.facebook.com"
    """The address of the API."""


class _Member(Struct, frozen=True):
    """A member as it is sent: its `EXTERN_ID`, and hashes by their columns."""

    id: str
    columns: dict[str, str]


class _Target(Struct, frozen=True):
    """Where members go together. Erased ones may be removed from all audiences."""

    present: bool
    audience: AudienceRef
    is_everywhere: bool = False


class MetaCustomAudiencesAdapter:
    """Sends members of audiences to Meta."""

    external_ids = ExternalIds("[0-9]+", "the number of the custom audience at Meta")

    def __init__(self, settings: MetaCustomAudiencesSettings) -> None:
        """Take over the settings; connections are made when sending."""
        self._settings = settings
        self.batch_size = settings.batch_size
        self.namespaces: frozenset[str] | None = frozenset(settings.namespaces)
        self._token = settings.access_token.get_secret_value()
        app = settings.app_secret.get_secret_value() if settings.app_secret else ""
        self._proof = hmac.digest(app.encode(), self._token.encode(), "sha256").hex() if app else ""
        self._http = HttpClient(settings.timeout_seconds, [secret for secret in (self._token, app) if secret])

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates in a request for each audience and direction."""
        return await in_requests(updates, self._prepare, self._target, self._deliver)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Nothing is pending: Meta does not say when it has processed a request."""
        return never_pending(updates)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    def _prepare(self, update: MemberUpdate) -> _Member | Outcome:
        """Return a member as it is sent. Raises `ValueError` with the reason why Meta would not take it."""
        kind = kind_of(update, self._settings.namespaces, self.external_ids)
        try:
            identifier = _identifier(kind, update.value)
        except ValueError as error:
            if update.present:
                raise ValueError(f"{update.namespace} {error}") from None
            return _Member(update.reference, {}) if update.reference else DONE
        id = customer_match.sha256(identifier) if kind == "advertising_id" else identifier
        columns = {_COLUMNS[kind]: identifier}
        return _Member(id, columns | customer_match.meta_fields(update.fields) if update.present else columns)

    def _target(self, update: MemberUpdate) -> _Target:
        is_everywhere = update.erased and not update.present and self._settings.ad_account is not None
        return _Target(update.present, update.audience, is_everywhere)

    async def _deliver(self, target: _Target, items: Sequence[tuple[MemberUpdate, _Member]]) -> list[Outcome]:
        method = "POST" if target.present else "DELETE"
        path = f"{target.audience.external_id}/users"
        if target.is_everywhere:
            path = f"act_{self._settings.ad_account}/usersofanyaudience"
        try:
            answer = await self._call(method, path, self._payload([member for _, member in items]))
            reason = check(answer)
        except AudienceBlocked as error:
            return [again(update, str(error), BLOCKED_SECONDS) for update, _ in items]
        if reason:
            return [refused(update, reason) for update, _ in items]
        return _outcomes(answer, items)

    def _payload(self, members: Sequence[_Member]) -> dict[str, Any]:
        """Return members as rows of a table; cells without a value are empty."""
        columns = _columns(members)
        schema = ["EXTERN_ID", *columns]
        data: list[list[Any]] = [
            [member.id, *(member.columns.get(column, "") for column in columns)] for member in members
        ]
        if self._settings.limited_data_use:
            schema.append("DATA_PROCESSING_OPTIONS")
            data = [[*row, ["LDU"]] for row in data]
        return {"schema": schema, "is_raw": True, "data": data}

    async def _call(self, method: str, path: str, payload: Mapping[str, Any]) -> Answer:
        form = {"payload": json.dumps(payload), "access_token": self._token}
        form |= {"appsecret_proof": self._proof} if self._proof else {}
        url = f"{self._settings.url.rstrip('/')}/{self._settings.api_version}/{path}"
        return await self._http.request(method, url, form=form, accept=LOGIN_STATUSES)


def _identifier(kind: Kind, value: str) -> str:
    match kind:
        case "email":
            return customer_match.sha256(customer_match.meta_email(value))
        case "hashed_email":
            return customer_match.email_hash(value)
        case "phone":
            return customer_match.sha256(customer_match.meta_phone(value))
        case "advertising_id":
            return customer_match.advertising_id(value)


def _columns(members: Sequence[_Member]) -> list[str]:
    used = set().union(*(member.columns for member in members))
    return [name for name in ("EMAIL", "PHONE", "MADID", *customer_match.META_FIELDS) if name in used]


def _outcomes(answer: Answer, items: Sequence[tuple[MemberUpdate, _Member]]) -> list[Outcome]:
    """Return what an answer means for each member. Meta counts invalid entries, and names some of them or all."""
    count, samples = invalid_entries(answer)
    # Advertising ids are sent as they are; fields are those of many.
    invalid = {member.id for _, member in items if not samples.isdisjoint((member.id, member.columns.get("MADID")))}
    if count >= len(items):
        invalid = {member.id for _, member in items}
    unnamed = f"{count} of {len(items)} entries of its request were invalid; Meta does not name all of them"
    message = unnamed if count > len(invalid) else ""
    return [
        refused(update, "an invalid entry")
        if member.id in invalid
        else Outcome(Status.DONE, message, member.id if update.present else "")
        for update, member in items
    ]
