"""The sources of a service: found by name and by key, and read again when a file changes."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.stores.sqlite import SQLiteStore
from service.connectors.registry import Connectors
from tests.builders.clients import Client
from tests.builders.runs import Run

MAPPING = '[[statement]]\nkind = "observation"\n[statement.identifiers]\nemail = "email"\n'
SOURCES = '[[source]]\nname = "repairs"\nmapping = "own.toml"\n'


@pytest.fixture
def client(run: Run, tmp_path: Path) -> Client:
    return Client(SQLiteStore(tmp_path / "kith.db"), run)


def test_a_source_is_found_by_its_name_and_an_sdk_by_its_key(client: Client, tmp_path: Path) -> None:
    # given
    (tmp_path / "own.toml").write_text(MAPPING)
    (tmp_path / "key").write_text("write-key-1")
    file = tmp_path / "connectors.toml"
    file.write_text(SOURCES + '[[source]]\nname = "backend"\nmapping = "segment"\nsecrets = ["file:key"]\n')
    # when
    connectors = Connectors(client.graph, file)
    # then
    assert [intake.source.name for intake in connectors] == ["repairs", "backend"]
    assert connectors.of_key(["other-key", "write-key-1"]) is connectors.get("backend")
    assert connectors.of_key(["other-key"]) is None
    assert connectors.get("nobody") is None


def test_a_changed_file_is_read_again_and_one_with_an_error_is_not_used(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    own, file = tmp_path / "own.toml", tmp_path / "connectors.toml"
    own.write_text(MAPPING)
    file.write_text(SOURCES)
    connectors = Connectors(client.graph, file)
    before = connectors.get("repairs")
    connectors.reload()
    assert connectors.get("repairs") is before
    # when the mapping has an error
    own.write_text(MAPPING.replace("observation", "obsevration"))
    connectors.reload()
    # then the last good one stays
    assert connectors.get("repairs") is before
    assert "own.toml, line 2: statement.1.kind" in connectors.problem
    assert "line 2" in caplog.text
    # when it is repaired
    own.write_text(MAPPING.replace('email = "email"', 'email = "mail"'))
    connectors.reload()
    # then
    assert connectors.problem == ""
    assert connectors.get("repairs") is not before
    # when the file of the sources is gone
    file.unlink()
    connectors.reload()
    assert connectors.get("repairs") is not None
    assert "cannot be read" in connectors.problem


def test_a_service_does_not_start_with_half_of_its_sources(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "connectors.toml"
    file.write_text('[[source]]\nname = "backend"\nmapping = "segment"\n')
    with pytest.raises(InvalidInput, match="source 'backend': needs secrets, because senders of Event collector"):
        Connectors(client.graph, file)
    assert len(Connectors(client.graph, None)) == 0


def test_secrets_that_nobody_needs_are_an_error(client: Client, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('proof = { method = "none" }\n' + MAPPING)
    (tmp_path / "key").write_text("write-key-1")
    file = tmp_path / "connectors.toml"
    file.write_text(SOURCES + 'secrets = ["file:key"]\n')
    with pytest.raises(InvalidInput, match="source 'repairs': has secrets, but the proof of its mapping is none"):
        Connectors(client.graph, file)


def test_a_file_that_mends_an_error_is_noticed_though_it_was_never_read(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given a running service
    file = tmp_path / "connectors.toml"
    file.write_text("")
    connectors = Connectors(client.graph, file)
    # when a source with a faulty mapping is added
    (tmp_path / "own.toml").write_text(MAPPING.replace("observation", "obsevration"))
    file.write_text(SOURCES)
    connectors.reload()
    connectors.reload()
    # then it is logged once
    assert connectors.get("repairs") is None
    assert caplog.text.count("the sources stay as they were") == 1
    # when the mapping alone is mended
    (tmp_path / "own.toml").write_text(MAPPING)
    connectors.reload()
    # then
    assert connectors.get("repairs") is not None
    assert connectors.problem == ""


def test_a_secret_that_changes_in_its_file_is_read_again(client: Client, tmp_path: Path) -> None:
    # given
    (tmp_path / "own.toml").write_text(MAPPING)
    (tmp_path / "key").write_text("a-first-secret")
    file = tmp_path / "connectors.toml"
    file.write_text(SOURCES + 'secrets = ["file:key"]\n')
    connectors = Connectors(client.graph, file)
    # when
    (tmp_path / "key").write_text("another-secret")
    connectors.reload()
    # then
    assert [intake.source.secrets for intake in connectors] == [(b"another-secret",)]
