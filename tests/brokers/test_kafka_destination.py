"""Destinations of type `kafka` with a real broker: what the topics hold afterward, and what a dead broker costs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat

from graph.domain.model.errors import InvalidInput
from service.destinations.adapter import Outcome, Status, Unavailable
from service.destinations.kafka import KafkaAdapter
from tests.builders.brokers import create_topic, topic_content
from tests.builders.destination_tools import read_in_node
from tests.builders.destinations import adapter_of, change, member, sent, sent_and_closed, settings_of, statuses
from tests.builders.runs import Run
from tools.kafka.server import Server


@pytest.fixture
def topic(request: pytest.FixtureRequest, kafka: Server, run: Run) -> str:
    """A topic of the test's own."""
    name = "".join(letter if letter.isalnum() else "-" for letter in str(request.node.name))[:100]
    run(create_topic(kafka.brokers, name))
    return name


@pytest.fixture
def killed(kafka: Server) -> Iterator[Server]:
    """The broker, which runs again after the test."""
    yield kafka
    kafka.stop()
    kafka.start()


def to(brokers: str, topic: str, more: str = "", env: dict[str, str] | None = None, folder: Path = Path()) -> Any:
    table = f'type = "kafka"\nbrokers = ["{brokers}"]\ntopic = "{topic}"\n{more}'
    return adapter_of(table, env or {}, folder)


def headers_of(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_an_update_is_an_event_by_the_key_of_its_address(kafka: Server, topic: str, run: Run, mode: str) -> None:
    # when
    adapter = to(kafka.brokers, topic, f'mode = "{mode}"')
    outcomes = sent_and_closed(run, adapter, member(1, fields={"name": "Zoë"}), member(2))
    # then
    assert statuses(outcomes) == {Status.DONE}
    records = {record.key: record for record in run(topic_content(kafka.brokers, topic))}
    assert len(records) == 2
    assert not [key for key in records if b"anna" in key]
    (record,) = (record for record in records.values() if "Zoë".encode() in record.value)
    message = KafkaMessage(dict(record.headers), record.key, record.value)
    event = from_kafka_event(message, JSONFormat())
    assert event.get_id() == outcomes[0].reference
    assert event.get_type() == "kith.audience.member_added"
    assert event.get_subject() == "customer-1"
    data = event.get_data()
    assert data["address"] == {"namespace": "email", "value": "anna1@shop.example"}
    assert data["fields"] == {"name": "Zoë"}
    # then: the same in Node
    (read,) = read_in_node([{"headers": headers_of(record), "key": record.key.decode(), "body": record.value.decode()}])
    assert (read["id"], read["type"]) == (outcomes[0].reference, "kith.audience.member_added")


def test_changes_of_a_customer_are_in_order_and_in_a_topic_of_their_own(kafka: Server, topic: str, run: Run) -> None:
    # given
    changes_topic = f"{topic}-changes"
    run(create_topic(kafka.brokers, changes_topic))
    # when
    adapter = to(kafka.brokers, topic, f'change_topic = "{changes_topic}"\ncompression = "zstd"')
    outcomes = sent_and_closed(run, adapter, *(change(number, f"customer-{number % 7}") for number in range(500)))
    # then
    assert statuses(outcomes) == {Status.DONE}
    by_customer: dict[bytes, list[int]] = {}
    for record in run(topic_content(kafka.brokers, changes_topic)):
        by_customer.setdefault(record.key, []).append(json.loads(record.value)["number"])
    assert by_customer == {b"customer-%d" % one: list(range(one, 500, 7)) for one in range(7)}
    assert run(topic_content(kafka.brokers, topic)) == []


def test_a_removal_in_a_compacted_topic_leaves_no_value(kafka: Server, topic: str, run: Run) -> None:
    # given
    compacted = f"{topic}-compacted"
    run(create_topic(kafka.brokers, compacted, cleanup_policy="compact"))
    adapter = to(kafka.brokers, compacted, "compacted = true")

    # when
    async def sending() -> None:
        for update in (member(1), member(1, present=False), member(2), member(2, present=False, erased=True)):
            assert statuses(await sent(adapter, update)) == {Status.DONE}
        await adapter.close()

    run(sending())
    # then: what a table of the topic holds, and what a reader of it was shown
    by_key: dict[bytes, list[str | None]] = {}
    for record in run(topic_content(kafka.brokers, compacted)):
        shown = headers_of(record).get("ce_type") if record.value is not None else None
        by_key.setdefault(record.key, []).append(shown)
    assert sorted(by_key.values(), key=str) == [
        ["kith.audience.member_added", "kith.audience.member_erased", None],
        ["kith.audience.member_added", "kith.audience.member_removed", None],
    ]


def test_a_message_that_is_too_large_is_dead_and_the_others_are_done(kafka: Server, topic: str, run: Run) -> None:
    # when
    outcomes = sent_and_closed(
        run, to(kafka.brokers, topic), member(1), member(2, fields={"text": "x" * 2_000_000}), member(3)
    )
    # then
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.DEAD, Status.DONE]
    assert outcomes[1].message == "too large for a message of Kafka (MessageSizeTooLargeError)"
    assert len(run(topic_content(kafka.brokers, topic))) == 2


