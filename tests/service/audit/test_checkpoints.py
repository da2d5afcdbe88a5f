"""Where checkpoints go, and what happens if they do not get there."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.audit import checkpoints
from service.audit.audit import Audit
from tests.builders.audits import Clock, accessed, verified, viewer, written
from tests.builders.runs import Run


class Collector(BaseHTTPRequestHandler):
    """Keeps what is sent to it; refuses while `refusing`."""

    received: list[bytes]
    refusing = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.refusing:
            self.received.append(body)
        self.send_response(503 if self.refusing else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture
def collector() -> Iterator[tuple[type[Collector], str]]:
    handler = type("Handler", (Collector,), {"received": [], "refusing": False})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_checkpoints_are_written_to_a_file_elsewhere(tmp_path: Path, run: Run) -> None:
    # given
    elsewhere = tmp_path / "elsewhere"
    audit = Audit(tmp_path / "audit", Clock(), str(elsewhere))
    audit.recorder.command(viewer(), "lookup", accessed("cus_1"))
    # when
    run(audit.checkpoint())
    run(audit.checkpoint())
    # then: nothing was written in between, so there is one
    (one,) = checkpoints.read(elsewhere)
    assert one.entries == 1
    assert one.is_signed_by(audit.key.public)
    assert verified(tmp_path / "audit", audit, elsewhere).findings == []


def test_a_checkpoint_that_is_written_in_parts_is_whole(tmp_path: Path, run: Run) -> None:
    # given a disk that accepts 50 bytes at once
    elsewhere = tmp_path / "elsewhere"
    audit = written(tmp_path / "audit", 1)
    audit._target = checkpoints.FileTarget(elsewhere, lambda descriptor, text: os.write(descriptor, text[:50]))
    # when
    run(audit.checkpoint())
    # then
    (one,) = checkpoints.read(elsewhere)
    assert not isinstance(one, str)
    assert one.is_signed_by(audit.key.public)


class BrokenTarget:
    """Fails in a way that nobody expects."""

    def send(self, lines: bytes) -> None:
        raise ValueError(lines)


def test_an_error_of_any_kind_is_counted_and_the_checkpoint_is_sent_later(tmp_path: Path, run: Run) -> None:
    # given
    elsewhere = tmp_path / "elsewhere"
    audit = written(tmp_path / "audit", 1)
    audit._target = BrokenTarget()
    # when
    run(audit.checkpoint())
    # then
    assert audit.counts()["checkpoint_failures"] == 1
    # when
    audit._target = checkpoints.FileTarget(elsewhere)
    run(audit.checkpoint())
    # then
    assert len(checkpoints.read(elsewhere)) == 1


def test_checkpoints_are_sent_to_an_address_and_again_if_it_refused_them(
    tmp_path: Path, run: Run, collector: tuple[type[Collector], str]
) -> None:
    # given
    handler, address = collector
    audit = Audit(tmp_path / "audit", Clock(), address)
    audit.recorder.command(viewer(), "lookup", accessed("cus_1"))
    # when
    handler.refusing = True
    run(audit.checkpoint())
    # then
    assert (handler.received, audit.counts()["checkpoint_failures"]) == ([], 1)
    # when
    handler.refusing = False
    audit.recorder.command(viewer(), "lookup", accessed("cus_2"))
    run(audit.checkpoint())
    # then
    (body,) = handler.received
    (tmp_path / "received").write_bytes(body)
    assert [one.entries for one in checkpoints.read(tmp_path / "received")] == [1, 2]


@pytest.mark.parametrize("address", ["http://example.com/", "ftp://127.0.0.1/", "http://10.0.0.1/", "https://:x/"])
def test_checkpoints_are_not_sent_in_clear_text(tmp_path: Path, address: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_AUDIT_CHECKPOINTS"):
        Audit(tmp_path, Clock(), address)


def test_the_end_of_a_log_has_a_checkpoint(tmp_path: Path) -> None:
    audit = written(tmp_path, 3)
    audit.close()
    (one,) = checkpoints.read(tmp_path / "checkpoints")
    assert one.entries == 3


def test_the_key_is_created_once_for_its_owner_only(tmp_path: Path) -> None:
    first, second = (written(tmp_path, 0) for _ in range(2))
    assert first.key.public.text == second.key.public.text
    assert first.key.hash("a") == second.key.hash("a") != first.key.hash("b")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
