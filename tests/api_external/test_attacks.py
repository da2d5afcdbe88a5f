"""The production profile as attackers meet it: the checks of graphql-cop, and what clairvoyance can guess."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.root import schema
from tests.builders.services import TOOLS, Service, needed

CIRCULAR = (
    "{ __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }"
)
MUTATION = 'mutation { cancelPreview(id: "x") { errors { code } } }'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("production")
    service = Service(f"sqlite:///{folder / 'kith.db'}", folder, profile="production").wait()
    yield service
    service.stop()


def post(service: Service, query: Any, **headers: str) -> httpx.Response:
    body = query if isinstance(query, list) else {"query": query}
    return service.http.post(service.url, json=body, headers=headers)


def refused(response: httpx.Response) -> str:
    """What is said, where nothing was run."""
    answer = response.json()
    assert "data" not in answer
    assert response.status_code < 500
    return json.dumps(answer["errors"])


def test_it_serves_those_who_know_what_they_want(service: Service) -> None:
    assert post(service, '{ customer(by: {id: "x"}) { id } }').json() == {"data": {"customer": None}}


def test_aliases_cannot_be_piled_up(service: Service) -> None:
    refused(post(service, "{ " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"))


def test_operations_cannot_be_batched(service: Service) -> None:
    refused(post(service, [{"query": "{ __typename }"}] * 10))


def test_directives_cannot_be_piled_up(service: Service) -> None:
    for name in ("@aa", "@skip(if: false)"):
        told = post(service, "{ __typename " + name * 51 + " }")
        refused(told)
        assert len(told.json()["errors"]) == 1


def test_fields_cannot_be_repeated_without_end(service: Service) -> None:
    refused(post(service, "{ " + "__typename " * 500 + "}"))


def test_nothing_tells_the_schema(service: Service) -> None:
    for query in (
        "{ __schema { queryType { name } } }",
        CIRCULAR,
        '{ __type(name: "Query") { name } }',
        "{ _service { sdl } }",
    ):
        assert "switched off" in refused(post(service, query))


def test_errors_suggest_nothing(service: Service) -> None:
    for query in ("{ custome { id } }", "{ customer { id } }", '{ customer(by: {idd: "x"}) { id } }', "{ customer }"):
        told = refused(post(service, query))
        assert "mean" not in told
        assert "ustomer" not in told


def test_there_is_no_explorer(service: Service) -> None:
    page = service.http.get(service.url, headers={"accept": "text/html"})
    assert "html" not in page.headers["content-type"]
    assert "graphiql" not in page.text.lower()


def test_unknown_documents_are_not_served_by_get(service: Service) -> None:
    answer = service.http.get(service.url, params={"query": "{ __typename }"})
    assert answer.status_code == 405
    refused(answer)


def test_unknown_documents_are_not_served_by_get_as_events_either(service: Service) -> None:
    headers = {"accept": "text/event-stream"}
    answer = service.http.get(service.url, params={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 405
    refused(answer)


def test_mutations_are_not_served_by_get(service: Service) -> None:
    answer = service.http.get(service.url, params={"query": MUTATION})
    assert answer.status_code == 405
    refused(answer)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_forms_of_other_pages_are_not_served(service: Service, kind: str) -> None:
    body = '{"query": "{ __typename }"}' if "plain" in kind else "query=%7B__typename%7D"
    answer = service.http.post(service.url, content=body, headers={"content-type": kind})
    assert answer.status_code == 415
    refused(answer)


def test_answers_hold_no_tracing(service: Service) -> None:
    assert "extensions" not in post(service, "{ __typename }", **{"x-apollo-tracing": "1"}).json()


def test_errors_hold_no_exception(service: Service) -> None:
    for query in ("query cop { abc }", "{", '{ customer(by: {id: "x"}, at: "never") { id } }'):
        told = post(service, query).text.lower()
        for word in ("exception", "traceback", "stack", ".py"):
            assert word not in told


def guessed(service: Service, folder: Path, words: set[str]) -> set[str]:
    """The types of ours of which clairvoyance finds out fields, given these words to try."""
    needed((TOOLS / "clairvoyance").exists(), "clairvoyance")
    (folder / "words").write_text("\n".join(sorted(words)))
    output = folder / "guessed.json"
    output.unlink(missing_ok=True)
    command = [TOOLS / "clairvoyance", "-w", folder / "words", "-o", output, "-p", "fast", service.url]
    subprocess.run(command, capture_output=True, timeout=60, check=False)
    if not output.exists():
        return set()
    types = json.loads(output.read_text())["data"]["__schema"]["types"]
    return {one["name"] for one in types if one.get("fields") and one["name"] in ("Query", "Order", "Customer")}


def test_clairvoyance_rebuilds_nothing(service: Service, tmp_path: Path) -> None:
    # given every word that the schema holds, and the few that it finds out quickly where it can
    every = {name for one in schema._schema.type_map.values() for name in getattr(one, "fields", {})}
    few = {"order", "number", "total"}
    open_ = Service(f"sqlite:///{tmp_path / 'open.db'}", tmp_path, profile="development").wait()
    try:
        # then
        assert guessed(open_, tmp_path, few) == {"Query", "Order"}
    finally:
        open_.stop()
    assert guessed(service, tmp_path, few) == set()
    assert guessed(service, tmp_path, every) == set()
