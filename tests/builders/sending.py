"""A service that sends to destinations, and what happens to people there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from graph.commands.erase import ErasureRequest
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.pages import ByKey
from graph.identity_graph import IdentityGraph
from service.bootstrap import SystemClock, Wiring, wire
from service.config.settings import Settings

WAIT_SECONDS = 60
"""A destination that was down is tried again after pauses that grow; nothing waits so long unless it is broken."""


def wired(folder: Path, destinations: str) -> Wiring:
    """The parts of a service with an SQLite store in a folder and a `destinations.toml`."""
    (folder / "destinations.toml").write_text(destinations)
    return wire(
        Settings(
            _env_file=None,
            store=f"sqlite:///{folder / 'kith.db'}",
            destinations=folder / "destinations.toml",
            erasure_keys=folder / "erasure-keys",
            erasure_ledger=folder / "erasures.ndjson",
        )
    )


@asynccontextmanager
async def running(wiring: Wiring) -> AsyncIterator[IdentityGraph]:
    """The part of the service that evaluates segments and sends."""
    await wiring.prepare()
    tasks = [
        asyncio.create_task(wiring.graph.segment_worker.run(0.1)),
        asyncio.create_task(wiring.destinations.run(wiring.graph, wiring.store, SystemClock())),
    ]
    try:
        yield wiring.graph
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await wiring.graph.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_so():  # noqa: ASYNC110 - servers in other threads have no events of this loop
            await asyncio.sleep(0.02)


async def decide(graph: IdentityGraph, purpose: str, decision: Decision, channel: str, *address: str) -> None:
    await graph.record_consents([ConsentStatement("shop", (address,), purpose, decision, channel)])


async def erase(graph: IdentityGraph, key: str) -> None:
    request = ErasureRequest(ByKey(key), request_id="ticket 1")
    plan = await graph.erasures.plan(request)
    await graph.erasures.erase(replace(request, plan_hash=plan.hash))
