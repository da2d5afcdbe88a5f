"""Thread switching while requests are active, and the number of open files."""

import logging
import resource
import sys
from collections.abc import Iterator

import pytest

from service.runtime.interpreter import (
    LARGE_REQUEST_BYTES,
    MIXED_SWITCH_INTERVAL_SECONDS,
    SWITCH_INTERVAL_SECONDS,
    TrackedRequest,
    allow_open_files,
)
from tests.builders.runs import Run
from tests.builders.slices import SLICES, runs_of_another_task


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    yield
    sys.setswitchinterval(before)


def is_shortened() -> bool:
    """Whether the switch interval is shorter than by default."""
    default = sys.getswitchinterval() == pytest.approx(SWITCH_INTERVAL_SECONDS)
    assert default or sys.getswitchinterval() == pytest.approx(MIXED_SWITCH_INTERVAL_SECONDS)
    return not default


def test_the_switch_interval_is_shortened_while_small_and_large_requests_are_active() -> None:
    with TrackedRequest(LARGE_REQUEST_BYTES):
        assert not is_shortened()
        with TrackedRequest(LARGE_REQUEST_BYTES - 1):
            assert is_shortened()
            # when: other requests begin and end meanwhile
            with TrackedRequest(LARGE_REQUEST_BYTES), TrackedRequest(LARGE_REQUEST_BYTES - 1):
                pass
            assert is_shortened()
        assert not is_shortened()
    with TrackedRequest(LARGE_REQUEST_BYTES - 1):
        assert not is_shortened()


def test_a_failed_request_restores_the_switch_interval() -> None:
    with TrackedRequest(LARGE_REQUEST_BYTES):
        with pytest.raises(ValueError, match="bad"), TrackedRequest(0):
            raise ValueError("bad")
        assert not is_shortened()


def test_bulk_work_yields_to_a_small_request(run: Run) -> None:
    with TrackedRequest(LARGE_REQUEST_BYTES - 1):
        assert runs_of_another_task(run) > 3 * SLICES
    with TrackedRequest(LARGE_REQUEST_BYTES):
        assert runs_of_another_task(run) == SLICES - 1


@pytest.fixture
def few_open_files() -> Iterator[int]:
    """A low limit of open files; yields the highest that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_as_many_files_may_be_open_as_needed(few_open_files: int, caplog: pytest.LogCaptureFixture) -> None:
    allow_open_files(600)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 600
    # and a limit that is high enough stays
    allow_open_files(550)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 600
    assert not caplog.text


def test_more_open_files_than_allowed_are_a_warning(few_open_files: int, caplog: pytest.LogCaptureFixture) -> None:
    if few_open_files == resource.RLIM_INFINITY:
        pytest.skip("all numbers of open files are allowed here")
    with caplog.at_level(logging.WARNING):
        allow_open_files(few_open_files + 1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == few_open_files
    assert "KITH_MAX_SOCKETS" in caplog.text
