"""Destinations of type `nats` with a real server: what the streams hold afterward, and what a dead server costs."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nats as nats_client
import pytest
from nats.js import JetStreamContext

from graph.domain.model.errors import InvalidInput
from service.connectors.cloud_events import unwrap
from service.destinations.adapter import Outcome, Status, Unavailable
from service.destinations.nats import NatsAdapter
from tests.builders.brokers import stream_content
from tests.builders.destination_tools import read_in_node
from tests.builders.destinations import adapter_of, change, member, sent, sent_and_closed, settings_of, statuses
from tests.builders.runs import Run
from tools.nats.server import Server

USERS = """
authorization {
  users = [
    { user: "kith", password: "open-sesame", permissions: { publish: ["$JS.API.>", "_INBOX.>", "shop.changes.>"] } }
    { user: "admin", password: "admin-sesame" }
  ]
}
"""


@pytest.fixture
def stream(request: pytest.FixtureRequest, nats: Server, run: Run) -> str:
    """A stream of the test's own, with the subjects below its name."""
    name = "".join(letter if letter.isalnum() else "-" for letter in str(request.node.name))[:60]
    in_jetstream(nats.url, run, lambda context: context.add_stream(name=name, subjects=[f"{name}.>"]))
    return name


@pytest.fixture
def killed(nats: Server) -> Iterator[Server]:
    """The server, which runs again after the test."""
    yield nats
    nats.stop()
    nats.start()


def in_jetstream(url: str, run: Run, work: Callable[[JetStreamContext], Awaitable[Any]], **login: str) -> Any:
    async def connected() -> Any:
        client = await nats_client.connect(url, **login)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return run(connected())


def to(
    url: str, stream: str, more: str = "", env: dict[str, str] | None = None, subject: str = "", folder: Path = Path()
) -> Any:
    begin = subject or stream
    subjects = f'subject = "{begin}.audiences"\nchange_subject = "{begin}.changes"'
    text = f'type = "nats"\nservers = ["{url}"]\nstream = "{stream}"\n{subjects}\n{more}'
    return adapter_of(text, env or {}, folder)


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_update_is_an_event_in_the_subject_of_its_address(nats: Server, stream: str, run: Run, mode: str) -> None:
    # when
    adapter = to(nats.url, stream, f'mode = "{mode}"')
    outcomes = sent_and_closed(run, adapter, member(1, fields={"name": "Zoë"}), member(2))
    # then
    assert statuses(outcomes) == {Status.DONE}
    messages = run(stream_content(nats.url, stream))
    assert len({message.subject for message in messages}) == 2
    assert not [message for message in messages if "anna" in message.subject]
    message = messages[0]
    assert message.subject.startswith(f"{stream}.audiences.aud-1.")
    (event,) = unwrap(message.data, {name.lower(): value for name, value in message.headers.items()}) or []
    data = event.data if mode == "structured" else json.loads(event.data)
    assert event.attributes["id"] == outcomes[0].reference
    assert event.attributes["type"] == "kith.audience.member_added"
    assert event.attributes["datacontenttype"] == "application/json"
    assert data["fields"] == {"name": "Zoë"}
    # then: Node reads the structured mode as over HTTP
    if mode == "structured":
        (read,) = read_in_node([{"headers": dict(message.headers), "body": message.data.decode()}])
        assert read["id"] == outcomes[0].reference


def test_changes_of_a_customer_are_in_order_and_repeats_are_dropped(nats: Server, stream: str, run: Run) -> None:
    # given
    changes = [change(number, f"customer-{number % 7}") for number in range(300)]
    # when
    first = sent_and_closed(run, to(nats.url, stream), *changes)
    again = sent_and_closed(run, to(nats.url, stream), *changes)
    # then
    assert statuses(first) == statuses(again) == {Status.DONE}
    messages = run(stream_content(nats.url, stream))
    assert {message.subject for message in messages} == {f"{stream}.changes.customers_merged"}
    by_customer: dict[str, list[int]] = {}
    for message in messages:
        data = json.loads(message.data)["data"]
        by_customer.setdefault(data["customerId"], []).append(data["number"])
    assert by_customer == {f"customer-{one}": list(range(one, 300, 7)) for one in range(7)}


