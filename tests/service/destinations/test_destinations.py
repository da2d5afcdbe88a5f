"""Destinations of a file: what audiences are told of them, and that none waits for another."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.domain.model.audiences import Audience, DestinationInfo
from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import parse_time
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.ports import Store
from service.bootstrap import SystemClock
from service.config import destinations_file
from service.destinations.destinations import Destinations
from service.destinations.types import MODELS, TYPES
from tests.builders.clients import Client, seen
from tests.builders.destinations import ENVIRONMENT
from tests.builders.operations import decide
from tests.builders.runs import Run
from tests.builders.vendor_servers import Received, Reply, VendorServer

ANN = "email=ann@example.com"
TUESDAY = parse_time("2026-02-03T00:00:00Z").microseconds
WEBHOOK = """
[[destination]]
name = "{name}"
type = "webhook"
timeout_seconds = 10
[[destination.endpoints]]
url = "{url}"
secrets = ["env:NEW"]
"""


def opened(text: str) -> Destinations:
    return Destinations(destinations_file.parse(text, Path("/etc/kith/destinations.toml"), MODELS, ENVIRONMENT))


def test_without_a_file_there_are_none() -> None:
    assert Destinations.read(None).infos == []


def test_audiences_are_told_what_each_destination_takes() -> None:
    # when
    text = WEBHOOK.format(name="crm", url="https://crm.example/in").replace("timeout_seconds", "changes = true\n#")
    # then
    assert opened(text).infos == [DestinationInfo("crm", "webhook", None, True)]


@pytest.mark.parametrize(
    ("type", "settings", "accepted", "refused"),
    [
        ("brevo", 'api_key = "env:TOKEN"', "7", "list"),
        ("dmp", 'url = "https://dmp.example"', "skiers", ""),
        ("mailchimp", 'api_key = "env:TOKEN"\nserver = "us1"', "a1b2/VIP", "/VIP"),
        ("meta-custom-audiences", 'access_token = "env:TOKEN"', "238", "act_238"),
        ("the-trade-desk", 'token = "env:TOKEN"\nadvertiser_id = "x"', "skiers", ""),
    ],
)
def test_audiences_are_told_which_external_id_a_destination_needs(
    type: str, settings: str, accepted: str, refused: str
) -> None:
    # when
    (info,) = opened(f'[[destination]]\nname = "one"\ntype = "{type}"\n{settings}').infos
    # then
    assert info.external_ids is not None
    assert info.external_ids.problem(accepted) == ""
    assert info.external_ids.problem(refused).endswith(info.external_ids.meaning)
    assert info.external_ids.problem("").startswith("the audience has no external id: ")


def test_a_file_with_an_error_is_refused(tmp_path: Path) -> None:
    # given
    path = tmp_path / "destinations.toml"
    path.write_text('[[destination]]\nname = "one"\ntype = "pigeon"\n')
    # then
    with pytest.raises(InvalidInput, match="destination one: type is 'pigeon'"):
        Destinations.read(path)


def test_changes_are_refused_where_the_destination_takes_none() -> None:
    # given
    text = """
    [[destination]]
    name = "letters"
    type = "mailchimp"
    server = "us1"
    api_key = "env:TOKEN"
    changes = true
    """
    # then
    with pytest.raises(InvalidInput, match="destination letters: destinations of type mailchimp take no changes"):
        opened(text)


def test_every_type_has_settings_of_its_name() -> None:
    assert sorted(TYPES) == list(TYPES)
    for name, type in TYPES.items():
        assert type.settings.model_fields["type"].annotation.__args__ == (name,)  # type: ignore[union-attr]


class Receiver(VendorServer):
    """Keeps the addresses that are in the audience."""

    def __init__(self) -> None:
        super().__init__()
        self.members: set[str] = set()

    def answer(self, request: Received) -> Reply:
        data = request.json["data"]
        change = self.members.add if data["present"] else self.members.discard
        change(data["address"]["value"])
        return Reply()


def test_a_destination_that_never_answers_and_one_that_is_away_keep_nothing_from_the_others(
    store: Store, run: Run
) -> None:
    # given
    silent, away, good = Receiver(), Receiver(), Receiver()
    servers = {"silent": silent, "away": away, "good": good}
    for server in servers.values():
        server.start()
    silent.hold()
    away.stop()
    text = "".join(WEBHOOK.format(name=name, url=server.url) for name, server in servers.items())
    destinations = opened(text)
    client = Client(store, run, destinations=destinations.infos)
    run(client.wiring.prepare())
    client.link(seen(ANN, "crm_id=c-1", source="crm"))
    decide(client, ANN, decision="GIVEN", at="2026-02-02T00:00:00Z")
    segment = run(client.graph.segments.create("known", {"known": True}, "sue"))
    for name in servers:
        run(client.graph.audiences.create(Audience("", name, segment.id, "newsletter", "EMAIL", ("email",))))

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            await client.graph.segment_worker.catch_up()
            await asyncio.sleep(0.01)

    async def consent_is_withdrawn_while_all_is_sent() -> None:
        sending = asyncio.create_task(destinations.run(client.graph, store, SystemClock()))
        await until(lambda: good.members == {"ann@example.com"} and bool(silent.received))
        email = (("email", "ann@example.com"),)
        consents = [ConsentStatement("shop", email, "newsletter", Decision.WITHDRAWN, decided_at=TUESDAY)]
        await client.graph.record_consents(consents)
        await until(lambda: good.members == set())
        # The server answers before Kith has stored the answer.
        while [one for one in await client.graph.audiences.statuses() if one.info.name == "good" and one.counts]:
            await client.graph.segment_worker.catch_up()
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    try:
        # when
        run(asyncio.wait_for(consent_is_withdrawn_while_all_is_sent(), 120))
        # then: what the others are owed is still there
        statuses = {status.info.name: status for status in run(client.graph.audiences.statuses())}
        assert statuses["good"].counts == []
        assert {name for name, status in statuses.items() if status.counts} <= {"silent", "away"}
    finally:
        silent.release()
        for server in servers.values():
            server.stop()
