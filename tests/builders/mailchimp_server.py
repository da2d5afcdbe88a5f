"""A server that keeps lists of members as Mailchimp does.

Format as in the reference of the Marketing API 3.0 (mailchimp.com/developer/marketing/api/list-members/). How it treats
archived, unsubscribed and forgotten members is as users report it: mailchimp/mc-woocommerce#951,
ibericode/mailchimp-for-wordpress#673 and #798.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.builders.vendor_servers import Received, Reply, VendorServer

KEY = "mailchimp-key-us21"
LIST = "a1b2c3d4e5"
INVALID_KEY = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
CONNECTIONS = "You have exceeded the limit of 10 simultaneous connections."
CANNOT_REMOVE = "This list member cannot be removed. Please contact support."
FORGOTTEN = (
    "{} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."
)
COMPLIANCE = "{} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
INVALID = "{} looks fake or invalid, please enter a real email address."
BUSY = Reply(429, {"title": "Too Many Requests", "status": 429, "detail": CONNECTIONS})
THROTTLED = Reply(403, b"<html>Forbidden</html>", {"Content-Type": "text/html"})


@dataclass
class Member:
    """A member of a list; `left` says that they unsubscribed themselves."""

    email: str
    status: str
    merge_fields: dict[str, Any] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    left: bool = False


class Mailchimp(VendorServer):
    """`lists` by id, with members by the hash of their address; addresses that `refuses` accepts are not valid."""

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, dict[str, Member]] = {LIST: {}}
        self.forgotten: set[str] = set()
        self.refuses: Callable[[str], bool] = lambda email: False
        self.key = KEY

    def member(self, email: str, list_id: str = LIST) -> Member | None:
        return self.lists[list_id].get(hashed(email))

    def subscribed(self, list_id: str = LIST, tag: str = "") -> set[str]:
        """The addresses that a campaign to a list, or to a tag in it, would reach."""
        members = self.lists[list_id].values()
        return {m.email for m in members if m.status == "subscribed" and (not tag or tag in m.tags)}

    def unsubscribe(self, email: str, list_id: str = LIST) -> None:
        """What happens when a member clicks on the link in a campaign."""
        member = self.lists[list_id][hashed(email)]
        member.status, member.left = "unsubscribed", True

    def answer(self, request: Received) -> Reply:
        login = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if login.partition(":")[2] != self.key:
            return _problem(401, "API Key Invalid", INVALID_KEY)
        match request.path.strip("/").split("/"):
            case ["ping"]:
                return Reply(200, {"health_status": "Everything's Chimpy!"})
            case ["lists", id, "members", hash, *action] if id in self.lists:
                return self._member(request, self.lists[id], hash, "/".join(action))
        return _problem(404, "Resource Not Found", "The requested resource could not be found.")

    def _member(self, request: Received, members: dict[str, Member], hash: str, action: str) -> Reply:
        member = members.get(hash)
        if request.method == "PUT":
            return self._put(request.json, members, hash)
        if member is None:
            return _problem(404, "Resource Not Found", "The requested resource could not be found.")
        match request.method, action:
            case "POST", "actions/delete-permanent":
                del members[hash]
                self.forgotten.add(hash)
                return Reply(204)
            case "POST", "tags":
                for tag in request.json["tags"]:
                    (member.tags.add if tag["status"] == "active" else member.tags.discard)(tag["name"])
                return Reply(204)
            case "DELETE", "":
                if member.status == "archived":
                    return _problem(405, "Method Not Allowed", CANNOT_REMOVE)
                member.status = "archived"
                return Reply(204)
            case "PATCH", "":
                return self._change(member, request.json)
            case "GET", "":
                return _shown(member, hash)
        return _problem(405, "Method Not Allowed", "The requested method and resource are not compatible.")

    def _put(self, body: dict[str, Any], members: dict[str, Member], hash: str) -> Reply:
        email = body["email_address"]
        if hash in self.forgotten:
            return _problem(400, "Forgotten Email Not Subscribed", FORGOTTEN.format(email))
        if self.refuses(email):
            return _problem(400, "Invalid Resource", INVALID.format(email))
        if hash not in members:
            members[hash] = Member(email, body["status_if_new"])
        members[hash].merge_fields |= body.get("merge_fields", {})
        return self._change(members[hash], {name: body[name] for name in ("status",) if name in body})

    def _change(self, member: Member, body: dict[str, Any]) -> Reply:
        if member.left and body.get("status") == "subscribed":
            return _problem(400, "Member In Compliance State", COMPLIANCE.format(member.email))
        member.status = body.get("status", member.status)
        return _shown(member, hashed(member.email))


def hashed(email: str) -> str:
    return hashlib.md5(email.lower().encode()).hexdigest()


def _shown(member: Member, hash: str) -> Reply:
    shown = {"id": hash, "email_address": member.email, "status": member.status, "merge_fields": member.merge_fields}
    return Reply(200, {**shown, "tags": [{"name": tag} for tag in sorted(member.tags)]})


def _problem(status: int, title: str, detail: str) -> Reply:
    body = {"type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": title, "status": status}
    return Reply(status, {**body, "detail": detail}, {"Content-Type": "application/problem+json; charset=utf-8"})
