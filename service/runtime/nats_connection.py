"""Connections to NATS by nats-py, the extra `nats`: what readers and writers have in common."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import SecureConnWantedError

from service.runtime.broker_errors import BrokerUnavailable

client_log = logging.getLogger("nats")

CONNECT_SECONDS = 5


class NatsLogin(Struct, frozen=True):
    """How to connect: a user with a password, a token, or a file of credentials (JWT and seed)."""

    user: str = ""
    password: str = ""
    token: str = ""
    credentials: Path | None = None
    context: ssl.SSLContext | None = None
    """For servers with TLS."""


class _Client(Client):
    """A client that says nothing, above all no password, to a server without TLS if the address begins with `tls://`."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # nats-py itself would go on without encryption.
        if initial_connection and "tls" in self.options and not info.get("tls_required"):
            raise SecureConnWantedError
        await super()._process_info(info, initial_connection)


async def connect(servers: Sequence[str], login: NatsLogin, closed: asyncio.Event | None = None) -> Client:
    """Connect to one of the servers (nats://HOST:PORT or tls://HOST:PORT). Raises `BrokerUnavailable`.

    When the connection is lost, the client connects again for as long as it takes, and sends what it could not send
    before. With `closed`, it does not: it is closed, what it had not sent is gone, and the event is set.
    """
    client = _Client()
    errors: list[Exception] = []
    connected = False

    async def on_error(error: Exception) -> None:
        if connected:
            client_log.warning(type(error).__name__)
        else:
            errors.append(error)

    async def on_closed() -> None:
        if closed is not None:
            closed.set()

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect(
                list(servers),
                name="kith",
                error_cb=on_error,
                # The first connection must succeed soon.
                allow_reconnect=closed is None,
                max_reconnect_attempts=-1 if closed is None else 0,
                closed_cb=on_closed,
                reconnect_time_wait=1,
                tls=login.context,
                user=login.user or None,
                password=login.password or None,
                token=login.token or None,
                user_credentials=None if login.credentials is None else str(login.credentials),
            )
    except (NatsError, OSError, TimeoutError) as error:
        with suppress(NatsError, OSError):
            await client.close()
        # A server that refuses a login says so, and then closes the connection, which is an error of its own.
        refused = next((one for one in errors if "authorization" in str(one).lower()), None)
        reason = said(refused or (errors[-1] if errors else error))
        message = f"no server of NATS can be reached at {', '.join(servers)}: {reason}"
        raise BrokerUnavailable(message, refused is not None) from error
    connected = True
    return client


def said(error: Exception) -> str:
    """Return what an error says, in a line and without the name of the library."""
    return (str(error) or type(error).__name__).removeprefix("nats: ")
