"""Fakes of ad platforms: real servers that hold audiences as the vendors do, and fail as their documentation says.

Google: https://developers.google.com/data-manager/api/reference/rest/v1 and its guide "Understand API errors". Meta:
https://developers.facebook.com/docs/marketing-api/reference/custom-audience/users and its error reference. The Trade
Desk: the models of its own library. No vendor cloud was called.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.destinations.adapter import AudienceRef, MemberUpdate
from tests.builders.vendor_servers import Received, Reply, VendorServer

HASH = re.compile(r"[0-9a-f]{64}")
BUYERS = AudienceRef("a-1", "s-1", "Buyers", external_id="1001", purpose="advertising")
VISITORS = AudienceRef("a-2", "s-2", "Visitors", external_id="1002", purpose="advertising")


def update(
    value: str, present: bool = True, namespace: str = "email", audience: AudienceRef = BUYERS, **more: Any
) -> MemberUpdate:
    """An address of an audience as it should be."""
    id = f"{audience.id} {namespace} {value} {present}"
    return MemberUpdate(id, audience, namespace, value, present, customer_id="customer-1", **more)


class GoogleDataManager(VendorServer):
    """Google's Data Manager API, and its server of access tokens.

    `members` has the identifiers of each member by audience. A request is processed when its status has been asked for
    `rounds` times. A record that `is_failing` accepts then fails with `reason`; one with an identifier in `invalid`
    makes the whole request invalid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.members: dict[str, list[frozenset[str]]] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.rounds = 1
        self.invalid: set[str] = set()
        self.is_failing: Callable[[frozenset[str]], bool] = lambda member: False
        self.reason = "PROCESSING_ERROR_REASON_INVALID_FORMAT"
        self.tokens: list[str] = []
        self._key = _key()

    def key_file(self, folder: Path) -> Path:
        """A service account's key, as Google's console saves it."""
        private = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = {
            "type": "service_account",
            "client_email": "kith@shop.iam.example",
            "private_key_id": "key-1",
            "private_key": private.decode(),
            "token_uri": f"{self.url}/token",
        }
        path = folder / "google.json"
        path.write_text(json.dumps(key))
        return path

    def held(self, audience: AudienceRef = BUYERS) -> set[str]:
        """The identifiers that an audience has."""
        return set().union(*self.members.get(audience.external_id, []))

    def expire_tokens(self) -> None:
        self.tokens.clear()

    def answer(self, request: Received) -> Reply:
        if request.path == "/token":
            return self._token(request.form)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _google_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        match request.path.removeprefix("/v1/"):
            case "audienceMembers:ingest" | "audienceMembers:remove":
                return self._take(request.path.rpartition(":")[2], request.json)
            case "requestStatus:retrieve":
                return self._status(request.query.get("requestId", ""))
        return _google_error(404, "NOT_FOUND", "Method not found.")

    def _token(self, form: Mapping[str, str]) -> Reply:
        try:
            issuer = "https://oauth2.googleapis.com/token"
            claims = jwt.decode(form["assertion"], self._key.public_key(), ["RS256"], audience=issuer)
        except jwt.InvalidTokenError:
            return Reply(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        assert claims["scope"] == "https://www.googleapis.com/auth/datamanager"
        self.tokens.append(f"token-{len(self.received)}")
        return Reply(200, {"access_token": self.tokens[-1], "expires_in": 3599, "token_type": "Bearer"})

    def _take(self, operation: str, body: dict[str, Any]) -> Reply:
        members = [_identifiers(member) for member in body["audienceMembers"]]
        if not 1 <= len(members) <= 10_000:
            return _google_error(400, "INVALID_ARGUMENT", "TOO_MANY_AUDIENCE_MEMBERS")
        violations = [
            {
                "field": f"audience_members.audience_members[{place}].user_data.user_identifiers[0]",
                "description": "The value is not valid.",
                "reason": "INVALID_SHA256_FORMAT",
            }
            for place, member in enumerate(members)
            if member & self.invalid
        ]
        if violations:
            return _google_error(400, "INVALID_ARGUMENT", "There was a problem with the request.", violations)
        self.bodies.append((operation, body))
        if body.get("validateOnly"):
            return Reply(200, {})
        id = f"request-{len(self.requests) + 1}"
        audience = body["destinations"][0]["productDestinationId"]
        self.requests[id] = {"operation": operation, "audience": audience, "members": members, "asked": 0}
        return Reply(200, {"requestId": id})

    def _status(self, id: str) -> Reply:
        if id not in self.requests:
            return _google_error(400, "INVALID_ARGUMENT", "The request id is not valid.", reason="INVALID_REQUEST_ID")
        request = self.requests[id]
        request["asked"] += 1
        if request["asked"] <= self.rounds:
            return Reply(200, {"requestStatusPerDestination": [{"requestStatus": "PROCESSING"}]})
        good = [member for member in request["members"] if not self.is_failing(member)]
        if request["asked"] == self.rounds + 1:
            self._process(request["operation"], request["audience"], good)
        failed = len(request["members"]) - len(good)
        status: dict[str, Any] = {"requestStatus": "SUCCESS"}
        if failed:
            status["requestStatus"] = "PARTIAL_SUCCESS" if good else "FAILED"
            # Google writes 64-bit numbers as strings.
            status["errorInfo"] = {"errorCounts": [{"recordCount": str(failed), "reason": self.reason}]}
        return Reply(200, {"requestStatusPerDestination": [status]})

    def _process(self, operation: str, audience: str, members: list[frozenset[str]]) -> None:
        held = self.members.setdefault(audience, [])
        # A member is found by each of its identifiers.
        held[:] = [old for old in held if not any(old & member for member in members)]
        if operation == "ingest":
            held += members


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _identifiers(member: Mapping[str, Any]) -> frozenset[str]:
    if mobile := member.get("mobileData"):
        return frozenset(mobile["mobileIds"])
    found = set()
    for identifier in member["userData"]["userIdentifiers"]:
        ((kind, value),) = identifier.items()
        if kind == "address":
            assert HASH.fullmatch(value["givenName"])
            assert HASH.fullmatch(value["familyName"])
            found.add(json.dumps(value, sort_keys=True))
        else:
            assert HASH.fullmatch(value)
            found.add(value)
    return frozenset(found)


def _google_error(
    code: int, status: str, message: str, violations: list[dict[str, str]] | None = None, reason: str = ""
) -> Reply:
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason or status, "domain": "datamanager"}
    ]
    if violations:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
    return Reply(code, {"error": {"code": code, "message": message, "status": status, "details": details}})


