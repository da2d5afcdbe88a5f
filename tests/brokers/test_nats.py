"""`kith consume nats` with a real server: nothing is lost or doubled, whatever is killed."""

import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nats as nats_client
import pytest
from cloudevents.core.bindings import http as cloud_events
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

from graph.domain.model.errors import KithError
from service.brokers.nats import NatsSubscription, Stream
from service.config.settings import Settings
from service.runtime.broker_errors import BrokerUnavailable
from tests.builders.brokers import Consuming, send_to_nats, visit, visits, wait_for
from tests.builders.runs import Run
from tests.builders.services import ROOT
from tools.nats.server import Server

VISITS = 2_000


@pytest.fixture
def stream(request: pytest.FixtureRequest, nats: Server, run: Run) -> str:
    """A stream of the test's own, with the subjects below its name."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:60]
    in_jetstream(nats, run, lambda context: context.add_stream(name=name, subjects=[f"{name}.>"]))
    return name


def in_jetstream(nats: Server, run: Run, work: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        client = await nats_client.connect(nats.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return run(connected())


def consuming(nats: Server, stream: str, folder: Path, *more: str, **settings: str) -> Consuming:
    words = ("nats", "--servers", nats.url, "--stream", stream, "--durable", "kith", *more)
    return Consuming(folder, *words, **settings)


def pending(nats: Server, run: Run, stream: str) -> int:
    """How many messages are not acknowledged or not delivered."""
    info = in_jetstream(nats, run, lambda context: context.consumer_info(stream, "kith"))
    return (info.num_pending or 0) + (info.num_ack_pending or 0)


def test_all_messages_are_stored_once(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given
    run(send_to_nats(nats.url, f"{stream}.de", visits(0, VISITS)))
    kith = consuming(nats, stream, tmp_path).start()
    kith.wait_for(VISITS)
    # when: more comes while it runs, and the same again
    run(send_to_nats(nats.url, f"{stream}.at", visits(VISITS - 100, VISITS + 100)))
    kith.wait_for(VISITS + 100)
    # then
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS + 100, "interaction": VISITS + 100}
    assert pending(nats, run, stream) == 0


def test_a_subject_chooses_messages(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given
    for number, country in enumerate(("de", "at", "de")):
        run(send_to_nats(nats.url, f"{stream}.{country}.visits", visits(number, number + 1)))
    # when
    kith = consuming(nats, stream, tmp_path, "--subject", f"{stream}.de.*").start()
    kith.wait_for(2)
    # then
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": 2, "interaction": 2}
    # when: the consumer exists with another subject
    other = consuming(nats, stream, tmp_path, "--subject", f"{stream}.at.*")
    # then
    assert other.run() == 2
    assert "the consumer 'kith' exists and has the subject" in other.log


@pytest.mark.timeout(1_200)
def test_killing_the_consumer_loses_and_doubles_nothing(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given: a consumer that gets soon again what a killed process had
    durable = ConsumerConfig(durable_name="kith", ack_wait=2)
    in_jetstream(nats, run, lambda context: context.add_consumer(stream, durable))
    run(send_to_nats(nats.url, f"{stream}.de", visits(0, VISITS)))
    kith = consuming(nats, stream, tmp_path, "--batch", "20")
    # when
    for kills in range(1, 11):
        kith.start()
        kith.wait_for(min(kith.stored()["interaction"] + random.randint(1, 60), VISITS - 20 * (10 - kills)))
        kith.kill()
    # then
    kith.start()
    kith.wait_for(VISITS)
    wait_for(lambda: pending(nats, run, stream) == 0, "all is acknowledged")
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS, "interaction": VISITS}
    assert kith.refused() == []


def test_killing_the_server_loses_and_doubles_nothing(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given: acknowledgments that were lost are asked for again soon
    durable = ConsumerConfig(durable_name="kith", ack_wait=2)
    in_jetstream(nats, run, lambda context: context.add_consumer(stream, durable))
    kith = consuming(nats, stream, tmp_path, "--batch", "20").start()
    for kills in range(1, 6):
        run(send_to_nats(nats.url, f"{stream}.de", visits(400 * (kills - 1), 400 * kills)))
        kith.wait_for(400 * (kills - 1) + random.randint(1, 300))
        # when
        nats.kill()
        nats.start()
    # then
    kith.wait_for(VISITS)
    wait_for(lambda: pending(nats, run, stream) == 0, "all is acknowledged")
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS, "interaction": VISITS}


def test_a_consumer_that_was_deleted_is_made_again(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given
    kith = consuming(nats, stream, tmp_path).start()
    run(send_to_nats(nats.url, f"{stream}.de", visits(0, 10)))
    kith.wait_for(10)
    # when
    in_jetstream(nats, run, lambda context: context.delete_consumer(stream, "kith"))
    run(send_to_nats(nats.url, f"{stream}.de", visits(10, 20)))
    # then
    kith.wait_for(20)
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": 20, "interaction": 20}


def test_poison_and_cloud_events(nats: Server, stream: str, tmp_path: Path, run: Run) -> None:
    # given
    attributes = {"id": "1", "source": "/shop é", "type": "visit", "specversion": "1.0"}
    data = {name: value for name, value in visit(1).items() if name != "id"}
    event = CloudEvent({**attributes, "datacontenttype": "application/json"}, data)
    binary, structured = cloud_events.to_binary(event, JSONFormat()), cloud_events.to_structured(event, JSONFormat())
    run(send_to_nats(nats.url, f"{stream}.de", [b"{not JSON", b"", b"7"]))
    run(send_to_nats(nats.url, f"{stream}.de", [binary.body], binary.headers))
    run(send_to_nats(nats.url, f"{stream}.de", [structured.body], structured.headers))
    # when
    kith = consuming(nats, stream, tmp_path).start()
    run(send_to_nats(nats.url, f"{stream}.de", visits(2, 3)))
    kith.wait_for(2)
    # then
    assert kith.terminate() == 0, kith.log
    assert [code for code, _ in kith.refused()] == ["INVALID_BODY", "INVALID_BODY", "NOT_MAPPED"]
    assert {id for (id,) in kith.rows("SELECT public_id FROM observations WHERE kind = ''")} == {"/shop é#1", "v-2"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--stream", "NONE"), "the server has no stream 'NONE'"),
        (("--stream", "any.thing"), "invalid stream name"),
        (
            ("--servers", "nats://127.0.0.1:1", "--stream", "any"),
            "no server of NATS can be reached at nats://127.0.0.1",
        ),
        (("--servers", "nats://kith:secret@127.0.0.1:1", "--stream", "any"), "must not contain a user or a password"),
        (("--servers", "http://127.0.0.1:1", "--stream", "any"), "is not nats://HOST:PORT"),
    ],
)
def test_what_cannot_be_consumed_is_an_error_that_names_it(
    nats: Server, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    # when
    kith = Consuming(tmp_path, "nats", "--servers", nats.url, "--durable", "kith", *words)
    status = kith.run()
    # then
    assert status == 2
    assert reason in kith.log
    assert "Traceback" not in kith.log
    assert "secret" not in kith.log


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({}, "the server has no stream 'NONE'"),
        ({"nats_password": "wrong-sesame"}, "Authorization"),
        ({"nats_tls_ca": None}, "certificate verify failed"),
        ({"nats_tls_certificate": ROOT / "none.pem"}, "none.pem cannot be used: No such file or directory"),
        ({"nats_credentials": ROOT / "none.creds"}, "KITH_NATS_CREDENTIALS"),
    ],
)
def test_tls_and_a_login_are_settings_and_a_wrong_one_is_named(
    certificate: Path, tmp_path: Path, run: Run, wrong: dict[str, Any], reason: str
) -> None:
    # given
    options = ["--tls", "--tlscert", str(certificate / "certificate.pem"), "--tlskey", str(certificate / "key.pem")]
    right = {
        "nats_user": "kith",
        "nats_password": "open-sesame",
        "nats_tls_ca": certificate / "certificate.pem",
    }
    with Server(tmp_path, options=[*options, "--user", "kith", "--pass", "open-sesame"]) as secure:
        stream = Stream([secure.url.replace("nats:", "tls:")], "NONE", "kith")
        # when
        with pytest.raises(KithError) as raised:
            run(NatsSubscription.open(stream, Settings(_env_file=None, **{**right, **wrong})))
    # then
    assert reason in raised.value.message
    assert "sesame" not in raised.value.message


def test_tls_is_not_given_up_if_the_server_has_none(nats: Server, run: Run) -> None:
    # given
    stream = Stream([nats.url.replace("nats:", "tls:")], "NONE", "kith")
    # when
    with pytest.raises(BrokerUnavailable, match="secure connection not available"):
        run(NatsSubscription.open(stream, Settings(_env_file=None, nats_user="kith", nats_password="open-sesame")))


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Callable[[Path], sqlite3.Connection]]:
    """Takes the write lock of a SQLite store, as a long transaction does; closing the connection gives it back."""
    connections: list[sqlite3.Connection] = []

    def lock(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        connection.execute("BEGIN IMMEDIATE")
        connections.append(connection)
        return connection

    yield lock
    for connection in connections:
        connection.close()


def test_a_store_that_cannot_be_written_is_waited_for(
    nats: Server, stream: str, tmp_path: Path, run: Run, locked: Callable[[Path], sqlite3.Connection]
) -> None:
    # given
    run(send_to_nats(nats.url, f"{stream}.de", visits(0, 10)))
    kith = consuming(nats, stream, tmp_path).start()
    kith.wait_for(10)
    # when
    lock = locked(kith.store)
    run(send_to_nats(nats.url, f"{stream}.de", visits(10, 20)))
    wait_for(lambda: "cannot be stored now" in kith.log, "the store is found locked")
    # then: asked to stop, the process ends, and acknowledges nothing
    assert kith.terminate() == 0, kith.log
    assert "neither stored nor acknowledged; they come again" in kith.log
    assert pending(nats, run, stream) == 10
    # when
    kith.start()
    lock.close()
    # then
    kith.wait_for(20)
    assert kith.terminate() == 0, kith.log
    assert pending(nats, run, stream) == 0
