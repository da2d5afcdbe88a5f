"""Settings of destinations of type `files`: what belongs together, and errors that show no secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from graph.domain.model.errors import InvalidInput
from service.config import destinations_file
from service.destinations.files.settings import Place
from service.destinations.types import MODELS, TYPES
from tests.builders.file_drops import settings
from tests.builders.services import ROOT

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZsb2F0aW5nLWtleS1mb3ItdGVzdHMtb2YtZmlsZXM="
SFTP: dict[str, Any] = {
    "url": "sftp://drop.example/in", "user": "kith", "password": "env:PASSWORD", "host_key": HOST_KEY,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"url": "drop"}, Place("", "", None, "/etc/kith/drop")),
        ({"url": "/srv/drop"}, Place("", "", None, "/srv/drop")),
        (SFTP, Place("sftp", "drop.example", None, "/in")),
        ({**SFTP, "url": "sftp://drop.example:2222"}, Place("sftp", "drop.example", 2222, "")),
        ({**SFTP, "url": "sftp://drop.example/~/in/here"}, Place("sftp", "drop.example", None, "in/here")),
        ({"url": "s3://Bucket/kith/"}, Place("s3", "Bucket", None, "kith")),
        ({"url": "s3://bucket"}, Place("s3", "bucket", None, "")),
    ],
)
def test_the_url_says_where_files_go(more: dict[str, Any], place: Place) -> None:
    assert settings(Path("/etc/kith"), **more).place == place


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"url": "ftp://drop.example/in"}, "not ftp://"),
        ({**SFTP, "url": "sftp://kith:open-sesame@drop.example/in"}, "must not contain credentials"),
        ({**SFTP, "url": "sftp:///in"}, "has no host"),
        ({**SFTP, "url": "sftp://drop.example:seven/in"}, "the port is no number"),
        ({**SFTP, "url": "sftp://drop.example/in?x=1"}, "must not have a query"),
        ({"url": "s3://bucket:9000/in"}, "the bucket has no port"),
        ({"user": "kith"}, "user is for sftp:// only"),
        ({"region": "eu-central-1"}, "region is for s3:// only"),
        ({**SFTP, "user": None}, "sftp:// needs user"),
        ({**SFTP, "password": None}, "either password or private_key"),
        ({**SFTP, "private_key": "env:PASSWORD"}, "either password or private_key"),
        ({**SFTP, "passphrase": "env:PASSWORD"}, "passphrase needs private_key"),
        ({**SFTP, "host_key": None}, "either host_key or known_hosts"),
        ({**SFTP, "password": "open-sesame"}, "not the secret itself"),
        ({"url": "s3://bucket", "access_key_id": "env:KEY_ID"}, "are given together"),
        ({"url": "s3://bucket", "session_token": "env:KEY"}, "session_token needs access_key_id"),
        ({"url": "s3://bucket", "endpoint": "http://s3.example"}, "begins with https://"),
        ({"url": "s3://bucket", "endpoint": "https://a:b@s3.example"}, "must not contain a user"),
        ({"format": "parquet", "formula_guard": True}, "for format csv only"),
        ({"format": "xlsx"}, "csv"),
        ({"keep_days": 0}, "greater than or equal to 1"),
        ({"write_seconds": 101.0}, "less than or equal to 100"),
        ({"colums": []}, "Extra inputs"),
    ],
)
def test_settings_that_do_not_fit_are_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(Path("/etc/kith"), **more)
    assert message in str(error.value)


def test_plain_http_is_for_this_machine_or_allowed() -> None:
    for more in ({"endpoint": "http://127.0.0.1:9000"}, {"endpoint": "http://s3.internal", "allow_http": True}):
        assert settings(Path("/"), url="s3://bucket", **more).endpoint == more["endpoint"]


def test_no_secret_is_shown() -> None:
    # given
    given = settings(Path("/"), **SFTP)
    # then
    assert given.password is not None
    assert given.password.get_secret_value() == "open-sesame"
    assert "open-sesame" not in repr(given)


def test_an_error_of_the_file_names_the_destination_and_no_value(tmp_path: Path) -> None:
    # given
    text = '[[destination]]\nname = "letters"\ntype = "files"\nurl = "sftp://x:open-sesame@drop.example"\n'
    # when
    with pytest.raises(InvalidInput) as error:
        destinations_file.parse(text, tmp_path / "destinations.toml", MODELS, {})
    # then
    assert "destination letters: url: must not contain credentials" in error.value.message
    assert "open-sesame" not in error.value.message


def test_the_example_of_the_documentation_opens(tmp_path: Path) -> None:
    # given
    text = (ROOT / "docs" / "destinations" / "files.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    env = {"TEXTS_KEY_ID": "kith-test-identity", "TEXTS_KEY": "kith-test-credential"}
    env["LETTERS_KEY"] = (tmp_path / "key").read_text()
    # when
    parsed = destinations_file.parse(example, tmp_path / "destinations.toml", MODELS, env)
    # then
    adapters = [TYPES[destination.type].open(destination) for destination in parsed]
    assert [adapter.batch_size for adapter in adapters] == [10_000] * 3


def test_a_package_that_is_missing_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setitem(sys.modules, "polars", None)
    # when
    with pytest.raises(InvalidInput) as error:
        TYPES["files"].open(settings(tmp_path, format="parquet"))
    # then
    assert error.value.code == "MISSING_EXTRA"
    assert "pip install 'kith-graph[files]'" in error.value.message
