"""The clients in `examples/clients`, generated, compiled and run against the service."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.builders.clients import LINK, seen
from tests.builders.services import ROOT, TOOLS, Serve, Service, require

CLIENTS = ROOT / "examples" / "clients"
KEY = "0123456789abcdef"
DOCUMENTS = CLIENTS / "generated" / "persisted-documents.json"


def run(*command: object, service: Service | None = None, input: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GRAPHQL_KEY": KEY, "GRAPHQL_URL": service.url if service else ""}
    return subprocess.run(
        list(map(str, command)), cwd=CLIENTS, env=environment, input=input, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def typescript() -> Path:
    """The TypeScript clients, generated from the schema and compiled in strict mode."""
    require(shutil.which("node") is not None and (CLIENTS / "node_modules").exists(), "Node or its packages")
    for folder in ("generated", "build"):
        shutil.rmtree(CLIENTS / folder, ignore_errors=True)
    for command in ("graphql-codegen", "tsc"):
        result = run(CLIENTS / "node_modules" / ".bin" / command)
        assert result.returncode == 0, result.stdout + result.stderr
    return CLIENTS / "build"


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python client, generated from the schema."""
    require((TOOLS / "ariadne-codegen").exists(), "ariadne-codegen")
    shutil.rmtree(CLIENTS / "kith_client", ignore_errors=True)
    result = run(TOOLS / "ariadne-codegen", "--config", "ariadne-codegen.toml", "client")
    assert result.returncode == 0, result.stdout + result.stderr
    return CLIENTS / "partner.py"


def test_the_till_client_serves_a_customer_twice(typescript: Path, serve: Serve) -> None:
    # given: a service that runs only trusted documents
    service = serve(api_keys=f"till:{KEY}", profile="development", documents=DOCUMENTS, trusted_documents_only="true")
    # when
    first = run("node", typescript / "till.js", "KC-2001", "1", "12.50", service=service)
    second = run("node", typescript / "till.js", "KC-2001", "2", "7.50", service=service)
    invalid = run("node", typescript / "till.js", "KC-2001", "3", "minus one", service=service)
    # then
    assert first.stdout.splitlines() == ["a new customer", "1 orders, 12.50 EUR"], first.stderr
    assert second.stdout.splitlines() == ["welcome back: 1 orders so far", "2 orders, 20.00 EUR"]
    assert "rejected: INVALID_AMOUNT" in invalid.stdout
    untrusted = service.http.post(
        service.url, json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {KEY}"}
    )
    assert untrusted.json()["errors"][0]["extensions"]["code"] == "UNTRUSTED_DOCUMENT"


def test_a_storefront_receives_its_visitor_becoming_known(typescript: Path, serve: Serve) -> None:
    # given
    service = serve(api_keys=f"shop:{KEY}", profile="development", documents=DOCUMENTS)
    environment = {**os.environ, "GRAPHQL_KEY": KEY, "GRAPHQL_URL": service.url}
    command = ["node", str(typescript / "storefront.js"), "ck-77"]
    page = subprocess.Popen(command, cwd=CLIENTS, env=environment, stdout=subprocess.PIPE, text=True)
    authorization = {"authorization": f"Bearer {KEY}"}
    greetings = [page.stdout.readline().strip()]
    # when
    for keys in (("cookie=ck-77", "device=device-77"), ("cookie=ck-77", "email=ann@example.com")):
        service.ask(LINK, {"input": {"observations": [seen(*keys)]}}, **authorization)
        greetings.append(page.stdout.readline().strip())
    # then
    assert greetings == ["a new visitor", "a visitor we have seen before", "a customer who bought nothing yet"]
    assert page.wait(10) == 0


def test_a_partner_sends_observations(python: Path, serve: Serve) -> None:
    # given
    service = serve(api_keys=f"partner:{KEY}", profile="development")
    lines = """p-1,2026-01-01T10:00:00+00:00,email=Ann@Example.com,cookie=ck-1
p-2,2026-01-02T10:00:00+00:00,cookie=ck-1,device=device-1,phone=unknown
p-3,2026-01-03T10:00:00+00:00,nope=1
"""
    # when
    first = run(TOOLS / "python", python, service=service, input=lines)
    repeated = run(TOOLS / "python", python, service=service, input=lines)
    # then
    accepted, linked, dropped, rejected = first.stdout.splitlines()
    assert (accepted, linked) == ("p-1 accepted", "p-2 accepted")
    assert dropped.startswith("  dropped phone 'unknown'")
    assert rejected.startswith("p-3 rejected: UNKNOWN_NAMESPACE: ")
    assert first.returncode == 1
    assert repeated.stdout.splitlines()[0] == "p-1 was stored before"
