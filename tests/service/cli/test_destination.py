"""`kith destination`, run as a process."""

import json
from pathlib import Path

import pytest

from graph.stores.sqlite import SQLiteStore
from tests.builders.audience_clients import TOOL, AudienceClient
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.services import kith

FILE = """
[[destination]]
name = "tool"
type = "webhook"
[[destination.endpoints]]
url = "http://127.0.0.1:9/hook"
secrets = ["file:secret"]
"""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ADD = ("destination", "add", "tool", "--segment", "everybody", "--purpose", "newsletter", "--channel", "email")


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """A folder with a destination, and a store in which two people consent to a newsletter and two are refused."""
    (tmp_path / "destinations.toml").write_text(FILE)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / ".env").write_text("KITH_DESTINATIONS=destinations.toml\n")
    client = Client(SQLiteStore(tmp_path / "kith.db"), run, destinations=[TOOL])
    run(client.wiring.prepare())
    filled = AudienceClient(client)
    addresses = filled.fill(2)
    filled.refused = dict.fromkeys(addresses, f"400: {addresses[0]} is unknown")
    filled.audience(filled.segment("everybody"), externalId="refused")
    filled.deliver()
    run(client.graph.close())
    return tmp_path


def test_destinations_are_listed_with_their_audiences(folder: Path) -> None:
    # when
    listed = kith(folder, "destination", "list")
    # then
    assert (listed.returncode, listed.stderr) == (0, "")
    first, second = listed.stdout.splitlines()
    assert first == "tool  webhook  ACTIVE  owed: 0, pending: 0, dead: 2, removals: 0"
    assert second.endswith("  everybody  newsletter  EMAIL  ACTIVE  sent: 0")
    # when
    described = json.loads(kith(folder, "destination", "list", "--json").stdout)
    # then
    assert (described["name"], described["status"], described["dead"]) == ("tool", "ACTIVE", 2)
    assert described["audiences"][0] | {"id": "", "segmentId": "", "createdAt": ""} == {
        "id": "", "segmentId": "", "segment": "everybody", "purpose": "newsletter", "channel": "EMAIL",
        "namespaces": ["email"], "externalId": "refused", "fields": {}, "ttlDays": None, "createdAt": "",
        "createdBy": "local", "status": "ACTIVE", "sent": 0,
    }  # fmt: skip


def test_an_audience_is_added_once_and_ended(folder: Path) -> None:
    # when
    more = ("--list", "l-1", "--field", "NAME=name", "--namespace", "email", "--days", "30")
    added = kith(folder, *ADD, *more)
    again = kith(folder, *ADD, *more)
    # then
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout == again.stdout
    id = added.stdout.partition(":")[0]
    assert added.stdout == f"{id}: everybody goes to tool\n"
    audiences = json.loads(kith(folder, "destination", "list", "--json").stdout)["audiences"]
    (audience,) = [audience for audience in audiences if audience["id"] == id]
    assert (audience["fields"], audience["externalId"], audience["ttlDays"]) == ({"NAME": "name"}, "l-1", 30)
    assert audience["createdBy"].startswith("cli:")
    # when
    ended = kith(folder, "destination", "end", id)
    # then
    assert ended.stdout == f"{id} ends; addresses at tool: 0\n"
    assert f"{id}  everybody  newsletter  EMAIL  ENDING" in kith(folder, "destination", "list").stdout


def test_a_wrong_argument_is_one_line(folder: Path) -> None:
    for arguments, problem in (
        (("destination", "pause", "other"), "destination 'other' is not configured; configured: tool"),
        ((*ADD[:4], "nobody", *ADD[5:]), "--segment: 'nobody' is not a segment; segments: everybody"),
        ((*ADD, "--field", "NAME"), "--field: 'NAME' is not NAME=ATTRIBUTE"),
        ((*ADD, "--field", "A=name", "--field", "A=name"), "--field: 'A=name' is named twice"),
        ((*ADD[:6], "spam", *ADD[7:]), "purpose 'spam' is unknown"),
        (("destination", "end", "aud_none"), "audience 'aud_none' does not exist"),
        (("destination", "check", "none.toml"), "none.toml cannot be read"),
    ):
        # when
        done = kith(folder, *arguments)
        # then
        assert (done.returncode, done.stdout) == (2, "")
        assert problem in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_destination_is_paused_resumed_and_resynchronized(folder: Path) -> None:
    # when, then
    assert kith(folder, "destination", "pause", "tool").stdout == "tool: PAUSED\n"
    assert "tool  webhook  PAUSED" in kith(folder, "destination", "list").stdout
    assert kith(folder, "destination", "resync", "tool").stdout == (
        "tool: everything is sent again once it is resumed\n"
    )
    assert kith(folder, "destination", "resume", "tool").stdout == "tool: ACTIVE\n"
    assert "removals: 0, resyncing" in kith(folder, "destination", "list").stdout


