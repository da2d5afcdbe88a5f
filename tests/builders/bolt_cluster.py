"""A cluster that speaks the Bolt protocol and stores nothing: members with roles, that lag behind each other.

Each transaction at the leader is numbered. A member that has not applied what a bookmark stands for waits, as Neo4j's
members do. Whatever a query is, its answer is the name of the member and the number of the last transaction it has.
See the specification of Bolt 5.4 in Neo4j's documentation.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

# The codec only: the driver's own, so that both sides agree on values.
from neo4j._codec.packstream._common import UnpackableBuffer
from neo4j._codec.packstream.v1 import Packer, Unpacker

GOODBYE, RESET, PULL = 0x02, 0x0F, 0x3F
SUCCESS, RECORD, IGNORED, FAILURE = 0x70, 0x71, 0x7E, 0x7F
OWN_QUESTIONS = ("getRoutingTable", "SHOW TRANSACTIONS")
"""What Kith asks about the cluster itself."""
VERSION = bytes((0, 0, 4, 5))
NOT_A_LEADER = "Neo.ClientError.Cluster.NotALeader"
INVALID_BOOKMARK = "Neo.ClientError.Transaction.InvalidBookmark"


def bookmark(number: int) -> str:
    """The bookmark of a transaction."""
    return f"FB:{number:04}"


class Transacted(NamedTuple):
    """A transaction that a member was asked for, with the bookmarks it had to wait for."""

    member: str
    mode: str
    bookmarks: tuple[str, ...]
    query: str


class Member:
    """One server of the cluster."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self._cluster, self.name = cluster, name
        self.applied = 0
        self.lags = False
        """Whether it does not apply what the leader commits."""
        self.address = ""
        self.connections: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.connections.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await reader.readexactly(20)
            writer.write(VERSION)
            await _Connection(self._cluster, self, reader, writer).serve()
        self.connections.discard(task)
        writer.close()


class Cluster:
    """The members; the first one leads until another is chosen. `transacted` is what they were asked for, in order."""

    def __init__(self, names: Sequence[str]) -> None:
        self.members = {name: Member(self, name) for name in names}
        self.leader = self.stated_leader = names[0]
        """Who leads, and who the members say does: they find out later."""
        self.committed = 0
        self.applying = asyncio.Condition()
        self.transacted: list[Transacted] = []

    def of_mode(self, mode: str) -> list[Transacted]:
        return [one for one in self.transacted if one.mode == mode]

    async def commit(self) -> int:
        async with self.applying:
            self.committed += 1
            for member in self.members.values():
                if not member.lags:
                    member.applied = self.committed
            self.applying.notify_all()
        return self.committed

    async def catch_up(self, name: str) -> None:
        """Let a member apply everything."""
        async with self.applying:
            self.members[name].lags, self.members[name].applied = False, self.committed
            self.applying.notify_all()

    def table(self) -> list[dict[str, Any]]:
        """The routing table: readers are all but the leader."""
        addresses = {name: member.address for name, member in self.members.items()}
        readers = [address for name, address in addresses.items() if name != self.stated_leader]
        return [
            {"role": "WRITE", "addresses": [addresses[self.stated_leader]]},
            {"role": "READ", "addresses": readers or list(addresses.values())},
            {"role": "ROUTE", "addresses": list(addresses.values())},
        ]


