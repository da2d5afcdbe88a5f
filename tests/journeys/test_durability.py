"""Acknowledged writes survive a killed process, and a database outage is recovered from."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from service.bootstrap import wire
from service.config.settings import Settings
from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tools.neo4j.server import SHORT_RUN, CannotStart, Server, free_port

LINK = """mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) {
  results { ... on ObservationAccepted { id customerId } } } }"""


def start_service(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--store", "sqlite:///kith.db"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return process
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the service did not start")


def test_killing_the_process_loses_no_acknowledged_write(tmp_path: Path, run: Run) -> None:
    # given: several clients that write without pause
    acknowledged: dict[str, str] = {}
    for round in range(3):
        port = free_port()
        process = start_service(tmp_path, port)

        def write(number: int, port: int = port, round: int = round) -> None:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
                for count in range(10_000):
                    key = f"cookie=cookie-{round}-{number}-{count}"
                    link = {"query": LINK, "variables": {"input": {"observations": [seen(key, f"login=u{number}")]}}}
                    try:
                        (result,) = http.post("/graphql", json=link).json()["data"]["linkIdentifiers"]["results"]
                    except (httpx.TransportError, ValueError):
                        return
                    acknowledged[key] = result["customerId"]

        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(1.5)
        # when
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for writer in writers:
            writer.join()
    # then
    assert len(acknowledged) > 100
    wiring = wire(Settings(_env_file=None, store=f"sqlite:///{tmp_path / 'kith.db'}"))
    run(wiring.prepare())
    client = Client(wiring.store, run)
    for key, id in acknowledged.items():
        assert client.customer(key) == {"id": id}, key
    run(wiring.graph.close())


@pytest.mark.neo4j
def test_the_service_recovers_when_the_database_is_available_again(tmp_path: Path, run: Run) -> None:
    # given
    bolt = free_port()
    try:
        server = Server(
            tmp_path / "neo4j", bolt=bolt, heap_mb=512, page_cache_mb=128, java_options=SHORT_RUN
        ).__enter__()
    except CannotStart as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"no server can be started here: {error}")
    wiring = wire(Settings(_env_file=None, store=f"neo4j://127.0.0.1:{bolt}"))
    try:
        client = Client(wiring.store, run)
        run(client.wiring.prepare())
        client.link(seen("email=ann@example.com"))
        # when
        server.stop()
        read = client.send('{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) { id } }')
        write = client.send(LINK, {"input": {"observations": [seen("email=bob@example.com")]}})
        probe = client.get("/readyz")
        # then
        assert (read.status_code, write.status_code) == (503, 503)
        assert read.json()["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
        assert write.headers["retry-after"]
        assert probe.status_code == 503
        assert "does not answer" in probe.json()["missing"]["store"]
        # when
        server = Server(
            tmp_path / "neo4j", bolt=bolt, heap_mb=512, page_cache_mb=128, java_options=SHORT_RUN
        ).__enter__()
        for _ in range(600):
            if client.get("/readyz").status_code == 200:
                break
            run(asyncio.sleep(0.1))
        # then
        assert client.get("/readyz").status_code == 200
        assert client.customer("email=ann@example.com") is not None
        # when: writes are refused, to be sent again, until the server has planned them
        for _ in range(600):
            write = client.send(LINK, {"input": {"observations": [seen("email=bob@example.com")]}})
            if write.status_code == 200:
                break
            run(asyncio.sleep(0.1))
        # then
        assert client.customer("email=bob@example.com") is not None
    finally:
        server.stop()
        run(wiring.graph.close())
