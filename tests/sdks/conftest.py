"""A collector with its sources, a proxy in front of it, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.collectors import Collector
from tests.builders.doors import Door
from tests.builders.sdks import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium for the whole session: each visitor of a page has a profile without history."""
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A service that servers send events to."""
    yield from _running(tmp_path_factory.mktemp("collector"))


@pytest.fixture(scope="session")
def page_collector(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Collector]:
    """A service that pages of one origin send events to."""
    yield from _running(tmp_path_factory.mktemp("collector"), browser.origin)


def _running(folder: Path, *origins: str) -> Iterator[Collector]:
    collector = Collector(folder, *origins)
    yield collector
    collector.stop()


@pytest.fixture
def server_door(server_collector: Collector) -> Iterator[Door]:
    """A proxy in front of the service for servers."""
    yield from _open(server_collector)


@pytest.fixture
def page_door(page_collector: Collector) -> Iterator[Door]:
    """A proxy in front of the service for pages."""
    yield from _open(page_collector)


def _open(collector: Collector) -> Iterator[Door]:
    door = Door(collector.service.port)
    yield door
    door.close()
