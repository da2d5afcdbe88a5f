"""What sends updates in tests as the service does: by the settings of a file, with the references of before."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from service.config import destinations_file
from service.destinations.adapter import MemberUpdate, Outcome, Status
from service.destinations.types import MODELS, TYPES
from tests.builders.runs import Run

FOLDER = Path(__file__).parent


class Sender:
    """Sends to a destination of a type, whose settings are `settings`.

    Secrets are read in `folder`, or are variables of `secrets`.
    """

    def __init__(
        self, run: Run, type: str, folder: Path = FOLDER, secrets: dict[str, str] | None = None, **settings: Any
    ) -> None:
        values = {"name": type, "type": type, **settings}
        # Strings, numbers, lists and truth values are written alike in JSON and TOML.
        lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
        text = "\n".join(["[[destination]]", *lines])
        (self.settings,) = destinations_file.parse(text, folder / "destinations.toml", MODELS, secrets or {})
        self.adapter = TYPES[type].open(self.settings)
        self.references: dict[tuple[str, str, str], str] = {}
        self._run = run

    def send(self, *updates: MemberUpdate) -> list[Outcome]:
        known = self._with_references(updates)
        return self._keep(updates, self._run(self.adapter.send(known)))

    def poll(self, *updates: MemberUpdate) -> list[Outcome]:
        known = self._with_references(updates)
        return self._keep(updates, self._run(self.adapter.poll(known)))

    def settle(self, *updates: MemberUpdate) -> list[Outcome]:
        """The outcomes when nothing is pending any more."""
        outcomes = self.send(*updates)
        while any(outcome.status is Status.PENDING for outcome in outcomes):
            outcomes = self.poll(*updates)
        return outcomes

    def close(self) -> None:
        self._run(self.adapter.close())

    def _with_references(self, updates: Sequence[MemberUpdate]) -> list[MemberUpdate]:
        return [
            msgspec.structs.replace(update, reference=update.reference or self.references.get(_address(update), ""))
            for update in updates
        ]

    def _keep(self, updates: Sequence[MemberUpdate], outcomes: list[Outcome]) -> list[Outcome]:
        for update, outcome in zip(updates, outcomes, strict=True):
            # As the ledger: a reference is kept until there is another, or nothing is there any more.
            gone = outcome.status is Status.DONE and not update.present
            self.references[_address(update)] = outcome.reference or (
                "" if gone else self.references.get(_address(update), "")
            )
        return outcomes


def statuses(outcomes: Sequence[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


def _address(update: MemberUpdate) -> tuple[str, str, str]:
    return update.audience.id, update.namespace, update.value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
