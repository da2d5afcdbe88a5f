"""Real brokers, what is sent to them, and `kith consume` in a process of its own."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import orjson

from tests.builders.services import ROOT
from tools.neo4j.guard import guard, release

MAPPING = """
title = "Visits"
id = "id"
at = "at"

[[statement]]
kind = "observation"
identifiers = { login = "login", cookie = "cookie" }

[[statement]]
kind = "interaction"
label = "visit"
when = { login = true }
identifiers = { login = "login" }
[statement.fields]
type = { value = "page_view" }
"""
"""Each record becomes an observation and an interaction."""
WAIT_SECONDS = 120


def visit(number: int, **more: Any) -> dict[str, Any]:
    """A record that `MAPPING` takes; a person has five of them."""
    fields = {"id": f"v-{number}", "at": "2026-01-01T00:00:00Z", "login": f"u{number // 5}", "cookie": f"c-{number}"}
    return {**fields, **more}


def visits(first: int, end: int) -> list[bytes]:
    return [orjson.dumps(visit(number)) for number in range(first, end)]


def wait_for(condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Wait until a condition is met, and return its value."""
    for _ in range(int(seconds / 0.05)):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:g} s")


class Consuming:
    """`kith consume` with a folder of its own, which has the store and the mapping."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self._folder, self._words, self._settings = folder, words, settings
        self.store = folder / "kith.db"
        (folder / "visits.toml").write_text(MAPPING)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        path = self._folder / "consume.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> "Consuming":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
        environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")]), **self._settings}
        command = [sys.executable, "-m", "service", "consume", *self._words, "--source", "shop", "--as", "visits.toml"]
        with (self._folder / "consume.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._guard = guard(self._process.pid)
        return self

    def ended(self) -> int:
        """The exit status, once the process has ended."""
        assert self._process is not None
        assert self._guard is not None
        status = self._process.wait(WAIT_SECONDS)
        release(self._guard)
        return status

    def terminate(self) -> int:
        """Ask the process to end, and return its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self.ended()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self.ended()

    def run(self) -> int:
        """Run until the process ends by itself; return its exit status."""
        return self.start().ended()

    def wait_for(self, records: int) -> None:
        """Wait until at least so many visits are stored."""
        assert self._process is not None

        def stored() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            return self.stored()["interaction"] >= records

        wait_for(stored, f"{records} records are stored ({self.log[-2_000:]})")

    def rows(self, statement: str) -> list[Any]:
        """Rows of the store, none while it does not exist."""
        try:
            with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
                return connection.execute(statement).fetchall()
        except sqlite3.OperationalError:
            return []

    def stored(self) -> Counter[str]:
        """How many statements are stored, by kind."""
        return Counter(
            dict(self.rows("SELECT iif(kind = '', 'observation', kind), count(*) FROM observations GROUP BY kind"))
        )

    def refused(self) -> list[tuple[str, int]]:
        """The codes of the refused records that are kept, and how often each was delivered."""
        return self.rows("SELECT code, count FROM refused_records ORDER BY code, id")


async def send_to_kafka(
    brokers: str,
    topic: str,
    values: Sequence[bytes | None],
    headers: Sequence[Mapping[str, bytes]] | None = None,
    partitions: int = 3,
    **options: Any,
) -> None:
    """Send messages to a topic, which is made if it does not exist; all are acknowledged when this returns."""
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    if topic not in await admin.list_topics():
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=brokers, acks="all", **options) as producer:
        sent = []
        for number, value in enumerate(values):
            came_with = list((headers[number] if headers else {}).items())
            sent.append(await producer.send(topic, value, key=b"key-%d" % (number % 50), headers=came_with))
        await asyncio.gather(*sent)


async def send_to_nats(
    url: str, subject: str, values: Sequence[bytes], headers: Mapping[str, str] | None = None
) -> None:
    """Send messages to a subject of a stream; all are acknowledged when this returns."""
    import nats

    client = await nats.connect(url, max_reconnect_attempts=-1)
    context = client.jetstream()
    for start in range(0, len(values), 200):
        await asyncio.gather(
            *(context.publish(subject, value, headers=dict(headers or {})) for value in values[start : start + 200])
        )
    await client.close()


async def create_topic(brokers: str, topic: str, partitions: int = 3, **configs: str) -> None:
    """Create a topic, with settings such as `cleanup_policy="compact"`."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    settings = {name.replace("_", "."): value for name, value in configs.items()}
    await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
    await admin.close()


async def topic_content(brokers: str, topic: str) -> list[Any]:
    """All messages of a topic, those of a partition in order."""
    from aiokafka import AIOKafkaConsumer

    async with AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest") as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Any] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found


async def stream_content(url: str, stream: str) -> list[Any]:
    """All messages of a stream of NATS, in order."""
    import nats

    client = await nats.connect(url)
    context = client.jetstream()
    state = (await context.stream_info(stream)).state
    found = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        with suppress(nats.js.errors.NotFoundError):  # It was purged.
            found.append(await context.get_msg(stream, sequence))
    await client.close()
    return found