def test_a_state_that_comes_back_within_the_window_is_stored_again(nats: Server, stream: str, run: Run) -> None:
    # given: in, out and in again, each with an answer that was lost
    for present in (True, False, True):
        assert statuses(sent_and_closed(run, to(nats.url, stream), member(1, present))) == {Status.DONE}
    # then
    contents = [json.loads(message.data)["data"]["present"] for message in run(stream_content(nats.url, stream))]
    assert contents == [True, False, True]


def test_an_erasure_can_purge_what_the_stream_has_of_the_address(nats: Server, stream: str, run: Run) -> None:
    # given
    sent_and_closed(run, to(nats.url, stream), member(1), member(2))
    sent_and_closed(run, to(nats.url, stream), member(1, fields={"name": "Anne"}))
    # when
    erased = member(1, present=False, erased=True)
    outcomes = sent_and_closed(run, to(nats.url, stream, "purge_erased = true"), erased)
    # then
    assert statuses(outcomes) == {Status.DONE}
    contents = [json.loads(message.data) for message in run(stream_content(nats.url, stream))]
    assert [(content["type"], content["data"]["address"]["value"]) for content in contents] == [
        ("kith.audience.member_added", "anna2@shop.example"),
        ("kith.audience.member_erased", "anna1@shop.example"),
    ]


def test_a_message_that_is_too_large_is_dead_and_the_others_are_done(nats: Server, stream: str, run: Run) -> None:
    # given: a server that takes 1 MB, and a stream that takes less
    small = f"{stream}-small"
    in_jetstream(
        nats.url, run, lambda context: context.add_stream(name=small, subjects=[f"{small}.>"], max_msg_size=5_000)
    )
    updates = [member(number, fields={"text": "x" * size}) for number, size in enumerate((1, 10_000, 2_000_000, 2))]
    # when
    outcomes = sent_and_closed(run, to(nats.url, small), *updates)
    # then
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.DEAD, Status.DEAD, Status.DONE]
    assert len(run(stream_content(nats.url, small))) == 2


def test_a_stream_that_is_full_is_unavailable(nats: Server, stream: str, run: Run) -> None:
    # given
    full = f"{stream}-full"
    settings: dict[str, Any] = {"subjects": [f"{full}.>"], "max_msgs": 1, "discard": "new"}
    in_jetstream(nats.url, run, lambda context: context.add_stream(name=full, **settings))
    # when
    outcomes = sent_and_closed(run, to(nats.url, full), change(1), change(2), change(3))
    # then
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.RETRY, Status.RETRY]
    assert outcomes[1].message == f"the stream '{full}' refuses: maximum messages exceeded"
    with pytest.raises(Unavailable, match="maximum messages exceeded"):
        sent_and_closed(run, to(nats.url, full), change(4))


@pytest.mark.parametrize(
    ("name", "subject", "message"),
    [
        ("no-such-stream", "nobody-takes-it", "no stream takes the subject; the stream has to be 'no-such-stream'"),
        ("another", "", "the stream 'another' refuses: expected stream does not match"),
    ],
)
def test_a_stream_that_does_not_take_the_subject_is_named(
    nats: Server, stream: str, run: Run, name: str, subject: str, message: str
) -> None:
    with pytest.raises(Unavailable) as raised:
        sent_and_closed(run, to(nats.url, name, subject=subject or stream), member())
    assert raised.value.message == message


@pytest.mark.timeout(600)
def test_killing_the_server_loses_nothing(killed: Server, stream: str, run: Run) -> None:
    # given: a sender that sends what is owed until it is done, one batch after another
    nats, adapter = killed, to(killed.url, stream, "timeout_seconds = 5")
    owed = {number: change(number, f"customer-{number % 10}") for number in range(400)}
    problems: list[str] = []

    async def sending() -> None:
        batches = 0
        while owed:
            batch = list(owed.values())[:20]
            batches += 1
            try:
                outcomes = await sent(adapter, *batch)
            except Unavailable as unavailable:
                problems.append(unavailable.message)
                nats.start()
                continue
            for one, outcome in zip(batch, outcomes, strict=True):
                if outcome.status is Status.DONE:
                    del owed[int(one.data["number"])]
            if batches in (5, 12):
                nats.kill()
        await adapter.close()

    # when
    run(sending())
    # then
    assert len(problems) == 2
    received: dict[str, list[int]] = {}
    for message in run(stream_content(nats.url, stream)):
        data = json.loads(message.data)["data"]
        received.setdefault(data["customerId"], []).append(data["number"])
    assert received == {f"customer-{one}": list(range(one, 400, 10)) for one in range(10)}


