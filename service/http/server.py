"""The server: uvicorn with limits for connections, and with an end in bounded time."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from graph.domain.model.errors import InvalidInput
from graph.identity_graph import IdentityGraph
from service.config.settings import Settings
from service.http.graphql_endpoint import GraphQLEndpoint
from service.http.protocol import Connections, HttpProtocol
from service.http.websocket_protocol import WebSocketProtocol
from service.runtime.worker import STARTED, Worker

log = logging.getLogger("kith")

BODIES, OPERATIONS, CONNECTIONS = 0.5, 0.8, 0.9
"""Parts of the time to shut down after which half bodies, running operations and unread answers are given up."""
SILENT_PEER_MILLISECONDS = 60_000
"""How long the kernel keeps a connection whose peer acknowledges nothing of what was sent: it has gone."""
_STEP_SECONDS = 0.05


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets on all addresses of a host. Raises `InvalidInput` if the address cannot be used."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # Accepted connections inherit it.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MILLISECONDS)
            listener.setblocking(False)
            # With port 0, all addresses get the free port of the first.
            listener.bind((address[0], port, *address[2:]))
            port = listener.getsockname()[1]
    except OSError as error:
        for listener in sockets:
            listener.close()
        name = "KITH_HOST" if isinstance(error, socket.gaierror) else "KITH_PORT"
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput("INVALID_SETTING", f"{name}: cannot listen on {host} port {port}: {reason}") from None
    return sockets


class Server(uvicorn.Server):
    """A server that ends within `KITH_SHUTDOWN_SECONDS` of a signal, and at once after a second one."""

    def __init__(self, app: Starlette, endpoint: GraphQLEndpoint, graph: IdentityGraph, settings: Settings) -> None:
        # The access log is off: the URL of a GET request contains its query, and with it personal data. Logging is set
        # up already, and uvicorn must not change it.
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            log_config=None,
            access_log=False,
            backlog=settings.max_sockets,
            timeout_keep_alive=settings.keep_alive_seconds,
            ws_max_size=settings.max_body_bytes,
            # Events are small. With hundreds of subscribers, compressing every event for each takes a tenth of the
            # time.
            ws_per_message_deflate=False,
        )
        super().__init__(config)
        self._endpoint, self._graph = endpoint, graph
        self._seconds, self._drain_seconds = settings.shutdown_seconds, settings.drain_seconds
        self._interrupted = False
        self.server_state: Connections = Connections(settings.max_sockets, settings.request_seconds)
        self._worker: Worker | None = None
        self._is_ready: Callable[[], bool] = bool

    def report_to(self, worker: Worker, is_ready: Callable[[], bool]) -> None:
        """Serve as a worker: report to its supervisor, and make way for a successor after SIGHUP."""
        self._worker, self._is_ready = worker, is_ready
        worker.end_with_supervisor()
        signal.signal(signal.SIGHUP, self._make_way)

    def _make_way(self, sig: int, frame: FrameType | None) -> None:
        """Begin to shut down while other workers accept connections."""
        if not self.should_exit:
            self._drain_seconds = 0
            self.handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Prepare, and begin to listen."""
        await super().startup(sockets)
        if self._worker is not None:
            self._worker.report(STARTED)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to shut down; a second signal ends the process."""
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.should_exit, self._interrupted = True, sig == signal.SIGINT
        # Not ready from now on, and each answer asks its client to open another connection.
        self._endpoint.shutting_down = self.server_state.closing = True
        # Whatever blocks the loop or a thread, the process ends.
        timer = threading.Timer(self._seconds, _exit, [self._seconds])
        timer.daemon = True
        timer.start()

    async def on_tick(self, counter: int) -> bool:
        """Do what is done ten times a second; close the connections of slow clients each second."""
        if counter % 10 == 0:
            self.server_state.close_slow(asyncio.get_running_loop().time())
            if self._worker is not None:
                self._worker.beat(self._is_ready())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End everything in order: new connections, idle ones, streams, bodies, operations, the store."""
        log.info("shutting down within %g s", self._seconds)
        began = asyncio.get_running_loop().time()
        for connection in self.server_state.http():
            if connection.busy:
                connection.shutdown()
        if not self._interrupted:
            await asyncio.sleep(min(self._drain_seconds, self._seconds * BODIES))
        await self._stop_listening(sockets or [])
        await self._graph.broadcaster.close()
        ending = asyncio.create_task(self._endpoint.end_sockets(began + self._seconds * OPERATIONS))
        if not await self._all_closed(began + self._seconds * BODIES):
            self._endpoint.body_timeout.expire()
            for connection in self.server_state.http():
                if not connection.busy:
                    connection.give_up()
        if not await self._all_closed(began + self._seconds * OPERATIONS):
            log.warning("gave up %s requests that were running", len(self.server_state.tasks))
            self._endpoint.gave_up = True
            for task in list(self.server_state.tasks):
                task.cancel()
        await self._all_closed(began + self._seconds * CONNECTIONS)
        ending.cancel()
        for remaining in list(self.server_state.connections):
            remaining.transport.abort()
        if not self.lifespan.should_exit:
            await self.lifespan.shutdown()

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the listening sockets once all connections that clients have opened are accepted."""
        loop = asyncio.get_running_loop()
        accepted: list[socket.socket] = []
        for listener, server in zip(sockets, self.servers, strict=True):
            with contextlib.suppress(OSError):  # most often that none waits
                while True:
                    accepted.append(listener.accept()[0])
            # Not a moment later: a connection that came in between would be reset.
            server.close()
        for connection in accepted:
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._new_connection, connection)

    def _new_connection(self) -> HttpProtocol:
        return HttpProtocol(self.config, self.server_state, self.lifespan.state)

    async def _all_closed(self, deadline: float) -> bool:
        """Wait until all connections are closed, no longer than until a time of the loop; return whether they are."""
        loop = asyncio.get_running_loop()
        while self.server_state.connections or self.server_state.tasks:
            now = loop.time()
            if now >= deadline:
                return False
            self.server_state.close_slow(now)
            await asyncio.sleep(_STEP_SECONDS)
            for connection in self.server_state.http():
                connection.shutdown()
        return True


def _exit(seconds: float) -> None:
    log.error("did not shut down within %g s; exiting", seconds)
    logging.shutdown()
    os._exit(1)
