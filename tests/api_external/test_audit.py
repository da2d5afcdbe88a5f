"""The audit log of a service in a process of its own: streams, a killed process, the command line, a full disk."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from graph.domain.model.times import iso
from service.audit import files
from tests.builders.audits import entries
from tests.builders.clients import seen
from tests.builders.services import ROOT, Serve, Service

KEYS = ",".join(f"{name}:{role}:{name}-0123456789abcdef" for name, role in [("dpo", "privacy"), ("loader", "ingest")])
LINK = "mutation($input: LinkIdentifiersInput!) { linkIdentifiers(input: $input) { errors { code message } } }"
BY = '(by: {identifier: {namespace: "email", value: "anna@example.com"}})'
CUSTOMER = f"{{ customer{BY} {{ id emails {{ value }} }} }}"
CHANGED = f"subscription Watch {{ customerChanged{BY} {{ id identifiers {{ nodes {{ value }} }} }} }}"


def link(service: Service, *keys: str) -> None:
    headers = {"authorization": "Bearer loader-0123456789abcdef"}
    service.ask(LINK, {"input": {"observations": [seen(*keys, source="loader")]}}, **headers)


def read(service: Service) -> httpx.Response:
    headers = {"authorization": "Bearer dpo-0123456789abcdef"}
    return service.http.post(service.url, json={"query": CUSTOMER}, headers=headers)


def command(service_store: str, folder: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command of `kith` with the settings of the service."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
    environment |= {"KITH_STORE": service_store, "KITH_AUDIT": str(folder), "KITH_API_KEYS": KEYS}
    environment |= {"PYTHONPATH": str(ROOT), "KITH_NEO4J_USER": os.environ.get("NEO4J_USER", "")}
    environment |= {"KITH_NEO4J_PASSWORD": os.environ.get("NEO4J_PASSWORD", "")}
    return subprocess.run(
        [sys.executable, "-m", "service", *words],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


def test_a_stream_has_one_entry_a_minute_and_customer(serve: Serve, tmp_path: Path) -> None:
    # given
    folder = tmp_path / "audit"
    service = serve(api_keys=KEYS, audit=folder)
    link(service, "email=anna@example.com")
    with connect(service.socket, subprotocols=["graphql-transport-ws"]) as socket:
        payload = {"authorization": "Bearer dpo-0123456789abcdef", "reason": "she asked"}
        socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(socket.recv())["type"] == "connection_ack"
        # when
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": CHANGED}}))
        events = [json.loads(socket.recv(60))]
        for number in range(3):
            link(service, "email=anna@example.com", f"cookie=ck-{number}")
            events.append(json.loads(socket.recv(60)))
    # then: four events of one customer, within a minute
    assert [event["type"] for event in events] == ["next"] * 4
    (entry,) = [entry for entry in entries(folder) if entry["kind"] == "stream"]
    assert entry["customers"] == [events[0]["payload"]["data"]["customerChanged"]["id"]]
    assert (entry["reason"], entry["transport"]) == ("she asked", "websocket")


def test_a_killed_process_leaves_a_log_that_is_clean(serve_sqlite: Serve, tmp_path: Path) -> None:
    # given
    folder = tmp_path / "audit"
    service = serve_sqlite(api_keys=KEYS, audit=folder)
    link(service, "email=anna@example.com")
    read(service)
    # when: it is killed while it writes
    service.signal(signal.SIGKILL)
    service.ended()
    (name,) = files.names(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b'{"n":4,"h":"ab')
    read(serve_sqlite(api_keys=KEYS, audit=folder))
    # then: what was answered is there, and half a line is no sign of a change
    assert [entry["kind"] for entry in entries_of_complete_lines(folder)] == ["write", "read", "read"]
    done = command(f"sqlite:///{tmp_path / 'kith.db'}", folder, "audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "half written" in done.stdout


def entries_of_complete_lines(folder: Path) -> list[dict[str, Any]]:
    found = [
        files.entry(line)
        for name in files.names(folder)
        for line, complete in files.lines(folder / name)
        if line is not None and complete
    ]
    return [entry for entry in found if entry and entry["kind"] not in ("file", "document", "ready")]


def test_a_command_that_shows_a_person_needs_a_purpose_and_leaves_an_entry(serve: Serve, tmp_path: Path) -> None:
    # given
    folder = tmp_path / "audit"
    service = serve(api_keys=KEYS, audit=folder)
    link(service, "email=anna@example.com")
    store = service.store
    # when
    refused = command(store, folder, "lookup", "email=anna@example.com")
    shown = command(
        store, folder, "lookup", "email=anna@example.com", "--purpose", "complaint", "--reason", "she called"
    )
    # then
    assert refused.returncode == 2
    assert "--purpose" in refused.stderr
    assert "anna@example.com" in shown.stdout, shown.stderr
    last = entries(folder)[-1]
    assert last["caller"].startswith("cli:")
    assert (last["command"], last["role"], last["purpose"], last["reason"]) == (
        "lookup",
        "privacy",
        "complaint",
        "she called",
    )
    # when
    printed = command(store, folder, "audit", "entries", "--subject", "email=anna@example.com", "--purpose", "request")
    exported = command(store, folder, "audit", "export", "--since", iso(last["t"]))
    # then
    assert "she called" in printed.stdout, printed.stderr
    assert "lookup" in printed.stdout
    assert json.loads(exported.stdout.splitlines()[0])["class_uid"] == 6003
    # when
    edited = folder / files.names(folder)[0]
    edited.write_bytes(edited.read_bytes().replace(b'"statements":1', b'"statements":2'))
    done = command(store, folder, "audit", "verify")
    # then
    assert done.returncode == 1
    assert f"{edited.name}: entry" in done.stdout
    assert "was edited" in done.stdout


def test_a_command_shows_nobody_if_it_cannot_leave_an_entry(serve_sqlite: Serve, tmp_path: Path) -> None:
    # given: files may not grow, as on a full disk
    service = serve_sqlite(api_keys=KEYS, audit=tmp_path / "audit")
    link(service, "email=anna@example.com")

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    # when
    words = ("lookup", "email=anna@example.com", "--purpose", "complaint")
    done = command(service.store, tmp_path / "audit", *words, preexec_fn=full)
    # then
    assert done.returncode == 2
    assert "the audit log cannot be written" in done.stderr
    assert "anna@example.com" not in done.stdout
