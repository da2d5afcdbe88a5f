"""One Kafka broker and one NATS server for all tests."""

import ipaddress
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.builders.certificates import curve_key, name, private_pem
from tools.kafka import server as kafka_server
from tools.nats import server as nats_server
from tools.server_process import CannotStart


def unavailable(error: CannotStart) -> None:
    """Skip where a server cannot run; fail on CI, where all can."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no server can be started here: {error}")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `certificate.pem` of 127.0.0.1, which signs itself, `key.pem`, and both in `both.pem`."""
    folder, key, now = tmp_path_factory.mktemp("certificate"), curve_key(), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name("broker"))
        .issuer_name(name("broker"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(private_pem(key))
    (folder / "both.pem").write_bytes(private_pem(key) + certificate)
    return folder


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[kafka_server.Server]:
    """The broker, with a listener SECURE that wants TLS and the user `kith` with the password `open-sesame`."""
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_kith="open-sesame";'
    settings = {
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": str(certificate / "both.pem"),
        "listener.name.secure.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secure.plain.sasl.jaas.config": login,
    }
    home = tmp_path_factory.mktemp("kafka")
    try:
        with kafka_server.Server(home, listeners={"SECURE": "SASL_SSL"}, settings=settings) as server:
            yield server
    except CannotStart as error:
        unavailable(error)


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nats_server.Server]:
    try:
        with nats_server.Server(tmp_path_factory.mktemp("nats")) as server:
            yield server
    except CannotStart as error:
        unavailable(error)
