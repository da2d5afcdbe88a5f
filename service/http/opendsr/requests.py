"""Reads requests of OpenDSR 1.0, 2.0 and 3.0. No message contains an identity: answers are logged by others."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import parse_time
from service.runtime.addresses import is_safe_address

ACCESS, PORTABILITY, ERASURE = "access", "portability", "erasure"
TYPES = (ACCESS, PORTABILITY, ERASURE)
REGULATIONS = ("gdpr", "ccpa")
MAX_IDENTITIES = 100
MAX_CALLBACKS = 10
MAX_LENGTH = 2_000
"""Characters of an address or of the id of a group."""
CLOCK_SLACK = DAY
"""How far in the future the submission of a request may be: the clocks and dates of controllers differ."""
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Version(Struct, frozen=True):
    """A version of the protocol: its paths and headers, and what differs in requests."""

    major: int
    collection: str
    """The part of the path that names the requests."""
    prefix: str
    """The beginning of the names of headers."""

    @property
    def name(self) -> str:
        """The version as requests and answers name it."""
        return f"{self.major}.0"


VERSIONS = {
    1: Version(1, "opengdpr_requests", "X-OpenGDPR"),
    2: Version(2, "requests", "X-OpenDSR"),
    3: Version(3, "requests", "X-OpenDSR"),
}
"""Version 1 is called OpenGDPR. In version 3 identities are an object, with one identity of each type."""


class Fault(Struct, frozen=True):
    """What is wrong with a request: a code of Kith and a sentence that names the field."""

    code: str
    message: str


class InvalidRequest(Exception):
    """A request that is not valid, with everything that is wrong with it."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


class SubjectRequest(Struct, frozen=True):
    """A valid request. `keys` are the identifiers of the person, `submitted` is in microseconds."""

    id: str
    type: str
    regulation: str
    submitted: int
    keys: tuple[str, ...]
    callbacks: tuple[str, ...] = ()
    group: str = ""