@pytest.mark.timeout(600)
def test_killing_the_broker_loses_nothing(killed: Server, topic: str, run: Run) -> None:
    # given: a sender that sends what is owed until it is done, one batch after another
    kafka, adapter = killed, to(killed.brokers, topic, "timeout_seconds = 2")
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
                if not kafka_runs():
                    kafka.start()
                continue
            for one, outcome in zip(batch, outcomes, strict=True):
                if outcome.status is Status.DONE:
                    del owed[int(one.data["number"])]
            if batches == 5:
                kafka.kill()
        await adapter.close()

    def kafka_runs() -> bool:
        return kafka._answers()

    # when
    run(sending())
    # then
    assert problems
    received: dict[bytes, list[int]] = {}
    for record in run(topic_content(kafka.brokers, topic)):
        numbers = received.setdefault(record.key, [])
        number = json.loads(record.value)["number"]
        if number not in numbers:
            numbers.append(number)
    assert received == {b"customer-%d" % one: list(range(one, 400, 10)) for one in range(10)}


@pytest.mark.timeout(600)
def test_what_was_given_up_while_the_broker_was_away_is_never_sent(killed: Server, topic: str, run: Run) -> None:
    # given
    kafka, adapter = killed, to(killed.brokers, topic, "timeout_seconds = 2")

    async def sending() -> list[Outcome]:
        assert statuses(await sent(adapter, member(1))) == {Status.DONE}
        kafka.kill()
        with pytest.raises(Unavailable):
            await sent(adapter, member(2))
        kafka.start()
        # when: by now the address has to be out
        outcomes = []
        while not outcomes:
            try:
                outcomes = await sent(adapter, member(2, present=False))
            except Unavailable:
                continue
        await adapter.close()
        return outcomes

    outcomes = run(sending())
    # then
    assert statuses(outcomes) == {Status.DONE}
    contents = [json.loads(record.value) for record in run(topic_content(kafka.brokers, topic))]
    assert sorted((content["address"]["value"], content["present"]) for content in contents) == [
        ("anna1@shop.example", True),
        ("anna2@shop.example", False),
    ]


def test_tls_and_a_login_are_settings(kafka: Server, certificate: Path, topic: str, run: Run) -> None:
    # given
    more = """
security_protocol = "SASL_SSL"
sasl_username = "kith"
sasl_password = "env:PASSWORD"
ssl_ca = "certificate.pem"
"""
    adapter = to(kafka.addresses["SECURE"], topic, more, {"PASSWORD": "open-sesame"}, certificate)
    # when, then
    assert statuses(sent_and_closed(run, adapter, member())) == {Status.DONE}


@pytest.mark.parametrize(
    ("more", "password", "message", "login"),
    [
        ('security_protocol = "SASL_SSL"\nssl_ca = "certificate.pem"', "wrong-sesame", "but not this protocol", True),
        ('security_protocol = "SASL_SSL"', "open-sesame", "self-signed certificate", False),
        ("", "open-sesame", "but not this protocol", False),
    ],
)
def test_a_wrong_login_is_said_without_the_password(
    kafka: Server, certificate: Path, run: Run, more: str, password: str, message: str, login: bool
) -> None:
    # given
    text = f'{more}\nsasl_username = "kith"\nsasl_password = "env:PASSWORD"\ntimeout_seconds = 5'
    adapter = to(kafka.addresses["SECURE"], "any", text, {"PASSWORD": password}, certificate)
    # when, then
    with pytest.raises(Unavailable, match=message) as raised:
        sent_and_closed(run, adapter, member())
    assert raised.value.login is login
    assert "sesame" not in raised.value.message


def test_a_topic_that_does_not_exist_is_named(kafka: Server, run: Run) -> None:
    with pytest.raises(Unavailable, match="the brokers have no topic 'no-such-topic'"):
        sent_and_closed(run, to(kafka.brokers, "no-such-topic", "timeout_seconds = 2"), member())


def test_topics_are_checked_without_sending(kafka: Server, topic: str, run: Run) -> None:
    # given
    none = to(kafka.brokers, topic, 'change_topic = "no-such-topic"\ntimeout_seconds = 2')
    good = to(kafka.brokers, topic)

    async def check(adapter: KafkaAdapter) -> None:
        try:
            await adapter.check()
        finally:
            await adapter.close()

    # then
    run(check(good))
    with pytest.raises(Unavailable, match="the brokers have no topic 'no-such-topic'"):
        run(check(none))


def test_a_broker_that_does_not_exist_is_unavailable(run: Run) -> None:
    with pytest.raises(Unavailable, match=r"no broker of Kafka can be reached: 127\.0\.0\.1:1: "):
        sent_and_closed(run, to("127.0.0.1:1", "any", "timeout_seconds = 2"), member())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('mode = "batched"', "mode: "),
        ('security_protocol = "TLS"', "security_protocol: "),
        ('sasl_password = "open-sesame"', "sasl_password: .*env:NAME or file:PATH"),
        ('change_topic = "a b"', "change_topic: "),
    ],
)
def test_wrong_settings_are_named(more: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        settings_of(f'type = "kafka"\nbrokers = ["b:9092"]\ntopic = "t"\n{more}')


def test_addresses_of_brokers_have_no_user() -> None:
    with pytest.raises(InvalidInput, match=r"brokers\.1: "):
        settings_of('type = "kafka"\nbrokers = ["user:secret@b:9092"]\ntopic = "t"')


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"destination one: ssl_ca: .*none\.pem cannot be used"):
        to("b:9092", "t", 'security_protocol = "SSL"\nssl_ca = "none.pem"', folder=tmp_path)
