"""Samples of other systems as their documentation has them, and services that take them."""

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from graph.domain.commands import Terms
from graph.ports import Store
from service.bootstrap import SystemClock, currencies
from service.config import attributes_file, rules_file
from service.connectors import mapping_file
from service.connectors.check import Judge, check
from service.connectors.unpack import unpack
from tests.builders.clients import Client
from tests.builders.connectors import SAMPLES, connected
from tests.builders.runs import Run

SYSTEMS = SAMPLES / "systems"
SECRET = "a-secret-of-the-system"
ADDRESS = "https://kith.example.com/in/"


def sample(name: str) -> bytes:
    """A sample, by the name of its file."""
    return (SYSTEMS / name).read_bytes()


def statements(mapping: str, name: str, **beside: str) -> list[list[Mapping[str, Any]]]:
    """What a mapping makes of each record of a sample: the kind and the fields of each statement, or its problem."""
    found = mapping_file.named(mapping)
    values = {key.replace("_", "-") if key.startswith("x_") else key: value for key, value in beside.items()}
    records, came_with = found.split(unpack(sample(name), found.format), {"source": found.source, **values})
    terms = Terms(currencies(), attributes_file.read(None))
    judge = Judge(rules_file.parse(rules_file.default_text()), terms, SystemClock().now())
    described = [check(found, record, came_with, judge).described() for record in records]
    return json.loads(json.dumps([one["statements"] for one in described], default=str))


def taking(store: Store, run: Run, folder: Path, *mappings: str, **values: str) -> Client:
    """A service with a source for each mapping, by the name of the mapping; all have the same secret and values."""
    (folder / "secret").write_text(SECRET)
    sources = ""
    for mapping in mappings:
        name = Path(mapping).stem
        sources += f'[[source]]\nname = "{name}"\nmapping = "{mapping}"\nsecrets = ["file:secret"]\n'
        sources += f'url = "{ADDRESS}{name}"\nvalues = {{ {", ".join(f"{k} = {v!r}" for k, v in values.items())} }}\n'
    return connected(store, run, folder, sources)


def deliver(client: Client, run: Run, source: str, body: bytes, path: str = "", **headers: str) -> dict[str, Any]:
    """Deliver a body, and return the answer; fails if it is not taken."""
    named = {"authorization": f"Bearer {SECRET}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer: httpx.Response = run(client.http.post(f"/in/{source}{path}", content=body, headers=named))
    assert answer.status_code == 200, answer.text
    return answer.json()


def signed(*parts: bytes | str, encoding: str = "base64") -> str:
    """The HMAC-SHA256 of texts with the secret, made by OpenSSL."""
    text = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    command = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-binary"]
    made = subprocess.run(command, input=text, capture_output=True, check=True).stdout
    return base64.b64encode(made).decode() if encoding == "base64" else made.hex()


CUSTOMER = """query ($by: CustomerBy!) { customer(by: $by) {
  id
  identifiers(first: 50) { nodes { namespace value } }
  profile { givenName { value } familyName { value } birthDate { value } address { value { city } }
            textAttributes { name value } }
  orders(first: 20) { nodes { number status total refunded currency lines { sku quantity total } } }
  timeline(first: 50) { nodes { __typename ... on Interaction { type text sku properties } } }
  consent(purpose: "newsletter", channel: EMAIL) { decision }
  metrics { orderCount }
} }"""


def customer(client: Client, namespace: str, value: str) -> dict[str, Any]:
    """The view of a customer, shortened: identifiers by namespace, attributes by name, types of interactions."""
    by = {"identifier": {"namespace": namespace, "value": value}}
    found = client.ask(CUSTOMER, {"by": by})["customer"]
    assert found is not None, f"nobody has the {namespace} {value}"
    by_namespace: dict[str, list[str]] = {}
    for one in found["identifiers"]["nodes"]:
        by_namespace.setdefault(one["namespace"], []).append(one["value"])
    return {
        "id": found["id"],
        "identifiers": {name: sorted(values) for name, values in by_namespace.items()},
        "attributes": {one["name"]: one["value"] for one in found["profile"]["textAttributes"]},
        "city": (found["profile"]["address"] or {"value": {"city": None}})["value"]["city"],
        "orders": {one["number"]: one for one in found["orders"]["nodes"]},
        "interactions": sorted(one["type"] for one in found["timeline"]["nodes"] if one["__typename"] == "Interaction"),
        "consent": found["consent"]["decision"],
    }
