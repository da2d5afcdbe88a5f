"""Files and pipes with records of other systems, and what must be stored of them."""

import json
import sqlite3
from contextlib import chdir, closing
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from graph.domain.model.errors import KithError
from service.cli.main import app

MAPPING = """
title = "Contacts"
source = "crm"
format = "csv"
id = { join = ["id", "updated_at"] }
at = "updated_at"

[[statement]]
kind = "observation"
[statement.identifiers]
crm_id = "id"
email = "email"

[[statement]]
kind = "attributes"
label = "person"
needs = ["crm_id"]
[statement.identifiers]
crm_id = "id"
[statement.attributes]
given_name = "first_name"

[[ignore]]
when = { first_name = "Test" }
"""
"""A mapping of contacts, each of which makes two statements."""
HEADER = "id,email,first_name,updated_at,internal note"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def kith(folder: Path, *words: str, input: str | bytes | None = None) -> Done:
    """The command line in a folder, in this process: a process of its own takes a second to start."""
    with chdir(folder):
        result = CliRunner().invoke(app, list(words), input=input)
    match result.exception:
        case None | SystemExit():
            return Done(result.exit_code, result.stdout, result.stderr)
        case KithError() as error:
            return Done(2, result.stdout, result.stderr + error.message)
        case error:
            raise error


def contact(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"C{number}",
        "email": f"c{number}@example.com",
        "first_name": f"Ann {number}",
        "updated_at": "2026-03-01T10:00:00Z",
        **fields,
    }


def row(number: int, **fields: Any) -> str:
    """A row of a CSV file."""
    return ",".join(str(value) for value in (*contact(number, **fields).values(), "calls on Mondays"))


def write(folder: Path, name: str = "contacts.csv", count: int = 3) -> Path:
    """A CSV file of contacts, with the mapping beside it."""
    (folder / "crm.toml").write_text(MAPPING)
    file = folder / name
    file.write_text("\n".join([HEADER, *map(row, range(count))]) + "\n", "utf-8")
    return file


def stored(folder: Path, number: int = 0) -> str:
    """What is stored about the email address of a contact."""
    return kith(folder, "lookup", f"email=c{number}@example.com").stdout


def observations(folder: Path) -> int:
    """The number of facts in the store of a folder."""
    with closing(sqlite3.connect(folder / "kith.db")) as store:
        return int(store.execute("select count(*) from observations").fetchone()[0])


def lines(*messages: dict[str, Any]) -> str:
    """Messages of a Singer tap."""
    return "".join(json.dumps(message) + "\n" for message in messages)


SCHEMA = {
    "type": "SCHEMA",
    "stream": "contacts",
    "schema": {"type": "object", "properties": {"id": {"type": "string"}}},
    "key_properties": ["id"],
}


def record(number: int, stream: str = "contacts", **fields: Any) -> dict[str, Any]:
    return {
        "type": "RECORD",
        "stream": stream,
        "record": contact(number, **fields),
        "time_extracted": "2026-04-01T00:00:00Z",
    }


def state(number: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"contacts": number}}}
