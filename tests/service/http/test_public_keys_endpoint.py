"""`/.well-known/kith-keys`: public keys for anybody, also where callers need keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.bootstrap import wire
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from service.http.public_keys_endpoint import PATH
from service.privacy.keys import KeyFile
from tests.builders.audits import MONDAY
from tests.builders.runs import Run


class App:
    """The application of a service that requires keys."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.keys = KeyFile(folder / "keys")
        store = f"sqlite:///{folder / 'kith.db'}"
        key = "admin:admin:0123456789abcdef"
        settings = Settings(store=store, api_keys=key, erasure_keys=self.keys.path, audit=str(folder), _env_file=None)
        self.wiring, self._run = wire(settings), run
        app = create_app(settings, self.wiring, create_endpoint(settings, self.wiring))
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")

    def get(self, **headers: str) -> httpx.Response:
        return self._run(self._http.get(PATH, headers=headers))

    def post(self) -> Any:
        return self._run(self._http.post(PATH)).status_code


@pytest.fixture
def app(tmp_path: Path, run: Run) -> Iterator[App]:
    app = App(tmp_path, run)
    yield app
    run(app.wiring.graph.close())


def test_without_keys_the_set_is_empty_and_not_cached(app: App) -> None:
    answer = app.get()
    assert answer.status_code == 200
    assert answer.json() == {"keys": []}
    assert answer.headers["cache-control"] == "no-cache"


def test_public_keys_are_answered_without_authentication_and_may_be_cached(app: App) -> None:
    # given
    keys = app.keys.create(MONDAY)
    # when
    answer = app.get()
    # then
    assert answer.content == keys.public.encoded()
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    tag = answer.headers["etag"]
    again = app.get(**{"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert app.post() == 405


def test_keys_before_a_rotation_are_still_answered(app: App) -> None:
    # given
    app.keys.create(MONDAY)
    (first,) = app.get().json()["keys"]
    tag = app.get().headers["etag"]
    # when
    app.keys.rotate(MONDAY, MONDAY)
    # then
    answer = app.get(**{"if-none-match": tag})
    assert answer.status_code == 200
    assert answer.json()["keys"][0] == first
    assert len(answer.json()["keys"]) == 2
