"""A server that keeps contacts in lists as Brevo does.

Format as in the reference of the API v3 (developers.brevo.com/reference/create-contact, update-contact, delete-contact,
remove-contact-from-list and docs/limit-headers). That a list answers 400 if none of the addresses is in it is as users
report it: sendinblue/APIv3-php-library#134.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.builders.vendor_servers import Received, Reply, VendorServer

KEY = "xkeysib-0123456789"
BUSY = Reply(429, {"code": "too_many_requests", "message": "API rate limit exceeded"}, {"x-sib-ratelimit-reset": "7"})
TOO_EARLY = Reply(425, {"code": "too_early", "message": "Another request for this contact is being processed"})


@dataclass
class Contact:
    """A contact, by email address or by number."""

    email: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    lists: set[int] = field(default_factory=set)
    blacklisted: bool = False


class Brevo(VendorServer):
    """`contacts` of an account with some lists; addresses that `refuses` accepts are not valid."""

    def __init__(self, *lists: int) -> None:
        super().__init__()
        self.contacts: list[Contact] = []
        self.lists = set(lists)
        self.refuses: Callable[[str], bool] = lambda address: False
        self.key = KEY

    def contact(self, address: str) -> Contact | None:
        return next((c for c in self.contacts if address in (c.email, c.attributes.get("SMS"))), None)

    def reached(self, list_id: int) -> set[str]:
        """The addresses that a campaign to a list would reach."""
        return {c.email or c.attributes["SMS"] for c in self.contacts if list_id in c.lists and not c.blacklisted}

    def answer(self, request: Received) -> Reply:
        if request.headers.get("api-key") != self.key:
            return _error(401, "unauthorized", "Key not found")
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["account"]:
                return Reply(200, {"email": "owner@shop.example"})
            case "POST", ["contacts"]:
                return self._create(request.json)
            case "POST", ["contacts", "lists", list_id, "contacts", "remove"]:
                return self._remove(int(list_id), request.json["emails"])
            case ("PUT" | "DELETE") as method, ["contacts", address]:
                return self._change(method, unquote(address), request)
        return _error(404, "document_not_found", "Route not found")

    def _create(self, body: dict[str, Any]) -> Reply:
        attributes = body.get("attributes", {})
        address = body.get("email") or attributes.get("SMS")
        if not address or self.refuses(address):
            return _error(400, "invalid_parameter", f"Invalid email address {address}")
        if unknown := set(body.get("listIds", [])) - self.lists:
            return _error(400, "invalid_parameter", f"List ids {sorted(unknown)} do not exist")
        contact = self.contact(address)
        if contact and not body.get("updateEnabled"):
            return _error(400, "duplicate_parameter", "Contact already exist")
        status = 204 if contact else 201
        if contact is None:
            contact = Contact(body.get("email", ""))
            self.contacts.append(contact)
        contact.attributes |= attributes
        contact.lists |= set(body.get("listIds", []))
        return Reply(201, {"id": self.contacts.index(contact) + 1}) if status == 201 else Reply(204)

    def _remove(self, list_id: int, emails: list[str]) -> Reply:
        if list_id not in self.lists:
            return _error(404, "document_not_found", "List ID does not exist")
        if len(emails) > 150:
            return _error(400, "invalid_parameter", "emails: at most 150")
        if invalid := [email for email in emails if self.refuses(email)]:
            return _error(400, "invalid_parameter", f"Invalid email address {invalid[0]}")
        success = [email for email in emails if (contact := self.contact(email)) and list_id in contact.lists]
        if not success:
            return _error(400, "invalid_parameter", "Contact already removed from list and/or does not exist")
        for email in success:
            contact = self.contact(email)
            assert contact is not None
            contact.lists.discard(list_id)
        failure = [email for email in emails if email not in success]
        return Reply(201, {"contacts": {"success": success, "failure": failure}})

    def _change(self, method: str, address: str, request: Received) -> Reply:
        contact = self.contact(address)
        if contact is None or request.query.get("identifierType") != ("email_id" if contact.email else "phone_id"):
            return _error(404, "document_not_found", "Contact does not exist")
        if method == "DELETE":
            self.contacts.remove(contact)
        else:
            contact.lists -= set(request.json.get("unlinkListIds", []))
        return Reply(204)


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "message": message})
