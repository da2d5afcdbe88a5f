"""The scenario files, as parameters."""

from pathlib import Path

import pytest

from graph.domain.resolution.scenario import Marked, Revoked, Scenario, Unmarked, parse

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.scenario"))

each_scenario = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def scenario(file: Path) -> Scenario:
    return parse(file.read_text("utf-8"))


def named(one: Scenario) -> list[str]:
    """All keys that a scenario names."""
    keys: dict[str, None] = {}
    for event in one.events:
        match event:
            case Marked(mark) | Unmarked(mark):
                keys.update(dict.fromkeys(mark.keys))
            case Revoked():
                pass
            case _:
                keys.update(dict.fromkeys(f"{name}={value}" for name, value in event.observation.identifiers))
    return list(keys)
