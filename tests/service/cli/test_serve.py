"""`kith serve` with several workers."""

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.config.rules_file import default_text
from tests.builders.clients import LINK, seen
from tests.builders.services import Service, kith

PREVIEW = "mutation($input: PreviewRulesInput!) { previewRules(input: $input) { preview { id } } }"
FIND = "query($id: ID!) { rulesPreview(id: $id) { state } }"
CANCEL = "mutation($id: ID!) { cancelPreview(id: $id) { preview { id } errors { code } } }"
FOLLOW = "subscription { changes { cursor } }"
CONNECTIONS = 12
"""New connections, of which each worker accepts some."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("workers")
    # Nobody finds anything by looking at an interval.
    service = Service(f"sqlite:///{folder / 'kith.db'}", folder, workers=2, change_poll_seconds=600).wait()
    for _ in range(300):
        if 'kith_ready{worker="2"} 1.0' in metrics(service):
            break
        time.sleep(0.1)
    yield service
    service.stop()


def metrics(service: Service) -> str:
    return httpx.get(f"http://127.0.0.1:{service.port}/metrics").text


def post(service: Service, query: str, **variables: object) -> dict:
    """The answer over a new connection, of either worker."""
    return httpx.post(service.url, json={"query": query, "variables": variables}, timeout=60).json()["data"]


def test_startup_is_reported_once_and_each_line_names_its_worker(service: Service) -> None:
    log = service.log.read_text()
    assert log.count("GraphQL: http://") == 1
    assert log.count("Store: sqlite:///") == 1
    assert set(re.findall(r"the store is ready.* (worker=\d)", log)) == {"worker=1", "worker=2"}


def test_metrics_have_those_of_all_workers(service: Service) -> None:
    text = metrics(service)
    assert 'kith_ready{worker="1"} 1.0' in text
    assert 'kith_ready{worker="2"} 1.0' in text
    assert text.count("# TYPE kith_ready gauge") == 1


def test_a_preview_is_found_and_canceled_by_every_worker(service: Service) -> None:
    # given
    ids = [post(service, PREVIEW, input={"rules": default_text()})["previewRules"]["preview"]["id"] for _ in range(3)]
    # when
    found = [post(service, FIND, id=id)["rulesPreview"] for id in ids for _ in range(4)]
    canceled = [post(service, CANCEL, id=id)["cancelPreview"] for id in ids for _ in range(2)]
    unknown = post(service, FIND, id="prv_0")["rulesPreview"]
    # then
    assert found == [{"state": "COMPLETED"}] * len(found)
    assert [one["errors"] for one in canceled] == [[]] * len(canceled)
    assert unknown is None


def test_followers_of_all_workers_see_a_write_at_once(service: Service) -> None:
    # given: followers of both workers
    streams = []
    clients = [httpx.Client(timeout=30) for _ in range(CONNECTIONS)]
    for client in clients:
        request = client.build_request(
            "POST", service.url, json={"query": FOLLOW}, headers={"accept": "text/event-stream"}
        )
        streams.append(client.send(request, stream=True))
    time.sleep(0.5)
    # when
    post(service, LINK, input={"observations": [seen("email=a@example.com", "cookie=ck-1")]})
    # then
    for stream in streams:
        assert next(line for line in stream.iter_lines() if "cursor" in line)
        stream.close()
    opened = [float(count) for count in re.findall(r'kith_connections{type="sse",worker="\d"} (\S+)', metrics(service))]
    assert len(opened) == 2


def test_the_status_of_a_worker_that_cannot_start_is_that_of_the_service(tmp_path: Path) -> None:
    done = kith(tmp_path, "serve", "--workers", "2", "--host", "0.0.0.0", "--port", "0", timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("KITH_API_KEYS") == 1
    assert "giving up" in done.stderr


def test_the_number_of_workers_is_checked(tmp_path: Path) -> None:
    done = kith(tmp_path, "serve", "--workers", "0")
    assert done.returncode == 2
    assert "KITH_WORKERS" in done.stderr


def test_all_workers_end_with_the_service(tmp_path: Path) -> None:
    # given
    service = Service(f"sqlite:///{tmp_path / 'kith.db'}", tmp_path, workers=2).wait()
    # when
    service.signal(signal.SIGTERM)
    # then
    assert service.ended() == 0
    with pytest.raises(httpx.TransportError):
        metrics(service)
    assert "Traceback" not in service.log.read_text()
