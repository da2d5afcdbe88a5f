"""A service that is killed with -9 between sending and storing the answer sends what is missing, removals above all."""

from pathlib import Path

from tests.builders.killed_services import MOMENTS, run

KILLS = 10
"""`python -m tests.builders.killed_services` kills 200 times."""


def test_destinations_hold_what_they_should_after_kills_in_the_middle_of_sending(tmp_path: Path) -> None:
    # when
    result = run(tmp_path, KILLS, check_every=5)
    # then
    assert result["differences"] == []
    assert sum(result["killed"].values()) == KILLS
    assert set(result["killed"]) <= set(MOMENTS)
