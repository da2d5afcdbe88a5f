"""Kill -9 in the middle of batches: no manifest of half a file, and every state that was acknowledged is in a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.builders.file_drops import Receiver
from tests.builders.services import ROOT
from tests.builders.sftp import SftpServer


def killed(times: int, **settings: Any) -> dict[str, Any]:
    """Kill senders; return which batches they have acknowledged, and how many were cut off."""
    command = [sys.executable, "-m", "tests.builders.killed_file_drops", json.dumps(settings), str(times)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def assert_nothing_is_missing(drop: Path, acknowledged: list[int]) -> None:
    # Each manifest is of a complete file: the receiver compares length and digest.
    receiver = Receiver(drop)
    rows = [row for manifest in receiver.manifests() for row in receiver.rows(manifest)]
    for audience in ("winback", "other"):
        added = {row["value"] for row in rows if row["audience"] == audience and row["op"] == "add"}
        assert {f"{number}-{n}@x.example" for number in acknowledged for n in (0, 199)} <= added
        members = receiver.members()[audience]
        assert set(members) == {f"{acknowledged[-1]}-{n}@x.example" for n in range(200)}


def test_fifty_senders_that_are_killed(tmp_path: Path) -> None:
    # when
    result = killed(50, url=str(tmp_path))
    # then
    assert result["cut_off"] > 0
    assert result["done"] == list(range(len(result["done"])))
    assert_nothing_is_missing(tmp_path, result["done"])
    # Under its name, a file is whole even before it has a manifest.
    lines = {path.read_bytes().count(b"\r\n") for path in tmp_path.glob("*.csv")}
    assert lines == {401}


def test_senders_to_an_sftp_server_that_are_killed(tmp_path: Path) -> None:
    # given
    (tmp_path / "drop").mkdir()
    server = SftpServer(tmp_path)
    # when
    try:
        result = killed(
            10, url=f"sftp://127.0.0.1:{server.port}{tmp_path}/drop", user=server.user, host_key=server.host_key,
            private_key=f"file:{server.user_key}",
        )  # fmt: skip
    finally:
        server.stop()
    # then
    assert_nothing_is_missing(tmp_path / "drop", result["done"])
