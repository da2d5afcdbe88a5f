"""Files in a real S3-compatible store, S3Proxy, which checks signatures."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.destinations.adapter import DONE, Unavailable
from service.destinations.files.adapter import FilesAdapter
from tests.builders.file_drops import Clock, Receiver, settings, update
from tests.builders.runs import Run
from tools.s3.server import Server
from tools.server_process import CannotStart


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bucket `drop`."""
    try:
        with Server(tmp_path_factory.mktemp("s3"), "drop") as server:
            yield server
    except CannotStart as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no server can be started here: {error}")


def adapter(server: Server, folder: str, clock: Clock | None = None, **more: Any) -> FilesAdapter:
    values = {
        "url": f"s3://drop/{folder}", "endpoint": server.endpoint, "region": "us-east-1",
        "access_key_id": "env:KEY_ID", "secret_access_key": "env:KEY", **more,
    }  # fmt: skip
    return FilesAdapter(settings(Path("/"), **values), clock or Clock())


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_files_arrive_and_old_ones_are_deleted(format: str, server: Server, run: Run) -> None:
    # given
    clock, drop = Clock(), server.objects / "out" / format
    sender = adapter(server, f"out/{format}", clock, format=format)
    updates = [update(f"{n}@x.example", fields={"first_name": "x" * 50}) for n in range(5_000)]
    # when
    assert run(sender.send(updates)) == [DONE] * 5_000
    assert run(sender.send([update("0@x.example", present=False)])) == [DONE]
    # then
    assert len(Receiver(drop).members()["winback"]) == 4_999
    # when
    clock.now += 15 * 24 * 3_600_000_000
    run(sender.maintain())
    # then
    assert Receiver(drop).manifests() == []
    run(sender.close())


def test_a_new_process_follows_the_files_of_the_bucket(server: Server, run: Run) -> None:
    # given
    ahead = adapter(server, "follow", Clock(Clock().now + 3_600_000_000))
    run(ahead.send([update("a@x.example")]))
    # when
    run(adapter(server, "follow").send([update("a@x.example", present=False)]))
    # then
    assert Receiver(server.objects / "follow").members()["winback"] == {}


def test_objects_in_the_root_of_a_bucket(server: Server, run: Run) -> None:
    # when
    assert run(adapter(server, "").send([update("a@x.example")])) == [DONE]
    # then
    assert set(Receiver(server.objects).members()["winback"]) == {"a@x.example"}


def test_a_key_that_is_refused_is_said_without_the_key(server: Server, run: Run) -> None:
    for more in ({}, {"write_only": True}):
        with pytest.raises(Unavailable) as error:
            run(adapter(server, "x", secret_access_key="env:OTHER", **more).send([update("a@x.example")]))
        assert error.value.login
        what = "written" if more else "listed"
        assert error.value.message == f"the bucket cannot be {what}: 403 SignatureDoesNotMatch"


def test_a_check_logs_in_and_writes_nothing(server: Server, run: Run) -> None:
    # when
    for more in ({}, {"write_only": True}):
        run(adapter(server, "checked", **more).check())
    # then
    assert not (server.objects / "checked").exists()
    with pytest.raises(Unavailable, match="the bucket cannot be reached: 403 SignatureDoesNotMatch"):
        run(adapter(server, "checked", secret_access_key="env:OTHER", write_only=True).check())


def test_a_bucket_that_is_missing_is_said(server: Server, run: Run) -> None:
    with pytest.raises(Unavailable, match="404 NoSuchBucket") as error:
        run(adapter(server, "", url="s3://other").send([update("a@x.example")]))
    assert not error.value.login


def test_no_server_is_unavailable_at_once(server: Server, run: Run) -> None:
    with pytest.raises(Unavailable, match="the bucket cannot be listed: no connection to the server"):
        run(adapter(server, "", endpoint="http://127.0.0.1:9").send([update("a@x.example")]))


def test_a_server_that_says_nothing_is_not_waited_for(server: Server, run: Run) -> None:
    # given
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        # then
        for more in ({}, {"write_only": True}):
            with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
                run(adapter(server, "", endpoint=endpoint, timeout_seconds=0.2, **more).send([update("a@x.example")]))