def test_what_was_refused_is_listed_and_decided_about(folder: Path) -> None:
    # when
    masked = kith(folder, "destination", "dead", "tool").stdout
    shown = kith(folder, "destination", "dead", "tool", "--show", "--limit", "1").stdout
    described = [json.loads(line) for line in kith(folder, "destination", "dead", "tool", "--json").stdout.splitlines()]
    # then
    assert "mail.example" not in masked
    assert masked.count("  email=c•••@m•••.example  addition  400: ") == 2
    assert shown.endswith("  email=c0000@mail.example  addition  400: c0000@mail.example is unknown\n")
    assert [one["identifier"] for one in described] == ["email=c•••@m•••.example"] * 2
    # when, then
    assert kith(folder, "destination", "dead", "tool", "--retry").stdout == "sent again: 2\n"
    assert kith(folder, "destination", "dead", "tool").stderr == "tool refused nothing for good\n"
    assert kith(folder, "destination", "dead", "tool", "--ignore").stdout == "ignored: 0\n"


def test_in_production_addresses_are_shown_for_a_purpose_and_decisions_are_audited(folder: Path) -> None:
    # given
    assert kith(folder, "keys", "add", "dpo", "--role", "privacy").returncode == 0
    # when
    unexplained = kith(folder, "destination", "dead", "tool", "--show")
    explained = kith(folder, "destination", "dead", "tool", "--show", "--purpose", "mend the list")
    paused = kith(folder, "destination", "pause", "tool")
    # then
    assert (unexplained.returncode, unexplained.stdout) == (2, "")
    assert "--purpose" in unexplained.stderr
    assert "c0000@mail.example" in explained.stdout
    assert paused.returncode == 0
    entries = kith(folder, "audit", "entries", "--purpose", "review").stdout
    assert "destination dead" in entries
    assert "destination pause" in entries
    assert "about tool" in entries


def test_a_file_is_checked_without_showing_a_secret(folder: Path) -> None:
    # when
    checked = kith(folder, "destination", "check")
    # then
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "tool  webhook  read; it is not known whether it can be reached\n"
    # when
    (folder / "other.toml").write_text(FILE.replace("file:secret", SECRET))
    wrong = kith(folder, "destination", "check", "other.toml")
    # then
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "destination tool: endpoints.1.secrets" in wrong.stderr
    assert SECRET not in wrong.stderr
    # when
    (folder / "empty.toml").write_text("")
    # then
    assert kith(folder, "destination", "check", "empty.toml").stdout == "empty.toml names no destinations\n"


def test_without_a_file_there_are_no_destinations(tmp_path: Path) -> None:
    # when, then
    listed = kith(tmp_path, "destination", "list")
    assert "KITH_DESTINATIONS names no file" in listed.stdout or listed.returncode != 0
    assert kith(tmp_path, "destination", "check").stderr == "kith: name a file, or set KITH_DESTINATIONS\n"


def test_a_destination_that_left_the_file_is_forgotten_with_its_addresses(folder: Path, run: Run) -> None:
    # given
    refused = kith(folder, "destination", "forget", "tool")
    assert (refused.returncode, "is configured: end its audiences instead" in refused.stderr) == (2, True)
    (folder / "destinations.toml").write_text(FILE.replace('"tool"', '"other"'))
    # when
    unknown = kith(folder, "destination", "forget", "tol")
    forgotten = kith(folder, "destination", "forget", "tool")
    # then
    assert "nothing was sent to a destination 'tol'" in unknown.stderr
    assert (forgotten.stdout, forgotten.stderr) == ("tool: forgotten; addresses that it may still hold: 2\n", "")
    store = SQLiteStore(folder / "kith.db")
    assert run(store.audiences()) == []
    assert run(store.deliveries("tool", None, None, None, 10)) == []
    run(store.close())


def test_an_audience_without_the_list_that_its_destination_needs_is_not_added(folder: Path) -> None:
    # given
    text = '[[destination]]\nname = "tool"\ntype = "mailchimp"\nserver = "us1"\napi_key = "file:secret"\n'
    (folder / "destinations.toml").write_text(text)
    # when
    without, slash = kith(folder, *ADD), kith(folder, *ADD, "--list", "/VIP")
    # then
    meaning = "the id of an audience of Mailchimp, or ID/TAG"
    assert without.returncode == slash.returncode == 2
    assert without.stderr == f"kith: externalId: tool: the audience has no external id: {meaning}\n"
    assert slash.stderr == f"kith: externalId: tool: the external id '/VIP' is not {meaning}\n"
    assert kith(folder, *ADD, "--list", "a1b2/VIP").returncode == 0
