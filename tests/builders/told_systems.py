"""The real service beside systems that follow what people decide: a receiver of webhooks, files, ad platforms.

    python -m tests.builders.told_systems

lets people agree and withdraw 50 times, and prints how long the withdrawal took to be everywhere. The platforms behind
the servers are fakes; one more destination refuses connections the whole time.
"""

import json
import socket
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from service.destinations.customer_match import google_email, meta_email, sha256
from tests.builders.ad_platforms import GoogleDataManager, MetaAudiences
from tests.builders.clients import LINK, seen
from tests.builders.destinations import SECRET
from tests.builders.file_drops import Receiver as FileReceiver
from tests.builders.operations import CONSENTS
from tests.builders.services import Service
from tests.builders.vendor_servers import Received, Reply, VendorServer

PEOPLE = [f"p{number}@example.com" for number in range(5)]
PURPOSE = "third_party_sharing"
WAIT_SECONDS = 120
CREATE_SEGMENT = """mutation($input: CreateSegmentInput!) {
    createSegment(input: $input) { segment { id } errors { message } } }"""
CREATE = """mutation($input: CreateAudienceInput!) {
    createAudience(input: $input) { audience { id } errors { message } } }"""


class Receiver(VendorServer):
    """A receiver of webhooks, which keeps who is in the audience."""

    def __init__(self) -> None:
        super().__init__()
        self.members: set[str] = set()

    def answer(self, request: Received) -> Reply:
        data = request.json["data"]
        change = self.members.add if data["present"] else self.members.discard
        change(data["address"]["value"])
        return Reply()


class Systems:
    """Real receivers of four destinations, and one that refuses connections."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder / "files"
        self.webhook = Receiver()
        self.google, self.meta = GoogleDataManager(), MetaAudiences()
        self.google.rounds = 0
        for server in (self.webhook, self.google, self.meta):
            stack.enter_context(server)
        self._folder.mkdir()
        (folder / "secret").write_text(SECRET)
        (folder / "meta.token").write_text(self.meta.token)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            closed = free.getsockname()[1]
        (folder / "destinations.toml").write_text(f"""
        [[destination]]
        name = "webhook"
        type = "webhook"
        [[destination.endpoints]]
        url = "{self.webhook.url}"
        secrets = ["file:secret"]

        [[destination]]
        name = "down"
        type = "webhook"
        [[destination.endpoints]]
        url = "http://127.0.0.1:{closed}"
        secrets = ["file:secret"]

        [[destination]]
        name = "letters"
        type = "files"
        url = "files"

        [[destination]]
        name = "google"
        type = "google-data-manager"
        credentials = "file:{self.google.key_file(folder).name}"
        operating_account = "1234567890"
        poll_seconds = 1
        url = "{self.google.url}"

        [[destination]]
        name = "meta"
        type = "meta-custom-audiences"
        access_token = "file:meta.token"
        url = "{self.meta.url}"
        """)

    def holding(self, address: str) -> dict[str, bool]:
        """Which of the destinations that are up hold an address."""
        return {
            "webhook": address in self.webhook.members,
            "letters": any(address in held for held in FileReceiver(self._folder).members().values()),
            "google": sha256(google_email(address)) in self.google.held(),
            "meta": any(sha256(meta_email(address)) in row.values() for row in self.meta.rows.get("1001", {}).values()),
        }


class ToldService:
    """`kith serve` with people who agree, and an audience of them at each destination."""

    def __init__(self, folder: Path, systems: Systems) -> None:
        self.systems = systems
        file, destinations = f"sqlite:///{folder / 'kith.db'}", folder / "destinations.toml"
        self.service = Service(file, folder, destinations=destinations).wait()
        self._decisions = 0

    def prepare(self) -> None:
        """Send everybody who agrees to all destinations."""
        self._ask(LINK, observations=[seen(f"email={who}", f"crm_id={who}", source="crm") for who in PEOPLE])
        segment = self._ask(CREATE_SEGMENT, name="known", rule={"known": True})["segment"]
        for name, list_id in (
            ("webhook", None),
            ("down", None),
            ("letters", None),
            ("google", "1001"),
            ("meta", "1001"),
        ):
            values = {"segmentId": segment["id"], "destination": name, "purpose": PURPOSE, "channel": "EMAIL"}
            self._ask(CREATE, **values, externalId=list_id)

    def decide(self, address: str, decision: str) -> float:
        """Record a decision and return after how many seconds each destination that is up has followed it."""
        self._decisions += 1
        began = time.monotonic()
        consent = {
            "source": "shop",
            "identifiers": [{"namespace": "email", "value": address}],
            "decidedAt": f"2026-01-01T00:{self._decisions // 60:02}:{self._decisions % 60:02}Z",
            "purpose": PURPOSE,
            "decision": decision,
        }
        self._ask(CONSENTS, consents=[consent])
        is_member = decision == "GIVEN"
        while set(self.systems.holding(address).values()) != {is_member}:
            assert time.monotonic() - began < WAIT_SECONDS, self.systems.holding(address)
            time.sleep(0.01)
        return time.monotonic() - began

    def statuses(self) -> dict[str, str]:
        """The status of each destination."""
        found = self.service.ask("{ destinations { name status } }")["destinations"]
        return {one["name"]: one["status"] for one in found}

    def stop(self) -> None:
        self.service.stop()

    def _ask(self, query: str, **input: Any) -> Any:
        (payload,) = self.service.ask(query, {"input": input}).values()
        assert not payload.get("errors"), payload
        return payload


def main() -> None:
    """Let people agree and withdraw 50 times; print how long the removal took to be everywhere, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        told = ToldService(Path(folder), Systems(Path(folder), stack))
        try:
            told.prepare()
            took = []
            for number in range(50):
                told.decide(PEOPLE[number % len(PEOPLE)], "GIVEN")
                took.append(told.decide(PEOPLE[number % len(PEOPLE)], "WITHDRAWN") * 1_000)
            print(
                json.dumps(
                    {"p50": round(statistics.median(took)), "max": round(max(took)), "statuses": told.statuses()}
                )
            )
        finally:
            told.stop()


if __name__ == "__main__":
    main()
