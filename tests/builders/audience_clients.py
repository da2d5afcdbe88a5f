"""A client of a service whose customers consent, and that sends what is owed to one destination."""

from typing import Any

from graph.domain.model.audiences import DestinationInfo, Outcome, Status
from service.bootstrap import SystemClock
from service.destinations.adapter import DONE, MemberUpdate
from service.destinations.lease import Lease
from service.destinations.sender import Sender
from tests.builders.audiences import ListDestination
from tests.builders.clients import Client, identifiers, seen

TOOL = DestinationInfo("tool", "webhook", frozenset({"email", "phone"}))
CREATE = """mutation($input: CreateAudienceInput!) { createAudience(input: $input) {
  audience { id segmentId destination purpose channel namespaces externalId fields { name attribute } ttlDays
    createdBy }
  errors { code message path } } }"""
CONSENTS = "mutation($input: RecordConsentsInput!) { recordConsents(input: $input) { errors { code } } }"
SEGMENT = """mutation($input: CreateSegmentInput!) { createSegment(input: $input) {
  segment { id } errors { code } } }"""


class AudienceClient:
    """Fills a service with people who consent, and sends what it owes to one destination."""

    def __init__(self, client: Client, authorization: dict[str, str] | None = None) -> None:
        self.client, self.tool = client, ListDestination()
        self.tool.batch_size = 500
        self.refused: dict[str, str] = {}
        """What the destination refuses for good: its answers by address."""
        self.tool.answer = self._answer
        self._authorization = authorization or {}
        self.sender = Sender(client.graph, TOOL.name, self.tool, Lease(client.wiring.store, SystemClock(), TOOL.name))

    def _answer(self, update: MemberUpdate) -> Outcome:
        return Outcome(Status.DEAD, self.refused[update.value]) if update.value in self.refused else DONE

    @property
    def addresses(self) -> set[str]:
        """The addresses that the destination holds."""
        return {key.partition("=")[2] for _, key in self.tool.held}

    def ask(self, query: str, variables: dict[str, Any]) -> Any:
        body = self.client.send(query, variables, **self._authorization).json()
        assert "errors" not in body, body
        (value,) = body["data"].values()
        assert value["errors"] == [], value
        return value

    def fill(self, count: int, consenting: int | None = None) -> list[str]:
        """Record customers with an email address, of whom the first consent to the newsletter; return the addresses."""
        addresses = [f"c{number:04}@mail.example" for number in range(count)]
        self.client.link(*(seen(f"email={address}") for address in addresses))
        self.decide("GIVEN", *addresses[:consenting])
        return addresses

    def decide(self, decision: str, *addresses: str) -> None:
        """Record a decision about the newsletter by email of each address."""
        consents = [
            {
                "source": "web",
                "identifiers": identifiers(f"email={address}"),
                "purpose": "newsletter",
                "channel": "EMAIL",
                "decision": decision,
            }
            for address in addresses
        ]
        if consents:
            self.ask(CONSENTS, {"input": {"consents": consents}})

    def segment(self, name: str = "all", rule: dict[str, Any] | None = None) -> str:
        """Create a segment, of everybody with an email address unless said, and evaluate it."""
        rule = rule or {"hasNamespace": "email"}
        created = self.ask(SEGMENT, {"input": {"name": name, "rule": rule}})
        self.catch_up()
        return str(created["segment"]["id"])

    def audience(self, segment: str, **more: Any) -> str:
        """Create an audience of a segment for the newsletter."""
        values = {"segmentId": segment, "destination": "tool", "purpose": "newsletter", "channel": "EMAIL", **more}
        return str(self.ask(CREATE, {"input": values})["audience"]["id"])

    def catch_up(self) -> None:
        """Evaluate all segments."""
        self.client._run(self.client.graph.segment_worker.catch_up())

    def owe(self) -> None:
        """Decide about all members of audiences, and send nothing."""
        self.catch_up()
        while self.client._run(self.client.graph.ledger.maintain(TOOL.name)):
            pass

    def deliver(self) -> None:
        """Send everything that is owed."""
        self.catch_up()
        while self.client._run(self.sender.step()):
            pass