class RequestReader:
    """Reads requests. `identities` maps type and format to namespaces, `key` normalizes a value of a namespace.

    `key` raises `InvalidInput`. Callbacks are sent to `callback_hosts` only. `now` returns microseconds since 1970.
    """

    def __init__(
        self,
        domain: str,
        identities: Mapping[tuple[str, str], str],
        callback_hosts: frozenset[str],
        key: Callable[[str, str], str],
        now: Callable[[], int],
    ) -> None:
        self._domain, self._identities, self._hosts = domain, identities, callback_hosts
        self._key, self._now = key, now

    def read(self, body: Any, version: Version) -> SubjectRequest:
        """Return a request; raise `InvalidRequest` with all that is wrong with it."""
        if not isinstance(body, dict):
            raise InvalidRequest((Fault("INVALID_VALUE", "the body must be a JSON object"),))
        faults: list[Fault] = []

        def text(name: str, allowed: tuple[str, ...] = (), required: bool = True) -> str:
            value = body.get(name)
            if value is None:
                if required:
                    faults.append(Fault("INVALID_VALUE", f"{name} is required"))
            elif not isinstance(value, str) or len(value) > MAX_LENGTH:
                faults.append(Fault("INVALID_VALUE", f"{name} must be a text of at most {MAX_LENGTH} characters"))
            elif allowed and value not in allowed:
                faults.append(Fault("INVALID_VALUE", f"{name} must be one of {', '.join(allowed)}"))
            else:
                return value
            return ""

        id = text("subject_request_id")
        if id and not _UUID4.fullmatch(id):
            faults.append(Fault("INVALID_VALUE", "subject_request_id must be a UUID of version 4 in lower case"))
        type = text("subject_request_type", TYPES)
        regulation = text("regulation", REGULATIONS, required=version.major > 1)
        text("api_version", (version.name,), required=False)
        group = text("group_id", required=False)
        submitted = self._time(text("submitted_time"), faults)
        keys = self._keys(body, version, faults)
        callbacks = self._callbacks(body.get("status_callback_urls"), faults)
        if faults:
            raise InvalidRequest(tuple(faults))
        return SubjectRequest(id, type, regulation, submitted, keys, callbacks, group)

    def _time(self, text: str, faults: list[Fault]) -> int:
        if not text:
            return 0
        try:
            time = parse_time(text).microseconds
        except ValueError:
            faults.append(Fault("INVALID_TIMESTAMP", "submitted_time must be a time such as 2026-03-01T12:00:00Z"))
            return 0
        if time > self._now() + CLOCK_SLACK:
            faults.append(Fault("TIMESTAMP_IN_FUTURE", "submitted_time is in the future"))
        return time

    def _keys(self, body: dict[str, Any], version: Version, faults: list[Fault]) -> tuple[str, ...]:
        keys: dict[str, None] = {}
        sent = body.get("subject_identities")
        for place, type, format, value in _identities(sent, version, faults):
            known = isinstance(type, str) and isinstance(format, str)
            namespace = self._identities.get((type, format)) if known else None
            if namespace is None:
                faults.append(Fault("INVALID_VALUE", f"{place} has a type or a format that /discovery does not name"))
            else:
                self._add(keys, namespace, value, place, faults)
        extensions = body.get("extensions")
        if extensions is not None and not isinstance(extensions, dict):
            faults.append(Fault("INVALID_VALUE", "extensions must be an object"))
        else:
            self._add_extension(keys, (extensions or {}).get(self._domain), faults)
        if not keys and not faults:
            faults.append(Fault("INVALID_COUNT", "subject_identities is required: it names the person"))
        return tuple(keys)

    def _add_extension(self, keys: dict[str, None], own: Any, faults: list[Fault]) -> None:
        """Add the identifiers of Kith's own namespaces: there are more than the types of OpenDSR."""
        place = f"extensions[{self._domain}].identifiers"
        if own is None:
            return
        sent = own.get("identifiers") if isinstance(own, dict) else None
        if not isinstance(sent, list) or len(sent) > MAX_IDENTITIES:
            faults.append(Fault("INVALID_VALUE", f"{place} must be a list of at most {MAX_IDENTITIES} objects"))
            return
        for number, identifier in enumerate(sent):
            if isinstance(identifier, dict) and isinstance(namespace := identifier.get("namespace"), str):
                self._add(keys, namespace, identifier.get("value"), f"{place}[{number}]", faults)
            else:
                faults.append(Fault("INVALID_VALUE", f"{place}[{number}] must have a namespace and a value"))

    def _add(self, keys: dict[str, None], namespace: str, value: Any, place: str, faults: list[Fault]) -> None:
        if not isinstance(value, str):
            faults.append(Fault("INVALID_VALUE", f"{place} must have a value that is a text"))
            return
        try:
            keys[self._key(namespace, value)] = None
        except InvalidInput as error:
            # Its message quotes the value.
            faults.append(Fault(error.code, f"{place} is not a valid identifier of a namespace of the rules"))

    def _callbacks(self, sent: Any, faults: list[Fault]) -> tuple[str, ...]:
        if sent is None:
            return ()
        if not isinstance(sent, list) or len(sent) > MAX_CALLBACKS:
            message = f"status_callback_urls must be a list of at most {MAX_CALLBACKS} addresses"
            faults.append(Fault("INVALID_VALUE", message))
            return ()
        for number, url in enumerate(sent):
            place = f"status_callback_urls[{number}]"
            if not isinstance(url, str) or len(url) > MAX_LENGTH or not is_safe_address(url):
                faults.append(Fault("INVALID_VALUE", f"{place} is not an https address"))
            elif urlsplit(url).hostname not in self._hosts:
                faults.append(Fault("INVALID_VALUE", f"{place} is of a host that callback_hosts does not name"))
        return tuple(dict.fromkeys(url for url in sent if isinstance(url, str)))


def _identities(sent: Any, version: Version, faults: list[Fault]) -> list[tuple[str, Any, Any, Any]]:
    """Return (place, type, format, value) of each identity."""
    if sent is None:
        return []
    if version.major >= 3:
        if isinstance(sent, dict) and len(sent) <= MAX_IDENTITIES:
            found = [
                (f"subject_identities.{type[:60]}", type, one.get("encoding"), one.get("value"))
                for type, one in sent.items()
                if isinstance(one, dict)
            ]
            if len(found) == len(sent):
                return found
        form = "an object of objects with value and encoding"
    else:
        if isinstance(sent, list) and len(sent) <= MAX_IDENTITIES:
            found = [
                (
                    f"subject_identities[{number}]",
                    one.get("identity_type"),
                    one.get("identity_format"),
                    one.get("identity_value"),
                )
                for number, one in enumerate(sent)
                if isinstance(one, dict)
            ]
            if len(found) == len(sent):
                return found
        form = "a list of objects with identity_type, identity_value and identity_format"
    faults.append(Fault("INVALID_VALUE", f"subject_identities must be {form}, at most {MAX_IDENTITIES}"))
    return []