class _Connection:
    def __init__(
        self, cluster: Cluster, member: Member, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._cluster, self._member, self._reader, self._writer = cluster, member, reader, writer
        self._mode, self._in_transaction, self._failed = "w", False, False
        self._writes = False
        self._rows: list[list[Any]] = []

    async def serve(self) -> None:
        while True:
            tag, fields = await self._receive()
            if tag == GOODBYE:
                return
            if self._failed and tag != RESET:
                self._send(IGNORED)
                continue
            try:
                await self._handle(tag, fields)
            except _Refused as refused:
                self._failed = True
                self._send(FAILURE, {"code": refused.code, "message": "refused"})
            await self._writer.drain()

    async def _handle(self, tag: int, fields: list[Any]) -> None:
        match tag:
            case 0x01:  # HELLO
                self._send(SUCCESS, {"server": "Neo4j/5.26.0", "connection_id": "bolt-1", "hints": {}})
            case 0x66:  # ROUTE
                self._send(SUCCESS, {"rt": {"ttl": 1, "db": "neo4j", "servers": self._cluster.table()}})
            case 0x10:  # RUN
                if not self._in_transaction:
                    await self._begin(fields[2], fields[0])
                self._rows = [[self._cluster.table()]] if "getRoutingTable" in fields[0] else [[*self._state]]
                names = ["servers"] if "getRoutingTable" in fields[0] else ["member", "applied"]
                self._send(SUCCESS, {"fields": names, "t_first": 0})
            case 0x11:  # BEGIN
                await self._begin(fields[0], "")
                self._in_transaction = True
                self._send(SUCCESS, {})
            case 0x3F | 0x2F:  # PULL, DISCARD
                for row in self._rows if tag == PULL else ():
                    self._send(RECORD, row)
                ended = {} if self._in_transaction else {"bookmark": await self._end()}
                self._send(SUCCESS, {"type": "r", "t_last": 0, "db": "neo4j", **ended})
            case 0x12:  # COMMIT
                self._in_transaction = False
                self._require_leader()
                self._send(SUCCESS, {"bookmark": await self._end()})
            case 0x0F | 0x13:  # RESET, ROLLBACK
                self._failed = self._in_transaction = False
                self._send(SUCCESS, {})
            case _:
                self._send(SUCCESS, {})

    @property
    def _state(self) -> tuple[str, int]:
        return self._member.name, self._member.applied

    async def _begin(self, extra: dict[str, Any], query: str) -> None:
        self._mode = extra.get("mode", "w")
        self._writes = self._mode == "w" and (not query or "CREATE" in query)
        bookmarks = tuple(sorted(extra.get("bookmarks", ())))
        if not any(own in query for own in OWN_QUESTIONS):
            self._cluster.transacted.append(Transacted(self._member.name, self._mode, bookmarks, query))
        self._require_leader()
        for text in bookmarks:
            if not text.removeprefix("FB:").isdecimal():
                raise _Refused(INVALID_BOOKMARK)
        newest = max((int(text.removeprefix("FB:")) for text in bookmarks), default=0)
        async with self._cluster.applying:
            await self._cluster.applying.wait_for(lambda: self._member.applied >= newest)

    def _require_leader(self) -> None:
        if self._mode == "w" and self._member.name != self._cluster.leader:
            self._cluster.stated_leader = self._cluster.leader
            raise _Refused(NOT_A_LEADER)

    async def _end(self) -> str:
        return bookmark(await self._cluster.commit() if self._writes else self._member.applied)

    async def _receive(self) -> tuple[int, list[Any]]:
        message = b""
        while length := int.from_bytes(await self._reader.readexactly(2)):
            message += await self._reader.readexactly(length)
        unpacker = Unpacker(UnpackableBuffer(bytearray(message)))
        size, tag = unpacker.unpack_structure_header()
        return tag[0], [unpacker.unpack() for _ in range(size)]

    def _send(self, tag: int, *fields: Any) -> None:
        buffer = Packer.new_packable_buffer()
        Packer(buffer).pack_struct(bytes((tag,)), fields)
        for begin in range(0, len(buffer.data), 0xFFFF):
            chunk = bytes(buffer.data[begin : begin + 0xFFFF])
            self._writer.write(len(chunk).to_bytes(2) + chunk)
        self._writer.write(b"\0\0")


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@asynccontextmanager
async def cluster_of(*names: str) -> AsyncIterator[Cluster]:
    """A cluster whose members listen, each at its own port."""
    cluster = Cluster(names)
    servers = []
    for member in cluster.members.values():
        server = await asyncio.start_server(member.accept, "127.0.0.1", 0)
        member.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        servers.append(server)
    try:
        yield cluster
    finally:
        for server in servers:
            server.close()
        open_connections = [task for member in cluster.members.values() for task in member.connections]
        for task in open_connections:
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)
