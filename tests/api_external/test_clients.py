"""The clients of `examples/clients`, generated, compiled and run against the service."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.builders.clients import LINK, seen
from tests.builders.services import ROOT, TOOLS, Serve, Service, needed

CLIENTS = ROOT / "examples" / "clients"
KEY = "0123456789abcdef"
DOCUMENTS = CLIENTS / "generated" / "persisted-documents.json"


def run(*command: object, service: Service | None = None, input: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KITH_KEY": KEY, "KITH_URL": service.url if service else ""}
    return subprocess.run(
        list(map(str, command)), cwd=CLIENTS, env=environment, input=input, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def typescript() -> Path:
    """The clients in TypeScript, generated from the schema and compiled strictly."""
    needed(shutil.which("node") is not None and (CLIENTS / "node_modules").exists(), "Node or its packages")
    for folder in ("generated", "build"):
        shutil.rmtree(CLIENTS / folder, ignore_errors=True)
    for command in ("graphql-codegen", "tsc"):
        done = run(CLIENTS / "node_modules" / ".bin" / command)
        assert done.returncode == 0, done.stdout + done.stderr
    return CLIENTS / "build"


@pytest.fixture(scope="module")
def python() -> Path:
    """The client in Python, generated from the schema."""
    needed((TOOLS / "ariadne-codegen").exists(), "ariadne-codegen")
    shutil.rmtree(CLIENTS / "kith_client", ignore_errors=True)
    done = run(TOOLS / "ariadne-codegen", "--config", "ariadne-codegen.toml", "client")
    assert done.returncode == 0, done.stdout + done.stderr
    return CLIENTS / "partner.py"


def test_a_till_serves_a_customer_twice(typescript: Path, serve: Serve) -> None:
    # given: a service that runs trusted documents only
    service = serve(api_keys=f"till:{KEY}", documents=DOCUMENTS, only_trusted="true")
    # when
    first = run("node", typescript / "till.js", "KC-2001", "1", "12.50", service=service)
    second = run("node", typescript / "till.js", "KC-2001", "2", "7.50", service=service)
    again = run("node", typescript / "till.js", "KC-2001", "3", "minus one", service=service)
    # then
    assert first.stdout.splitlines() == ["a new customer", "1 orders, 12.50 EUR"], first.stderr
    assert second.stdout.splitlines() == ["welcome back: 1 orders so far", "2 orders, 20.00 EUR"]
    assert "refused: BAD_AMOUNT" in again.stdout
    stranger = service.http.post(
        service.url, json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {KEY}"}
    )
    assert stranger.json()["errors"][0]["extensions"]["code"] == "NOT_TRUSTED"


def test_a_storefront_sees_its_visitor_become_known(typescript: Path, serve: Serve) -> None:
    # given
    service = serve(api_keys=f"shop:{KEY}", documents=DOCUMENTS)
    environment = {**os.environ, "KITH_KEY": KEY, "KITH_URL": service.url}
    command = ["node", str(typescript / "storefront.js"), "ck-77"]
    page = subprocess.Popen(command, cwd=CLIENTS, env=environment, stdout=subprocess.PIPE, text=True)
    authorization = {"authorization": f"Bearer {KEY}"}
    told = [page.stdout.readline().strip()]
    # when
    for keys in (("cookie=ck-77", "device=device-77"), ("cookie=ck-77", "email=ann@example.com")):
        service.ask(LINK, {"input": {"observations": [seen(*keys)]}}, **authorization)
        told.append(page.stdout.readline().strip())
    # then
    assert told == ["a new visitor", "a visitor we have seen before", "a customer who bought nothing yet"]
    assert page.wait(10) == 0


def test_a_partner_sends_what_it_saw(python: Path, serve: Serve) -> None:
    # given
    service = serve(api_keys=f"partner:{KEY}")
    lines = """p-1,2026-01-01T10:00:00+00:00,email=Ann@Example.com,cookie=ck-1
p-2,2026-01-02T10:00:00+00:00,cookie=ck-1,device=device-1,phone=unknown
p-3,2026-01-03T10:00:00+00:00,nope=1
"""
    # when
    first = run(TOOLS / "python", python, service=service, input=lines)
    again = run(TOOLS / "python", python, service=service, input=lines)
    # then
    one, two, dropped, refused = first.stdout.splitlines()
    customer = one.removeprefix("p-1 -> ")
    assert two == f"p-2 -> {customer}"
    assert dropped.startswith("  dropped phone 'unknown'")
    assert refused.startswith("p-3 refused: UNKNOWN_NAMESPACE: ")
    assert first.returncode == 1
    assert again.stdout.splitlines()[0] == f"p-1 -> {customer} (known already)"
