"""Updates of members of audiences, as the sender gives them to adapters, and what adapters answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from service.destinations.adapter import (
    Adapter,
    AudienceRef,
    CheckedAdapter,
    MemberUpdate,
    Outcome,
    Status,
    Unavailable,
)


def update(value: str = "ann@example.com", external_id: str = "", **more: Any) -> MemberUpdate:
    """An address of an audience; it is present unless `present=False` or `erased=True` is given."""
    audience = AudienceRef("a-1", "s-1", "Campers", external_id)
    more = {"namespace": "email", "present": not more.get("erased", False), **more}
    return MemberUpdate(f"{external_id}/{value}", audience, value=value, **more)


def people(count: int, external_id: str = "", **more: Any) -> list[MemberUpdate]:
    """Updates of so many addresses."""
    return [update(address(number), external_id, **more) for number in range(1, count + 1)]


def address(number: int) -> str:
    return f"person{number}@example.com"


def is_each(number: int, value: str) -> bool:
    """Whether an address of `people` is a so many-th."""
    return int("".join(filter(str.isdigit, value)) or 1) % number == 0


def send(adapter: Adapter, *updates: MemberUpdate) -> list[Outcome]:
    """What an adapter answers; its connections are closed then, as tests have an event loop of their own each."""

    async def sent() -> list[Outcome]:
        try:
            return await adapter.send(updates)
        finally:
            await adapter.close()

    return asyncio.run(sent())


def problem(adapter: Any) -> str:
    """What an adapter finds when it is checked; empty if the destination can be reached."""
    assert isinstance(adapter, CheckedAdapter)

    async def checked() -> str:
        try:
            await adapter.check()
        except Unavailable as error:
            return error.message
        finally:
            await adapter.close()
        return ""

    return asyncio.run(checked())


def statuses(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.status.value for outcome in outcomes]


def by_status(updates: Sequence[MemberUpdate], outcomes: Sequence[Outcome]) -> Mapping[Status, set[str]]:
    """The addresses by what became of them."""
    found: dict[Status, set[str]] = {status: set() for status in Status}
    for one, outcome in zip(updates, outcomes, strict=True):
        found[outcome.status].add(one.value)
    return found
