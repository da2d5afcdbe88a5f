"""One process takes over from another without a failed request."""

import asyncio
from pathlib import Path

import pytest

from bench.rolling_restart import restart


@pytest.mark.parametrize(("workers", "restarts"), [(1, 2), (2, 1)])
def test_no_request_fails_and_nothing_is_lost_while_processes_take_over(
    tmp_path: Path, workers: int, restarts: int
) -> None:
    # when
    clients, took = asyncio.run(restart(f"sqlite:///{tmp_path / 'kith.db'}", restarts, workers=workers))
    # then
    assert not clients.failed
    assert clients.sent > 20
    assert clients.received == len(clients.written) > 0
    assert clients.changes
    assert len(took) == restarts
