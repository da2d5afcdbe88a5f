"""A service listens once its store is ready, or has shown that it is not."""

import asyncio
from pathlib import Path

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite import SQLiteStore
from service.bootstrap import Wiring, wire
from service.config.settings import Settings
from service.http import app as app_module
from service.http.app import create_app, create_endpoint
from tests.builders.runs import Run


class SlowStore(SQLiteStore):
    """A store whose first read waits until it may go on, and then fails with an error if there is one."""

    def __init__(self, path: Path, error: Exception | None = None) -> None:
        super().__init__(path)
        self.asked, self.may_go_on = asyncio.Event(), asyncio.Event()
        self._error = error

    async def get_value(self, name: str) -> str | None:
        self.asked.set()
        await self.may_go_on.wait()
        if self._error is not None:
            raise self._error
        return await super().get_value(name)


class StartingService:
    """A service from its start to its end, without a socket."""

    def __init__(self, path: Path, error: Exception | None = None) -> None:
        settings = Settings(store=f"sqlite:///{path}", _env_file=None)
        self.wiring: Wiring = wire(settings)
        self.store = SlowStore(path, error)
        self.wiring.store = self.wiring.graph._store = self.wiring.graph.rules_control._store = self.store
        app = create_app(settings, self.wiring, create_endpoint(settings, self.wiring))
        self._lifespan = app.router.lifespan_context(app)

    def start(self) -> asyncio.Task[object]:
        """Start; the task ends when the service would listen."""
        return asyncio.create_task(self._lifespan.__aenter__())

    async def end(self) -> None:
        await self._lifespan.__aexit__(None, None, None)


def test_a_service_does_not_listen_before_its_store_is_ready(tmp_path: Path, run: Run) -> None:
    async def attempt() -> None:
        # given
        service = StartingService(tmp_path / "kith.db")
        # when
        starting = service.start()
        await service.store.asked.wait()
        # then: a proxy cannot send it requests that it would refuse
        assert not starting.done()
        # when
        service.store.may_go_on.set()
        async with asyncio.timeout(30):
            await starting
        # then
        assert await service.wiring.missing() == {}
        await service.end()

    run(attempt())


def test_a_service_listens_once_its_store_has_failed(tmp_path: Path, run: Run) -> None:
    async def attempt() -> None:
        # given
        service = StartingService(tmp_path / "kith.db", StoreUnavailable("the database does not answer"))
        service.store.may_go_on.set()
        # when
        async with asyncio.timeout(30):
            await service.start()
        # then: it says why it is not ready
        assert "the database does not answer" in (await service.wiring.missing()).values()
        await service.end()

    run(attempt())


def test_a_service_listens_after_a_time_whatever_its_store_does(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def attempt() -> None:
        # given
        monkeypatch.setattr(app_module, "START_SECONDS", 0.01)
        service = StartingService(tmp_path / "kith.db")
        # when
        async with asyncio.timeout(30):
            await service.start()
        # then
        assert not service.wiring.prepared
        assert "rules" in await service.wiring.missing()
        await service.end()

    run(attempt())


def test_the_first_start_warns_of_nothing(tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def attempt() -> None:
        # given a store that does not exist yet
        service = StartingService(tmp_path / "kith.db")
        service.store.may_go_on.set()
        # when
        async with asyncio.timeout(30):
            await service.start()
        await service.end()

    run(attempt())
    # then
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []
