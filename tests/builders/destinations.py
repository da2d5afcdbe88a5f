"""Destinations as a file declares them, and what senders give to their adapters."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.config import destinations_file
from service.destinations.adapter import Adapter, AudienceRef, ChangeMessage, MemberUpdate, Outcome, Status
from service.destinations.types import MODELS, TYPES
from tests.builders.runs import Run

SPRING = AudienceRef("aud-1", "seg-1", "Spring sale", "list-9", "newsletter", "EMAIL")
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
ENVIRONMENT = {"NEW": SECRET, "OLD": OLD_SECRET, "TOKEN": "token-of-the-gateway"}


def settings_of(text: str, env: Mapping[str, str] = ENVIRONMENT, folder: Path = Path()) -> Any:
    """The settings of the destination of a table, given without its head and name."""
    (one,) = destinations_file.parse(
        f'[[destination]]\nname = "one"\n{text}', folder / "destinations.toml", MODELS, env
    )
    return one


def adapter_of(text: str, env: Mapping[str, str] = ENVIRONMENT, folder: Path = Path()) -> Adapter:
    """The adapter of a destination, as the service opens it."""
    settings = settings_of(text, env, folder)
    return TYPES[settings.type].open(settings)


def member(number: int = 1, present: bool = True, **more: Any) -> MemberUpdate:
    """The update of a person's address."""
    fields = {"first_name": f"Anna{number}", "orders": number} if present else {}
    given = {
        "id": f"state-{number}-{present}",
        "audience": SPRING,
        "namespace": "email",
        "value": f"anna{number}@shop.example",
        "present": present,
        "fields": fields,
        "customer_id": f"customer-{number}",
        "changed_at": 1_772_366_400_000_000,
        **more,
    }
    return MemberUpdate(**given)


def change(number: int, customer: str = "customer-1", **more: Any) -> ChangeMessage:
    """An entry of the change feed."""
    given = {
        "id": f"change-{number}",
        "kind": "CUSTOMERS_MERGED",
        "customer_id": customer,
        "at": 1_772_366_400_000_000 + number,
        "data": {"otherCustomerId": f"customer-{number + 1_000}", "number": number},
        **more,
    }
    return ChangeMessage(**given)


async def sent(adapter: Any, *items: MemberUpdate | ChangeMessage) -> list[Outcome]:
    """The outcomes of updates, or of changes, that an adapter sends."""
    changes = isinstance(items[0], ChangeMessage)
    return list(await (adapter.send_changes(items) if changes else adapter.send(items)))


def sent_and_closed(run: Run, adapter: Any, *items: MemberUpdate | ChangeMessage) -> list[Outcome]:
    """The outcomes of updates, or of changes, that an adapter sends before it is closed."""

    async def sending() -> list[Outcome]:
        try:
            return await sent(adapter, *items)
        finally:
            await adapter.close()

    return list(run(sending()))


def statuses(outcomes: Sequence[Outcome]) -> set[Status]:
    """The statuses of outcomes."""
    return {outcome.status for outcome in outcomes}
