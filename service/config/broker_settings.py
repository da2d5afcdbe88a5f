"""Settings of connections to message brokers: not options, because process lists would show the passwords."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class BrokerSettings(BaseSettings):
    """How `kith consume` connects to Kafka and to NATS."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How `kith consume kafka` connects: with TLS (SSL), with a login (SASL), or both."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="How the login is proven to Kafka."
    )
    kafka_sasl_username: str = Field("", description="User of the login to Kafka.")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="Password of the login to Kafka.")
    kafka_ssl_ca: Path | None = Field(
        None, description="PEM file of the authorities that sign the brokers' certificates; without it, the system's."
    )
    kafka_ssl_certificate: Path | None = Field(
        None, description="PEM file of the certificate that Kith shows to Kafka, for brokers that ask for it."
    )
    kafka_ssl_key: Path | None = Field(None, description="PEM file of the private key of that certificate.")
    kafka_ssl_key_password: SecretStr = Field(SecretStr(""), description="Password of that private key.")
    nats_credentials: Path | None = Field(
        None, description="Credentials file (JWT and seed) with which `kith consume nats` connects."
    )
    nats_user: str = Field("", description="User of the login to NATS.")
    nats_password: SecretStr = Field(SecretStr(""), description="Password of the login to NATS.")
    nats_token: SecretStr = Field(SecretStr(""), description="Token of the login to NATS.")
    nats_tls_ca: Path | None = Field(
        None, description="PEM file of the authorities that sign the servers' certificates; without it, the system's."
    )
    nats_tls_certificate: Path | None = Field(
        None, description="PEM file of the certificate that Kith shows to NATS, for servers that ask for it."
    )
    nats_tls_key: Path | None = Field(None, description="PEM file of the private key of that certificate.")