class MetaAudiences(VendorServer):
    """Meta's Graph API of custom audiences.

    `rows` has the rows of each audience by `EXTERN_ID`. An entry with a value in `invalid` is not taken; the answer
    names `samples` of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.invalid: set[str] = set()
        self.samples = 100
        self.token = "meta-access-token"
        self.payloads: list[dict[str, Any]] = []

    def held(self, audience: AudienceRef = BUYERS) -> set[str]:
        """The `EXTERN_ID`s that an audience has."""
        return set(self.rows.get(audience.external_id, {}))

    def answer(self, request: Received) -> Reply:
        # Meta's own client sends the token, and all of a DELETE, in the address.
        form = {**request.query, **request.form}
        if form.get("access_token") != self.token:
            return meta_error(190, "Error validating access token: Session has expired.", 463)
        _, version, node, edge = request.path.split("/")
        assert re.fullmatch(r"v\d+\.\d+", version)
        payload = json.loads(form["payload"])
        self.payloads.append(payload)
        rows = [self._row(payload, cells) for cells in payload["data"]]
        assert len(rows) <= 10_000
        wrong = [row for row in rows if self.invalid & {str(cell) for cell in row.values()}]
        good = [row for row in rows if row not in wrong]
        match request.method, edge:
            case "POST", "users":
                self.rows.setdefault(node, {}).update({row["EXTERN_ID"]: row for row in good})
            case "DELETE", "users":
                self._remove(node, good)
            case "DELETE", "usersofanyaudience" if node.startswith("act_"):
                for audience in self.rows:
                    self._remove(audience, good)
            case _:
                return meta_error(100, f"Unsupported request: {request.method} {edge}", 33)
        samples = {str(number): json.dumps(row) for number, row in enumerate(wrong[: self.samples])}
        return Reply(
            200,
            {
                "audience_id": node,
                "session_id": "1",
                "num_received": len(rows),
                "num_invalid_entries": len(wrong),
                # An empty map is an empty list in PHP.
                "invalid_entry_samples": samples or [],
            },
        )

    def _row(self, payload: Mapping[str, Any], cells: list[Any]) -> dict[str, Any]:
        row = {column: cell for column, cell in zip(payload["schema"], cells, strict=True) if cell}
        for column in set(row) - {"EXTERN_ID", "MADID", "DATA_PROCESSING_OPTIONS"}:
            assert HASH.fullmatch(row[column]), column
        return row

    def _remove(self, audience: str, rows: list[dict[str, Any]]) -> None:
        held = self.rows.get(audience, {})
        for row in rows:
            held.pop(row["EXTERN_ID"], None)


def meta_error(code: int, message: str, subcode: int = 0, status: int = 400, **more: Any) -> Reply:
    """An error of the Graph API; other keys are headers."""
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    error |= {"error_subcode": subcode} if subcode else {}
    return Reply(status, {"error": error}, {name.replace("_", "-"): value for name, value in more.items()})


class TradeDesk(VendorServer):
    """The Data API of The Trade Desk. `segments` has the minutes of each id by segment; `unmapped` ids are unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.segments: dict[str, dict[str, int]] = {}
        self.deleted: set[str] = set()
        self.unmapped: set[str] = set()
        self.token = "trade-desk-token"
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    def answer(self, request: Received) -> Reply:
        if request.headers.get("ttd-auth") != self.token:
            return Reply(403, b"Cannot create new targeting data", {"Content-Type": "text/plain"})
        body = request.json
        self.bodies.append((request.path, body))
        failed = []
        for number, item in enumerate(body["Items"], 1):
            id = item.get("TDID") or item["DAID"]
            if id in self.unmapped:
                line = {"ItemNumber": str(number), "ErrorCode": "UserNotMapped", "Message": f"{id} is not mapped"}
                failed.append(line)
            elif request.path == "/data/deletion-optout/advertiser":
                assert body["RequestType"] == "Deletion"
                self.deleted.add(id)
                for segment in self.segments.values():
                    segment.pop(id, None)
            else:
                for data in item["Data"]:
                    segment = self.segments.setdefault(data["Name"], {})
                    segment.pop(id, None)
                    if data["TtlInMinutes"]:
                        segment[id] = data["TtlInMinutes"]
        return Reply(200, {"FailedLines": failed} if failed else {})


class Platform(VendorServer):
    """A data management platform. `held` has the end of each membership; ids in `refused` are not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str, str], str] = {}
        self.lines: list[dict[str, str]] = []
        self.refused: set[str] = set()

    def answer(self, request: Received) -> Reply:
        text = request.body.decode()
        if request.headers["content-type"].startswith("text/csv"):
            lines = list(csv.DictReader(io.StringIO(text)))
        else:
            lines = [json.loads(line) for line in text.splitlines()]
        self.lines += lines
        rejected = []
        for number, line in enumerate(lines, 1):
            membership = (line["segment"], line["id_type"], line["id"])
            if line["id"] in self.refused:
                rejected.append({"line": number, "reason": f"the id {line['id']} is not known"})
            elif line["action"] == "add":
                self.held[membership] = line["expires_at"]
            else:
                self.held.pop(membership, None)
        return Reply(200, {"rejected": rejected})
