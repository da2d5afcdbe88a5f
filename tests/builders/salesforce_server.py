"""A server that keeps records as Salesforce does, with tokens that end.

Format as in the REST API Developer Guide (developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
resources_composite_sobjects_collections_upsert.htm, ..._update.htm, ..._delete.htm, resources_query.htm) and of the
OAuth 2.0 flows in Salesforce Help. Ids, and which fields an object has, are chosen here.
"""

import itertools
import re
from collections.abc import Callable
from typing import Any

import jwt

from tests.builders.vendor_servers import Received, Reply, VendorServer

CLIENT = "3MVG9-consumer"
SECRET = "consumer-secret"
CAMPAIGN = "701xx0000004TmiQAA"
LIMIT = Reply(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
FIELDS = {"Id", "Email", "LastName", "FirstName", "Kith_Email__c", "Kith_VIP__c", "Kith_Segment__c"}
ALREADY = ("DUPLICATE_VALUE", "Already a campaign member.")
Record = dict[str, Any]


class Salesforce(VendorServer):
    """`records` by id, each with its object under `type`. Records whose key `refuses` accepts are not valid.

    `grants` are the forms of logins. `end_session()` makes the token invalid that was given last. With `public_key`,
    assertions are checked. `page_size` is the number of records in an answer to a query.
    """

    def __init__(self, public_key: str = "") -> None:
        super().__init__()
        self.records: dict[str, Record] = {}
        self.refuses: Callable[[str], bool] = lambda key: False
        self.errors: dict[str, str] = {}
        """Errors of records, by their Kith_Email__c."""
        self.grants: list[dict[str, str]] = []
        self.logins_refused = False
        self.bin: dict[str, Record] = {}
        """Deleted records, until the recycle bin is emptied of them."""
        self.bin_keeps = False
        self.bin_fault = ""
        self.public_key = public_key
        self.page_size = 2000
        self._tokens = (f"00Dxx!session{number}" for number in itertools.count(1))
        self._token = ""
        self._ids = itertools.count(1)

    def _empty_bin(self, body: str) -> Reply:
        if f"<sessionId>{self._token}</sessionId>" not in body:
            return _soap(500, "<soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode></soapenv:Fault>")
        if self.bin_fault:
            return _soap(500, f"<soapenv:Fault><faultstring>{self.bin_fault}</faultstring></soapenv:Fault>")
        results = ""
        for id in re.findall(r"<ids>(\w+)</ids>", body):
            if self.bin.pop(id, None) is not None and not self.bin_keeps:
                results += f"<result><id>{id}</id><success>true</success></result>"
            else:
                error = "<message>not in your bin</message><statusCode>INSUFFICIENT_ACCESS</statusCode>"
                results += f'<result><errors>{error}</errors><id xsi:nil="true"/><success>false</success></result>'
        return _soap(200, f"<emptyRecycleBinResponse>{results}</emptyRecycleBinResponse>")

    def add(self, type: str = "Contact", **values: Any) -> str:
        prefix = {"Contact": "003", "CampaignMember": "00v"}[type]
        id = f"{prefix}xx{next(self._ids):010}AAA"
        self.records[id] = {"type": type, **values}
        return id

    def contact(self, email: str) -> Record | None:
        """The contact that has an address as its external id."""
        return next((r for r in self.records.values() if r.get("Kith_Email__c") == email), None)

    def members(self, campaign: str = CAMPAIGN) -> set[str]:
        """The addresses of the members of a campaign."""
        members = [r for r in self.records.values() if r["type"] == "CampaignMember" and r["CampaignId"] == campaign]
        return {self.records[member["ContactId"]]["Kith_Email__c"] for member in members}

    @property
    def token(self) -> str:
        """The token of the last login."""
        return self._token

    def end_session(self) -> None:
        self._token = ""

    def answer(self, request: Received) -> Reply:
        if request.path == "/services/oauth2/token":
            return self._log_in(request.form)
        if request.path == "/services/Soap/u/62.0":
            return self._empty_bin(request.body.decode())
        if not self._token or request.headers.get("authorization") != f"Bearer {self._token}":
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        match request.method, request.path.removeprefix("/services/data/v62.0/").strip("/").split("/"):
            case "GET", ["query"]:
                return self._query(request.query["q"], 0)
            case "GET", ["query", cursor]:
                text, _, start = bytes.fromhex(cursor).decode().rpartition("-")
                return self._query(text, int(start))
            case "PATCH", ["composite", "sobjects", type, field]:
                return self._each(request, lambda record: self._upsert(type, field, record))
            case "PATCH", ["composite", "sobjects"]:
                return self._each(request, self._update)
            case "POST", ["composite", "sobjects"]:
                return self._each(request, self._create)
            case "DELETE", ["composite", "sobjects"]:
                return Reply(200, [self._delete(id) for id in request.query["ids"].split(",")])
        return _error(404, "NOT_FOUND", "The requested resource does not exist")

    def _log_in(self, form: dict[str, str]) -> Reply:
        self.grants.append(form)
        if self.public_key:
            claims = jwt.decode(form["assertion"], self.public_key, ["RS256"], audience="https://login.salesforce.com")
            is_known = (claims["iss"], claims["sub"]) == (CLIENT, "kith@shop.example")
        else:
            is_known = (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if not is_known or self.logins_refused:
            return Reply(400, {"error": "invalid_grant", "error_description": "authentication failure"})
        self._token = next(self._tokens)
        return Reply(200, {"access_token": self._token, "token_type": "Bearer", "instance_url": self.url})

    def _query(self, text: str, start: int) -> Reply:
        parts = re.fullmatch(r"SELECT Id, (\w+) FROM (\w+) WHERE (?:(\w+) = '(\w+)' AND )?(\w+) IN \((.*)\)", text)
        assert parts, text
        shown, type, fixed, value, field, literals = parts.groups()
        values = {re.sub(r"\\(.)", r"\1", literal) for literal in re.findall(r"'((?:[^'\\]|\\.)*)'", literals)}
        found = [
            {"attributes": {"type": type}, "Id": id, shown: record.get(shown)}
            for id, record in self.records.items()
            if record["type"] == type and record.get(field) in values and (not fixed or record.get(fixed) == value)
        ]
        body: dict[str, Any] = {"totalSize": len(found), "done": len(found) <= start + self.page_size}
        body["records"] = found[start : start + self.page_size]
        if not body["done"]:
            cursor = f"{text}-{start + self.page_size}".encode().hex()
            body["nextRecordsUrl"] = f"/services/data/v62.0/query/{cursor}"
        return Reply(200, body)

    def _each(self, request: Received, change: Callable[[Record], Record]) -> Reply:
        records = request.json["records"]
        if len(records) > 200:
            return _error(400, "EXCEEDED_MAX_SIZE_REQUEST", "record limit reached. cannot submit more than 200 records")
        for record in records:
            type = record["attributes"]["type"]
            unknown = set(record) - FIELDS - {"attributes", "id"} if type == "Contact" else ()
            for name in unknown:
                return _error(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {type}")
            if not isinstance(record.get("Kith_VIP__c", True), bool):
                return _error(
                    400, "JSON_PARSER_ERROR", "Cannot deserialize instance of boolean from VALUE_STRING value"
                )
        return Reply(200, [change(record) for record in records])

    def _upsert(self, type: str, field: str, record: Record) -> Record:
        found = next((id for id, r in self.records.items() if r.get(field) == record[field]), "")
        return self._store(found, type, record)

    def _update(self, record: Record) -> Record:
        if record["id"] not in self.records:
            return _failure("ENTITY_IS_DELETED", "entity is deleted")
        return self._store(record["id"], record["attributes"]["type"], record)

    def _create(self, record: Record) -> Record:
        type, values = record["attributes"]["type"], _values(record)
        if any(known == {"type": type, **values} for known in self.records.values()):
            return _failure(*ALREADY)
        return self._store("", type, record)

    def _store(self, id: str, type: str, record: Record) -> Record:
        values = _values(record)
        key = values.get("Kith_Email__c") or self.records.get(id, {}).get("Kith_Email__c", "")
        if self.refuses(key):
            return _failure("INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {key}", "Email")
        if key in self.errors:
            return _failure(self.errors[key], "unable to obtain exclusive access to this record")
        created = not id
        id = id or self.add(type)
        self.records[id] |= values
        return {"id": id, "success": True, "errors": [], "created": created}

    def _delete(self, id: str) -> Record:
        record = self.records.pop(id, None)
        if record is None:
            return _failure("ENTITY_IS_DELETED", "entity is deleted")
        self.bin[id] = record
        for member in [key for key, r in self.records.items() if r.get("ContactId") == id]:
            del self.records[member]
        return {"id": id, "success": True, "errors": []}


def _values(record: Record) -> Record:
    return {name: value for name, value in record.items() if name not in ("attributes", "id")}


def _failure(code: str, message: str, *fields: str) -> Record:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}


def _soap(status: int, body: str) -> Reply:
    text = (
        f'<soapenv:Envelope xmlns="urn:partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )
    return Reply(status, text.encode(), {"Content-Type": "text/xml;charset=UTF-8"})


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, [{"errorCode": code, "message": message}])
