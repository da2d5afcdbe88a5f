"""A TCP proxy that fails as networks do: it ends connections, holds them, or forgets them."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

READ_SIZE = 65_536


class Proxy:
    """Forwards connections to a port of this machine, and counts the pieces of data it forwards in either direction.

    It forwards each message of the Bolt protocol as one piece, since client and server wait for each other.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.pieces = 0
        self.connections = 0
        self.cut_at: int | None = None
        """The number of the piece at which all connections are reset, counted from `pieces`."""
        self.cut_on: bytes | None = None
        """Bytes in a piece at which all connections are reset."""
        self.cut_bytes: int | None = None
        """The bytes of the piece at the cut that are still forwarded; all of it if `None`."""
        self.holds: Callable[[int], bool] = lambda connection: False
        """Whether a connection, by its number from 1, is held: what arrives on it is thrown away."""
        self.delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Reset all connections, as a restarted firewall does."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def _is_cut(self, data: bytes) -> bool:
        return (self.cut_at is not None and self.pieces >= self.cut_at) or (
            self.cut_on is not None and self.cut_on in data
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._forward(source, sink, number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, number: int) -> None:
        try:
            while data := await source.read(READ_SIZE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.holds(number):
                    continue
                self.pieces += 1
                if self._is_cut(data):
                    self.cut_at = self.cut_on = None
                    sink.write(data if self.cut_bytes is None else data[: self.cut_bytes])
                    # One turn of the loop lets the data leave; an abort would throw it away.
                    await asyncio.sleep(0)
                    self.reset()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            if not self.holds(number):
                sink.close()
