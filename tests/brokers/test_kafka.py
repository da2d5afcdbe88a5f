"""`kith consume kafka` with a real broker: nothing is lost or doubled, whatever is killed."""

import random
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import kafka as cloud_events
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from graph.domain.model.errors import KithError
from service.brokers.kafka import KafkaSubscription, Topics
from service.config.settings import Settings
from tests.builders.brokers import Consuming, send_to_kafka, visit, visits
from tests.builders.runs import Run
from tests.builders.services import ROOT
from tools.kafka.server import Server

VISITS = 2_000


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic of the test's own."""
    return str(request.node.name)[:100]


def consuming(kafka: Server, topic: str, folder: Path, *more: str, **settings: str) -> Consuming:
    words = ("kafka", "--brokers", kafka.brokers, "--topic", topic, "--group", topic, *more)
    return Consuming(folder, *words, **settings)


def test_all_messages_are_stored_once(kafka: Server, topic: str, tmp_path: Path, run: Run) -> None:
    # given
    run(send_to_kafka(kafka.brokers, topic, visits(0, VISITS)))
    kith = consuming(kafka, topic, tmp_path).start()
    kith.wait_for(VISITS)
    # when: more comes while it runs, and the same again
    run(send_to_kafka(kafka.brokers, topic, visits(VISITS - 100, VISITS + 100)))
    kith.wait_for(VISITS + 100)
    # then
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS + 100, "interaction": VISITS + 100}
    # when: it starts again, and nothing is new
    kith.start()
    run(send_to_kafka(kafka.brokers, topic, visits(VISITS + 100, VISITS + 101)))
    kith.wait_for(VISITS + 101)
    # then
    assert kith.terminate() == 0, kith.log
    assert "1 messages; records: 1 accepted, 0 duplicate" in kith.log


@pytest.mark.timeout(1_200)
def test_killing_the_consumer_loses_and_doubles_nothing(kafka: Server, topic: str, tmp_path: Path, run: Run) -> None:
    # given: a member that keeps its name, so that the group does not wait for the one that was killed
    run(send_to_kafka(kafka.brokers, topic, visits(0, VISITS)))
    kith = consuming(kafka, topic, tmp_path, "--batch", "20", "--member", "one")
    # when
    for kills in range(1, 21):
        kith.start()
        kith.wait_for(min(kith.stored()["interaction"] + random.randint(1, 60), VISITS - 20 * (20 - kills)))
        kith.kill()
    # then
    kith.start()
    kith.wait_for(VISITS)
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS, "interaction": VISITS}
    assert kith.refused() == []


def test_killing_the_broker_loses_and_doubles_nothing(kafka: Server, topic: str, tmp_path: Path, run: Run) -> None:
    # given
    run(send_to_kafka(kafka.brokers, topic, visits(0, VISITS)))
    kith = consuming(kafka, topic, tmp_path, "--batch", "20").start()
    kith.wait_for(100)
    # when
    kafka.kill()
    kafka.start()
    # then
    run(send_to_kafka(kafka.brokers, topic, visits(VISITS, VISITS + 100)))
    kith.wait_for(VISITS + 100)
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": VISITS + 100, "interaction": VISITS + 100}


def test_poison_is_kept_as_refused_and_stops_nothing(kafka: Server, topic: str, tmp_path: Path, run: Run) -> None:
    # given
    poison = [
        b"{not JSON",
        b"",
        b"\x00\x00\x00\x00\x07\x02\x04avro",
        b"\xff\xfe\x00",
        b'"a text"',
        b"7",
        b'{"id": "no-identifiers"}',
        b'{"id": "v-1", "at": "2026-01-01T00:00:00Z", "login": "another", "cookie": "c-1"}',
        b"[" * 100_000,
        None,
    ]
    values = [*visits(0, 10), *poison, *visits(10, 20)]
    # when: all in one partition
    run(send_to_kafka(kafka.brokers, topic, values, partitions=1))
    kith = consuming(kafka, topic, tmp_path).start()
    kith.wait_for(20)
    # then
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": 20, "interaction": 20}
    codes = [code for code, _ in kith.refused()]
    assert codes == ["ID_CONFLICT", *["INVALID_BODY"] * 5, *["NOT_MAPPED"] * 3]
    assert "another" not in kith.log


def test_cloud_events_of_both_modes_are_unwrapped(kafka: Server, topic: str, tmp_path: Path, run: Run) -> None:
    # given: records without an id of their own, in one event each, and two in one event
    def event(number: int, data: object) -> CloudEvent:
        attributes = {"id": f"e-{number}", "source": "/shop", "type": "visit", "specversion": "1.0"}
        return CloudEvent({**attributes, "datacontenttype": "application/json"}, data)

    def without_id(number: int) -> dict[str, object]:
        return {name: value for name, value in visit(number).items() if name != "id"}

    binary = [cloud_events.to_binary(event(number, without_id(number)), JSONFormat()) for number in range(5)]
    structured = [
        cloud_events.to_structured(event(number, without_id(number)), JSONFormat()) for number in range(5, 10)
    ]
    several = [cloud_events.to_structured(event(10, [without_id(10), without_id(11)]), JSONFormat())]
    messages = [*binary, *structured, *several]
    # when: each is delivered twice, the second time without the content type
    run(send_to_kafka(kafka.brokers, topic, [one.value for one in messages], [one.headers for one in messages]))
    again = [{name: value for name, value in one.headers.items() if name != "content-type"} for one in messages]
    run(send_to_kafka(kafka.brokers, topic, [one.value for one in messages], again))
    kith = consuming(kafka, topic, tmp_path).start()
    kith.wait_for(12)
    # then
    assert kith.terminate() == 0, kith.log
    assert "22 messages; records: 12 accepted, 12 duplicate, 0 ignored, 0 refused" in kith.log
    ids = {id for (id,) in kith.rows("SELECT public_id FROM observations WHERE kind = ''")}
    assert ids == {*(f"/shop#e-{number}" for number in range(10)), "/shop#e-10/0", "/shop#e-10/1"}


