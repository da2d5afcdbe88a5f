"""The REST API of Salesforce: tokens, queries, and requests for up to 200 records; SOAP for what only that can do."""

import re
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal
from xml.sax.saxutils import escape, unescape

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, StrictBool, model_validator

from service.config.destinations_file import Secret
from service.destinations.adapter import Unavailable
from service.destinations.answer_texts import hidden
from service.destinations.attempts import json_object, json_objects
from service.destinations.http import Answer, HttpClient, HttpSettings, Url

MAX_RECORDS = 200
"""Records in a request."""
MAX_QUERY_LENGTH = 6_000
"""Characters of a query, which is part of an address."""
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 180
"""How long Salesforce may take an assertion."""
LIMITS = frozenset({"REQUEST_LIMIT_EXCEEDED", "API_DISABLED_FOR_ORG"})
"""Errors with the status 403 that no login mends."""

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"

ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
"""The name of an object or a field, such as `Kith_Email__c`."""


class SalesforceSettings(HttpSettings):
    """The settings of an org of Salesforce."""

    type: Literal["salesforce"]
    """The type of the destination."""
    url: Url
    """The My Domain address of the org."""
    client_id: Annotated[str, Field(min_length=1, max_length=500)]
    """The consumer key of the app that Kith logs in with."""
    client_secret: Secret | None = None
    """The consumer secret of the app, for the OAuth 2.0 client credentials flow."""
    private_key: Secret | None = None
    """Instead of it, an RSA key (PEM), for the OAuth 2.0 JWT bearer flow."""
    username: Annotated[str, Field(max_length=200)] = ""
    """The user that the private key logs in as."""
    audience: Url = "https://login.salesforce.com"
    """Where the private key logs in: `https://test.salesforce.com` for a sandbox."""
    api_version: Annotated[str, Field(pattern=r"^v\d{2,3}\.0$")] = "v62.0"
    """The version of the REST API."""
    object: ApiName = "Contact"
    """The object whose records are kept up to date, such as `Contact` or `Lead`."""
    keys: Annotated[dict[str, ApiName], Field(min_length=1, max_length=20)]
    """By namespace, the field by which Salesforce finds a record: an external id, or `Id`."""
    id_prefix: Annotated[str, Field(max_length=100)] = ""
    """What values of `Id` begin with in Kith, as the connector of Salesforce wrote them."""
    empty_recycle_bin: StrictBool = True
    """Whether erased records are also removed from the recycle bin, which keeps them for 15 days otherwise."""

    @model_validator(mode="after")
    def _has_one_login(self) -> "SalesforceSettings":
        if (self.client_secret is None) == (self.private_key is None):
            raise ValueError("set either client_secret or private_key")
        if self.private_key is not None:
            if not self.username:
                raise ValueError("username is missing: private_key logs in as a user")
            try:
                key = load_pem_private_key(self.private_key.get_secret_value().encode(), None)
            except (ValueError, TypeError):
                key = None
            if not isinstance(key, RSAPrivateKey):
                raise ValueError("private_key is not an RSA key in a PEM file without a password")
        return self


class Refused(Exception):
    """Salesforce refuses a whole request. `unknown_fields` are those that it does not have."""

    def __init__(self, message: str, unknown_fields: frozenset[str]) -> None:
        super().__init__(message)
        self.message, self.unknown_fields = message, unknown_fields


