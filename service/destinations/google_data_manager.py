"""Audiences of Google Ads and Display & Video 360, through the Data Manager API.

Members are hashed email addresses and phone numbers, with the postal address if it is complete, or advertising ids of
phones. Format as documented (https://developers.google.com/data-manager/api/reference/rest/v1), and as Google's own
library reads it in tests; no vendor cloud was called.

Google takes a request as a whole or not at all, answers with its id, and processes it later: `poll` asks. That answer
counts the records that failed and does not name them. The API cannot delete a person: those who are erased are removed
from the audience like others.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct
from pydantic import Field, StrictBool

from service.config.destinations_file import Secret
from service.destinations import customer_match
from service.destinations.adapter import AudienceRef, ExternalIds, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.batches import BATCH_SIZE, again, in_requests, kind_of, refused
from service.destinations.google_errors import failed_records, refusal, refused_members
from service.destinations.google_login import ServiceAccount
from service.destinations.http import HttpClient, HttpSettings, Url

MAX_ADDRESSES = 3
"""Postal addresses that are kept of a member: those that were sent last. Google takes ten identifiers of a member."""
SCOPE = "https://www.googleapis.com/auth/datamanager"

AccountId = Annotated[str, Field(pattern=r"^\d{1,20}$")]
AccountType = Literal["GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER"]
Kind = Literal["email", "phone", "advertising_id"]


class GoogleDataManagerSettings(HttpSettings):
    """The settings of an account at Google."""

    type: Literal["google-data-manager"]
    """The type of the destination."""
    credentials: Secret
    """The key of a service account, a JSON object as Google's console saves it."""
    operating_account: AccountId
    """The number of the account whose audiences are kept, without hyphens."""
    account_type: AccountType = "GOOGLE_ADS"
    """The product of `operating_account`."""
    login_account: AccountId | None = None
    """The number of the manager account through which the service account has access, if there is one."""
    login_account_type: AccountType = "GOOGLE_ADS"
    """The product of `login_account`."""
    customer_match_terms_accepted: StrictBool = False
    """Whether you accept Google's terms of Customer Match; Google requires it."""
    namespaces: Annotated[dict[str, Kind], Field(min_length=1)] = Field(default={"email": "email", "phone": "phone"})
    """The namespaces whose identifiers are sent, and what they are: `email`, `phone` or `advertising_id`."""
    ad_user_data_purposes: list[str] | None = None
    """The purposes of audiences whose members consent to Google's use of their data (`adUserData`); all without it."""
    ad_personalization_purposes: list[str] | None = None
    """The purposes of audiences whose members consent to personalized ads (`adPersonalization`); all without it."""
    validate_only: StrictBool = False
    """Whether Google only checks requests and keeps nothing."""
    poll_seconds: Annotated[float, Field(ge=1, le=86_400)] = 1800
    """After how many seconds Google is asked what became of a request."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = BATCH_SIZE
    """The most members of a request."""
    url: Url = "https://datamanager.googleapis.com"
    """The address of the API."""


class _Told(Struct, frozen=True, omit_defaults=True):
    """What Google was told of a member, and the request that is pending: the reference of an outcome.

    A member is found by each of its identifiers, so all that were ever sent are needed to remove it.
    """

    id: str = ""
    addresses: tuple[dict[str, str], ...] = ()
    request: str = ""


class _Member(Struct, frozen=True):
    """A member as it is sent, and what Google has been told of it by then."""

    data: dict[str, Any]
    told: _Told


class GoogleDataManagerAdapter:
    """Sends members of audiences to one account at Google."""

    external_ids = ExternalIds("[0-9]+", "the number of the audience at Google")

    def __init__(self, settings: GoogleDataManagerSettings) -> None:
        """Read the credentials; raises `InvalidInput`. Connections are made when sending."""
        self._settings = settings
        self.batch_size = settings.batch_size
        self.namespaces: frozenset[str] | None = frozenset(settings.namespaces)
        key = settings.credentials.get_secret_value()
        self._account = ServiceAccount(settings.name, key, SCOPE, settings.allow_http)
        self._http = HttpClient(settings.timeout_seconds, [key, self._account.private_key])

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates in a request for each audience, kind of member, and direction; the outcomes are pending."""
        return await in_requests(updates, self._prepare, self._group, self._deliver)

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Ask once for each request what became of it, as far as there is time."""

        def request_of(update: MemberUpdate) -> _Told | Outcome:
            told = _told(update)
            return told if told.request else again(update, "the request is not known")

        return await in_requests(updates, request_of, lambda update: _told(update).request, self._ask, Status.PENDING)

    async def check(self) -> None:
        """Ask for an access token. Raises `Unavailable`."""
        await self._account.token(self._http)

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    def _prepare(self, update: MemberUpdate) -> _Member | Outcome:
        """Return a member as it is sent. Raises `ValueError` with the reason why Google would not take it."""
        kind = kind_of(update, self._settings.namespaces, self.external_ids)
        told = _told(update)
        try:
            id = _identifier(kind, update.value)
        except ValueError as error:
            if update.present:
                raise ValueError(f"{update.namespace} {error}") from None
            id = told.id
            if not id:
                # It was never sent.
                return Outcome(Status.DONE)
        if not update.present:
            # An older version may have told another one.
            ids = dict.fromkeys([id, told.id] if told.id else [id])
            return _Member(_data(kind, list(ids), told.addresses), _Told(id, told.addresses))
        address = customer_match.google_address(update.fields)
        sent = (address,) if address and kind != "advertising_id" else ()
        kept = (*(known for known in told.addresses if known != address), *sent)
        return _Member(_data(kind, [id], sent), _Told(id, kept[-MAX_ADDRESSES:]))

    def _group(self, update: MemberUpdate) -> tuple[bool, AudienceRef, bool]:
        # A request has members of one kind.
        return update.present, update.audience, self._settings.namespaces.get(update.namespace) == "advertising_id"

    async def _deliver(
        self, group: tuple[bool, AudienceRef, bool], items: Sequence[tuple[MemberUpdate, _Member]]
    ) -> list[Outcome]:
        present, audience, _ = group
        body = self._body(present, audience, [member.data for _, member in items])
        answer = await self._call("POST", f"audienceMembers:{'ingest' if present else 'remove'}", body)
        if answer.is_success:
            if self._settings.validate_only:
                return [Outcome(Status.DONE, "validated only", update.reference) for update, _ in items]
            received = answer.json()
            request = str(received.get("requestId", "")) if isinstance(received, dict) else ""
            if not request:
                raise Unavailable("the answer has no requestId")
            wait = self._settings.poll_seconds
            return [
                Outcome(Status.PENDING, "", _reference(msgspec.structs.replace(member.told, request=request)), wait)
                for _, member in items
            ]
        if not (wrong := refused_members(answer)):
            reason = refusal(answer)
            return [refused(update, reason) for update, _ in items]
        return [
            refused(update, wrong[place]) if place in wrong else again(update, "others of its request were refused", 0)
            for place, (update, _) in enumerate(items)
        ]

    def _body(self, present: bool, audience: AudienceRef, members: list[dict[str, Any]]) -> dict[str, Any]:
        settings = self._settings
        operating = {"accountType": settings.account_type, "accountId": settings.operating_account}
        destination: dict[str, Any] = {"operatingAccount": operating, "productDestinationId": audience.external_id}
        if settings.login_account:
            login = {"accountType": settings.login_account_type, "accountId": settings.login_account}
            destination["loginAccount"] = login
        body: dict[str, Any] = {"destinations": [destination], "audienceMembers": members, "encoding": "HEX"}
        if present:
            body["consent"] = self._consent(audience)
            if settings.customer_match_terms_accepted:
                body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return body | ({"validateOnly": True} if settings.validate_only else {})

    def _consent(self, audience: AudienceRef) -> dict[str, str]:
        """The consent of the members: each has given it for the purpose of the audience, or would not be sent.

        Where the purpose requires no consent, none is sent.
        """
        if not audience.is_consented:
            return {}
        purposes = {
            "adUserData": self._settings.ad_user_data_purposes,
            "adPersonalization": self._settings.ad_personalization_purposes,
        }
        return {
            name: "CONSENT_GRANTED" if allowed is None or audience.purpose in allowed else "CONSENT_DENIED"
            for name, allowed in purposes.items()
        }

    async def _ask(self, request: str, items: Sequence[tuple[MemberUpdate, _Told]]) -> list[Outcome]:
        answer = await self._call("GET", "requestStatus:retrieve", query={"requestId": request})
        if not answer.is_success:
            # Google keeps what became of a request for 50 days; a member may be sent again at any time.
            reason = refusal(answer)
            return [_settled(update, told, Status.RETRY, reason) for update, told in items]
        received = answer.json()
        statuses = received.get("requestStatusPerDestination") if isinstance(received, dict) else None
        status: Mapping[str, Any] = statuses[0] if isinstance(statuses, list) and statuses else {}
        return [self._became(update, told, status) for update, told in items]

    def _became(self, update: MemberUpdate, told: _Told, status: Mapping[str, Any]) -> Outcome:
        failed, is_temporary = failed_records(status)
        match status.get("requestStatus"):
            case "SUCCESS":
                return _settled(update, told, Status.DONE)
            case "FAILED":
                return _settled(update, told, Status.RETRY if is_temporary else Status.DEAD, f"all failed: {failed}")
            case "PARTIAL_SUCCESS" if update.present and not is_temporary:
                # Google does not say which, and would refuse them again.
                message = f"some of its request failed, Google does not say which: {failed}"
                return _settled(update, told, Status.DONE, message)
            case "PARTIAL_SUCCESS":
                return _settled(update, told, Status.RETRY, f"some of its request failed: {failed}")
            case _:
                return Outcome(Status.PENDING, "", update.reference, self._settings.poll_seconds)

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        token = await self._account.token(self._http)
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._settings.url.rstrip('/')}/v1/{path}"
        try:
            return await self._http.request(method, url, json=body, query=query, headers=headers, private=[token])
        except Unavailable as error:
            if error.login:
                self._account.forget()
            raise


def _identifier(kind: Kind, value: str) -> str:
    match kind:
        case "email":
            return customer_match.sha256(customer_match.google_email(value))
        case "phone":
            return customer_match.sha256(customer_match.google_phone(value))
        case "advertising_id":
            return customer_match.advertising_id(value)


def _data(kind: Kind, ids: Sequence[str], addresses: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The data of an `AudienceMember`."""
    if kind == "advertising_id":
        return {"mobileData": {"mobileIds": list(ids)}}
    name = "emailAddress" if kind == "email" else "phoneNumber"
    identifiers: list[dict[str, Any]] = [{name: id} for id in ids]
    return {"userData": {"userIdentifiers": identifiers + [{"address": address} for address in addresses]}}


def _told(update: MemberUpdate) -> _Told:
    try:
        return msgspec.json.decode(update.reference, type=_Told)
    except msgspec.DecodeError:
        return _Told()


def _reference(told: _Told) -> str:
    return msgspec.json.encode(told).decode()


def _settled(update: MemberUpdate, told: _Told, status: Status, message: str = "") -> Outcome:
    """The outcome of a request that is no longer pending. Nothing is known of a member that was removed."""
    if status is Status.DONE and not update.present:
        return Outcome(status, message)
    return Outcome(status, message, _reference(_Told(told.id, told.addresses)))