def test_lists_lines_and_compressed_messages_hold_many_records(
    kafka: Server, topic: str, tmp_path: Path, run: Run
) -> None:
    # given
    lines = b"\n".join([*visits(0, 1_200), b"{a broken line"])
    values = [lines, b"[" + b",".join(visits(1_200, 1_300)) + b"]", b"\0\0\0\0\7" + visits(1_300, 1_301)[0]]
    run(send_to_kafka(kafka.brokers, topic, values))
    for number, codec in enumerate(("gzip", "snappy", "lz4", "zstd")):
        run(send_to_kafka(kafka.brokers, topic, visits(1_301 + number, 1_302 + number), compression_type=codec))
    # when
    kith = consuming(kafka, topic, tmp_path).start()
    kith.wait_for(1_305)
    # then
    assert kith.terminate() == 0, kith.log
    assert kith.stored() == {"observation": 1_305, "interaction": 1_305}
    assert [code for code, _ in kith.refused()] == ["NOT_MAPPED"]


def test_a_group_shares_partitions_and_a_rebalance_does_no_harm(
    kafka: Server, topic: str, tmp_path: Path, run: Run
) -> None:
    # given
    run(send_to_kafka(kafka.brokers, topic, visits(0, VISITS)))
    first = consuming(kafka, topic, tmp_path, "--batch", "10").start()
    first.wait_for(50)
    # when: another process joins in the middle, and the first one leaves
    second = consuming(kafka, topic, tmp_path, "--batch", "10").start()
    second.wait_for(VISITS // 2)
    assert first.terminate() == 0, first.log
    # then
    second.wait_for(VISITS)
    assert second.terminate() == 0, second.log
    assert second.stored() == {"observation": VISITS, "interaction": VISITS}
    assert second.refused() == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--topic", "no-such-topic"), "the brokers have no topic 'no-such-topic'"),
        (("--brokers", "127.0.0.1:1", "--topic", "any"), "no broker of Kafka can be reached: 127.0.0.1:1: "),
        (("--brokers", "user:secret@127.0.0.1:1", "--topic", "any"), "must not contain a user or a password"),
        (("--brokers", "127.0.0.1", "--topic", "any"), "'127.0.0.1' is not HOST:PORT"),
    ],
)
def test_what_cannot_be_consumed_is_an_error_that_names_it(
    kafka: Server, tmp_path: Path, words: tuple[str, ...], reason: str
) -> None:
    # when
    kith = Consuming(tmp_path, "kafka", "--brokers", kafka.brokers, "--group", "any", *words)
    status = kith.run()
    # then
    assert status == 2
    assert reason in kith.log
    assert "Traceback" not in kith.log
    assert "secret" not in kith.log


def test_tls_and_a_login_are_settings(kafka: Server, certificate: Path, topic: str, tmp_path: Path, run: Run) -> None:
    # given
    run(send_to_kafka(kafka.brokers, topic, visits(0, 10)))
    words = ("kafka", "--brokers", kafka.addresses["SECURE"], "--topic", topic, "--group", topic)
    login = {"KITH_KAFKA_SASL_USERNAME": "kith", "KITH_KAFKA_SASL_PASSWORD": "open-sesame"}
    ca = {"KITH_KAFKA_SSL_CA": str(certificate / "certificate.pem")}
    # when
    kith = Consuming(tmp_path, *words, **login, **ca, KITH_KAFKA_SECURITY_PROTOCOL="SASL_SSL").start()
    kith.wait_for(10)
    # then
    assert kith.terminate() == 0, kith.log
    assert "sesame" not in kith.log


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"kafka_sasl_password": "wrong-sesame"}, "accepts connections, but not this protocol or login"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "accepts connections, but not this protocol or login"),
        ({"kafka_ssl_ca": None}, "self-signed certificate"),
        ({"kafka_ssl_ca": ROOT / "Makefile"}, "KITH_KAFKA_SSL_CA"),
        ({"kafka_ssl_certificate": ROOT / "none.pem"}, "none.pem cannot be used: No such file or directory"),
    ],
)
def test_a_wrong_setting_is_named(
    kafka: Server, certificate: Path, run: Run, wrong: dict[str, Any], reason: str
) -> None:
    # given
    right = {
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_username": "kith",
        "kafka_sasl_password": "open-sesame",
        "kafka_ssl_ca": certificate / "certificate.pem",
    }
    topics = Topics([kafka.addresses["SECURE"]], ["any"], "any")
    # when
    with pytest.raises(KithError) as raised:
        run(KafkaSubscription.open(topics, Settings(_env_file=None, **{**right, **wrong})))
    # then
    assert reason in raised.value.message
    assert "sesame" not in raised.value.message