class SalesforceApi:
    """Requests with a token, which is fetched when one is needed, and again when Salesforce no longer takes it."""

    def __init__(self, settings: SalesforceSettings) -> None:
        secret = settings.client_secret or settings.private_key
        assert secret is not None
        self._settings, self._secret = settings, secret.get_secret_value()
        self._url = settings.url.rstrip("/")
        self._token = ""
        self._client = HttpClient(settings.timeout_seconds, (self._secret,))

    async def query(
        self, select: str, field: str, values: Sequence[str], private: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the records of a query whose field has one of some values. Raises `Refused`, `Unavailable`."""
        records: list[dict[str, Any]] = []
        for literals in _literals(values):
            path: str | None = "/query"
            query: dict[str, str] | None = {"q": f"{select} {field} IN ({literals})"}
            while path:
                page = json_object(self._success(await self._request("GET", path, None, query, private), private))
                records += json_objects(page.get("records"))
                following = None if page.get("done", True) else str(page.get("nextRecordsUrl", ""))
                path, query = (following.partition(self._settings.api_version)[2] if following else None), None
        return records

    async def write(
        self, method: str, path: str, records: Sequence[Mapping[str, Any]], private: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Create, update or upsert records; return a result for each. Raises `Refused`, `Unavailable`."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(records), MAX_RECORDS):
            part = records[start : start + MAX_RECORDS]
            body = {"allOrNone": False, "records": part}
            results += self._results(await self._request(method, path, body, None, private), len(part), private)
        return results

    async def delete(self, ids: Sequence[str], private: Sequence[str]) -> list[dict[str, Any]]:
        """Delete records of any objects; return a result for each. Raises `Refused`, `Unavailable`."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(ids), MAX_RECORDS):
            part = ids[start : start + MAX_RECORDS]
            query = {"ids": ",".join(part), "allOrNone": "false"}
            answer = await self._request("DELETE", "/composite/sobjects", None, query, private)
            results += self._results(answer, len(part), private)
        return results

    async def empty_recycle_bin(self, ids: Sequence[str], private: Sequence[str]) -> list[str]:
        """Remove deleted records from the recycle bin; return for each what keeps it there, empty if nothing does.

        Raises `Unavailable`. A request of the REST API comes before it, so the token is new enough.
        """
        problems: list[str] = []
        for start in range(0, len(ids), MAX_RECORDS):
            part = ids[start : start + MAX_RECORDS]
            answer = await self._client.request(
                "POST",
                f"{self._url}/services/Soap/u/{self._settings.api_version.removeprefix('v')}",
                content=_envelope(self._token, part),
                headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
                accept=(500,),
                private=[*private, self._token],
            )
            text = answer.body.decode("utf-8", "replace")
            results = re.findall(r"<result>(.*?)</result>", text, re.DOTALL)
            if not answer.is_success or len(results) != len(part):
                fault = _element(text, "faultstring") or "no results"
                raise Unavailable(
                    f"emptying the recycle bin: {answer.status}: {hidden(fault, [*private, self._token])}"
                )
            for result in results:
                reason = f"{_element(result, 'statusCode')}: {_element(result, 'message')}"
                problems.append("" if _element(result, "success") == "true" else hidden(reason, private))
        return problems

    async def check(self) -> None:
        """Log in. Raises `Unavailable`."""
        self._token = await self._log_in()

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _results(self, answer: Answer, count: int, private: Sequence[str]) -> list[dict[str, Any]]:
        results = json_objects(self._success(answer, private).json())
        if len(results) != count:
            raise Unavailable(f"{answer.status}: the answer has {len(results)} results for {count} records")
        return results

    def _success(self, answer: Answer, private: Sequence[str]) -> Answer:
        if answer.is_success:
            return answer
        errors = _errors(answer)
        unknown = {
            name
            for error in errors
            if error.get("errorCode") == "INVALID_FIELD"
            for name in str(error.get("message")).split("'")[1:2]
        }
        code = str(errors[0].get("errorCode", "")) if errors else ""
        raise Refused(" ".join(filter(None, (code, answer.message(private)))), frozenset(unknown))

    async def _request(
        self, method: str, path: str, body: Any, query: Mapping[str, str] | None, private: Collection[str]
    ) -> Answer:
        """Send a request, with a new token if Salesforce does not take the one that is there."""
        for is_last in (False, True):
            if not self._token:
                self._token = await self._log_in()
            answer = await self._client.request(
                method,
                f"{self._url}/services/data/{self._settings.api_version}{path}",
                json=body,
                query=query,
                headers={"Authorization": f"Bearer {self._token}"},
                accept=(401, 403),
                private=[*private, self._token],
            )
            if answer.status == 401:
                self._token = ""
                if not is_last:
                    continue
            if answer.status in (401, 403):
                is_login = not any(error.get("errorCode") in LIMITS for error in _errors(answer))
                raise Unavailable(answer.message(private), answer.retry_after, is_login)
            return answer
        raise AssertionError  # The second round returns or raises.

    async def _log_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._secret,
        }
        if self._settings.private_key is not None:
            form = {"grant_type": JWT_GRANT, "assertion": self._assertion()}
        answer = await self._client.request("POST", f"{self._url}/services/oauth2/token", form=form)
        if not answer.is_success:
            raise Unavailable(f"login: {answer.message([self._settings.username])}", login=True)
        token = json_object(answer).get("access_token")
        if not isinstance(token, str) or not token:
            raise Unavailable("login: the answer has no access_token", login=True)
        return token

    def _assertion(self) -> str:
        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.username,
            "aud": self._settings.audience.rstrip("/"),
            "exp": int(time.time()) + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self._secret, algorithm="RS256")


def _errors(answer: Answer) -> list[dict[str, Any]]:
    """The errors in an answer, each with `errorCode` and `message`."""
    return json_objects(answer.json()) if answer.body.lstrip().startswith(b"[") else []


def _envelope(token: str, ids: Sequence[str]) -> bytes:
    """The call `emptyRecycleBin`."""
    listed = "".join(f"<ids>{escape(id)}</ids>" for id in ids)
    header = f"<SessionHeader><sessionId>{escape(token)}</sessionId></SessionHeader>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}">'
        f'<soapenv:Header xmlns="{PARTNER}">{header}</soapenv:Header>'
        f'<soapenv:Body xmlns="{PARTNER}"><emptyRecycleBin>{listed}</emptyRecycleBin></soapenv:Body></soapenv:Envelope>'
    ).encode()


def _element(xml: str, name: str) -> str:
    """The text of the first element with a name."""
    found = re.search(rf"<(?:\w+:)?{name}(?: [^>]*)?>(.*?)</", xml, re.DOTALL)
    return unescape(found[1]) if found else ""


def _literals(values: Sequence[str]) -> list[str]:
    """Values as literals of queries, separated by commas, in parts that are short enough."""
    parts: list[str] = []
    for value in values:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        literal = f"'{escaped}'"
        if parts and len(parts[-1]) + len(literal) < MAX_QUERY_LENGTH:
            parts[-1] += f",{literal}"
        else:
            parts.append(literal)
    return parts
