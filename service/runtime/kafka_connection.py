"""Connections to Kafka by aiokafka, the extra `kafka`: what readers and writers have in common."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from service.runtime.broker_errors import BrokerUnavailable

CONNECT_SECONDS = 10


class KafkaLogin(Struct, frozen=True):
    """How to connect. `protocol` is one of Kafka's: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    username: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None

    @property
    def has_password(self) -> bool:
        """Whether a user logs in."""
        return self.protocol.startswith("SASL")

    @property
    def options(self) -> dict[str, Any]:
        """The options of a client of aiokafka."""
        return {
            "client_id": "kith",
            "security_protocol": self.protocol,
            "ssl_context": self.context,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username if self.has_password else None,
            "sasl_plain_password": self.password if self.has_password else None,
        }


async def unreachable(brokers: Sequence[str], login: KafkaLogin, hint: str) -> BrokerUnavailable:
    """Return why no broker (HOST:PORT) accepts a client, which aiokafka only logs. `hint` is where the login is set."""
    reasons, accepted = [], False
    for broker in brokers:
        host, _, port = broker.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=login.context)
        except (OSError, TimeoutError) as error:
            reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or "no answer"
            reasons.append(f"{broker}: {reason}")
        else:
            writer.close()
            accepted = True
            reasons.append(f"{broker} accepts connections, but not this protocol or login: see {hint}")
    message = f"no broker of Kafka can be reached: {'; '.join(reasons)}"
    return BrokerUnavailable(message, accepted and login.has_password)
