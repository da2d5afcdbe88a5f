"""Attacks on the production profile: the checks of graphql-cop, and the schema reconstruction of clairvoyance."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.root import schema
from tests.builders.services import TOOLS, Service, require

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


def rejection(response: httpx.Response) -> str:
    """Return the errors of a request that was not executed."""
    answer = response.json()
    assert "data" not in answer
    assert response.status_code < 500
    return json.dumps(answer["errors"])


def test_valid_operations_are_served(service: Service) -> None:
    assert post(service, '{ customer(by: {id: "x"}) { id } }').json() == {"data": {"customer": None}}


def test_aliases_are_limited(service: Service) -> None:
    rejection(post(service, "{ " + " ".join(f"alias{n}: __typename" for n in range(101)) + " }"))


def test_batches_are_disabled(service: Service) -> None:
    rejection(post(service, [{"query": "{ __typename }"}] * 10))


def test_directives_are_limited(service: Service) -> None:
    for name in ("@aa", "@skip(if: false)"):
        response = post(service, "{ __typename " + name * 51 + " }")
        rejection(response)
        assert len(response.json()["errors"]) == 1


def test_repeated_fields_are_limited(service: Service) -> None:
    rejection(post(service, "{ " + "__typename " * 500 + "}"))


def test_introspection_is_disabled(service: Service) -> None:
    for query in (
        "{ __schema { queryType { name } } }",
        CIRCULAR,
        '{ __type(name: "Query") { name } }',
        "{ _service { sdl } }",
    ):
        assert "is disabled" in rejection(post(service, query))


def test_errors_suggest_nothing(service: Service) -> None:
    for query in ("{ custome { id } }", "{ customer { id } }", '{ customer(by: {idd: "x"}) { id } }', "{ customer }"):
        errors = rejection(post(service, query))
        assert "mean" not in errors
        assert "ustomer" not in errors


def test_graphiql_is_disabled(service: Service) -> None:
    page = service.http.get(service.url, headers={"accept": "text/html"})
    assert "html" not in page.headers["content-type"]
    assert "graphiql" not in page.text.lower()


def test_unknown_documents_are_not_served_by_get(service: Service) -> None:
    answer = service.http.get(service.url, params={"query": "{ __typename }"})
    assert answer.status_code == 405
    rejection(answer)


def test_unknown_documents_are_not_served_by_get_as_events_either(service: Service) -> None:
    headers = {"accept": "text/event-stream"}
    answer = service.http.get(service.url, params={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 405
    rejection(answer)


def test_mutations_are_not_served_by_get(service: Service) -> None:
    answer = service.http.get(service.url, params={"query": MUTATION})
    assert answer.status_code == 405
    rejection(answer)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
def test_form_posts_are_rejected(service: Service, kind: str) -> None:
    body = '{"query": "{ __typename }"}' if "plain" in kind else "query=%7B__typename%7D"
    answer = service.http.post(service.url, content=body, headers={"content-type": kind})
    assert answer.status_code == 415
    rejection(answer)


def test_responses_contain_no_tracing(service: Service) -> None:
    assert "extensions" not in post(service, "{ __typename }", **{"x-apollo-tracing": "1"}).json()


def test_errors_contain_no_exception(service: Service) -> None:
    for query in ("query cop { abc }", "{", '{ customer(by: {id: "x"}, at: "never") { id } }'):
        body = post(service, query).text.lower()
        for word in ("exception", "traceback", "stack", ".py"):
            assert word not in body


def guessed(service: Service, folder: Path, words: set[str]) -> set[str]:
    """Return the types whose fields clairvoyance reconstructs, given these words to try."""
    require((TOOLS / "clairvoyance").exists(), "clairvoyance")
    (folder / "words").write_text("\n".join(sorted(words)))
    output = folder / "guessed.json"
    output.unlink(missing_ok=True)
    command = [TOOLS / "clairvoyance", "-w", folder / "words", "-o", output, "-p", "fast", service.url]
    subprocess.run(command, capture_output=True, timeout=60, check=False)
    if not output.exists():
        return set()
    types = json.loads(output.read_text())["data"]["__schema"]["types"]
    return {type["name"] for type in types if type.get("fields") and type["name"] in ("Query", "Order", "Customer")}


def test_clairvoyance_reconstructs_nothing(service: Service, tmp_path: Path) -> None:
    # given: all field names of the schema, and a few that it finds quickly if suggestions are enabled
    all_names = {name for type in schema._schema.type_map.values() for name in getattr(type, "fields", {})}
    few_names = {"order", "number", "total"}
    development = Service(f"sqlite:///{tmp_path / 'open.db'}", tmp_path, profile="development").wait()
    try:
        # then
        assert guessed(development, tmp_path, few_names) == {"Query", "Order"}
    finally:
        development.stop()
    assert guessed(service, tmp_path, few_names) == set()
    assert guessed(service, tmp_path, all_names) == set()
