"""A service with one source of a mapping that comes with Kith, and what its sample makes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from graph.domain.commands import Terms
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import SystemClock, currencies
from service.config import attributes_file, rules_file
from service.connectors import mapping_file
from service.connectors.check import Judge, check
from service.connectors.unpack import unpack
from tests.builders.clients import Client
from tests.builders.connectors import SAMPLES
from tests.builders.runs import Run

SECRET = "a-secret-of-the-sender"
Made = list[tuple[str, dict[str, Any]]]
"""The statements of a record: kind and fields, or kind and `problem`."""


def sample(name: str) -> bytes:
    """A file of `tests/samples`."""
    return (SAMPLES / name).read_bytes()


def statements(mapping: str, content: bytes, **beside: Any) -> list[Made]:
    """What a mapping makes of each record of a content; a record that is ignored makes none, a wrong one a problem."""
    found = mapping_file.shipped(mapping)
    came_with = {"source": mapping, "link_traits": "true", **beside}
    records, came_with = found.split(unpack(content, found.format), came_with)
    judge = Judge(
        rules_file.parse(rules_file.default_text()),
        Terms(currencies(), attributes_file.read(None)),
        SystemClock().now(),
    )
    checked = [check(found, record, came_with, judge) for record in records]
    problems = [one.problem for one in checked if one.problem is not None]
    assert problems == []
    return [[(kind, made) for kind, made in one.statements if isinstance(made, dict)] for one in checked]


def values(made: Mapping[str, Any], namespace: str) -> list[str]:
    """The values of the identifiers of a statement in a namespace."""
    return [one["value"] for one in made["identifiers"] if one["namespace"] == namespace]


class Door:
    """The way in of one source, which has the name of its mapping."""

    def __init__(self, client: Client, mapping: str, run: Run) -> None:
        self.client, self._path, self._run = client, f"/in/{mapping}", run

    def send(self, body: bytes, query: str = "", **headers: str) -> httpx.Response:
        """The response to a body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._run(self.client.http.post(self._path + query, content=body, headers=named))

    def take(self, body: bytes, query: str = "", **headers: str) -> dict[str, Any]:
        """The counts of an answer with 200; fails if a record was refused."""
        response = self.send(body, query, **headers)
        answer = response.json()
        assert (response.status_code, answer.get("problems")) == (200, []), answer
        return answer

    def get(self, query: str = "") -> httpx.Response:
        """The response to a check of the address."""
        return self._run(self.client.http.get(self._path + query))


@contextmanager
def door(mapping: str, run: Run, folder: Path, secret: str = SECRET, **values: str) -> Iterator[Door]:
    """A service on SQLite with a source of a mapping; `values` are those that mappings read."""
    (folder / "secret").write_text(secret)
    file = folder / "connectors.toml"
    texts = ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    file.write_text(
        f'[[source]]\nname = "{mapping}"\nmapping = "{mapping}"\nsecrets = ["file:secret"]\nvalues = {{ {texts} }}\n'
    )
    store = SQLiteStore(folder / "kith.db")
    run(store.migrate())
    try:
        yield Door(Client(store, run, connectors=str(file)), mapping, run)
    finally:
        run(store.close())