def test_what_was_given_up_while_the_server_was_away_is_never_sent(killed: Server, stream: str, run: Run) -> None:
    # given
    nats, adapter = killed, to(killed.url, stream)

    async def sending() -> list[Outcome]:
        assert statuses(await sent(adapter, member(1))) == {Status.DONE}
        nats.kill()
        with pytest.raises(Unavailable):
            await sent(adapter, member(2))
        nats.start()
        # when: by now the address has to be out
        outcomes = await sent(adapter, member(2, present=False))
        await adapter.close()
        return outcomes

    outcomes = run(sending())
    # then
    assert statuses(outcomes) == {Status.DONE}
    contents = [json.loads(message.data)["data"] for message in run(stream_content(nats.url, stream))]
    assert [(content["address"]["value"], content["present"]) for content in contents] == [
        ("anna1@shop.example", True),
        ("anna2@shop.example", False),
    ]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """A server with users: `kith` may only publish changes."""
    (tmp_path / "users.conf").write_text(USERS)
    with Server(tmp_path / "nats", options=["--config", str(tmp_path / "users.conf")]) as server:
        yield server


def test_a_login_and_its_rights(guarded: Server, run: Run) -> None:
    # given
    admin = {"user": "admin", "password": "admin-sesame"}
    in_jetstream(guarded.url, run, lambda context: context.add_stream(name="shop", subjects=["shop.>"]), **admin)
    login = 'user = "kith"\npassword = "env:PASSWORD"\ntimeout_seconds = 1'
    # when, then
    adapter = to(guarded.url, "shop", login, {"PASSWORD": "open-sesame"})
    assert statuses(sent_and_closed(run, adapter, change(1))) == {Status.DONE}
    with pytest.raises(Unavailable, match="may not publish to the subjects") as raised:
        sent_and_closed(run, to(guarded.url, "shop", login, {"PASSWORD": "open-sesame"}), member())
    assert raised.value.login
    # when, then
    with pytest.raises(Unavailable, match="no server of NATS can be reached") as raised:
        sent_and_closed(run, to(guarded.url, "shop", login, {"PASSWORD": "wrong-sesame"}), change(1))
    assert raised.value.login
    assert "sesame" not in raised.value.message


def test_a_server_without_tls_is_told_no_password(nats: Server, run: Run) -> None:
    # given
    url = nats.url.replace("nats://", "tls://")
    # when, then
    with pytest.raises(Unavailable, match="secure connection not available"):
        sent_and_closed(run, to(url, "any", 'token = "env:TOKEN"', {"TOKEN": "open-sesame"}), member())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('mode = "batched"', "mode: "),
        ('subject = "a.>"', "subject: "),
        ('token = "open-sesame"', "token: .*env:NAME or file:PATH"),
        ("timeout_seconds = 1000", "timeout_seconds: "),
    ],
)
def test_wrong_settings_are_named(more: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        settings_of(f'type = "nats"\nservers = ["nats://n:4222"]\nstream = "shop"\n{more}')


def test_addresses_of_servers_have_no_user() -> None:
    with pytest.raises(InvalidInput, match=r"servers\.1: "):
        settings_of('type = "nats"\nservers = ["nats://user:secret@n:4222"]\nstream = "shop"')


def test_a_file_of_credentials_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"destination one: credentials: .*none\.creds is not a file"):
        to("nats://n:4222", "shop", 'credentials = "none.creds"', folder=tmp_path)


def test_servers_are_checked_without_sending(nats: Server, run: Run) -> None:
    async def check(adapter: NatsAdapter) -> None:
        try:
            await adapter.check()
        finally:
            await adapter.close()

    run(check(to(nats.url, "ANY")))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        run(check(to("nats://127.0.0.1:1", "ANY", "timeout_seconds = 2")))
