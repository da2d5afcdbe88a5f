"""The scenario files, as parameters of tests."""

from pathlib import Path

import pytest

from graph.domain.model.observations import normalize
from graph.domain.resolution.scenario import (
    ErasureEvent,
    OverrideRemovedEvent,
    OverrideSetEvent,
    RevocationEvent,
    Scenario,
    parse,
)

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.scenario"))

each_scenario = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def read_scenario(file: Path) -> Scenario:
    return parse(file.read_text("utf-8"))


def keys_of(scenario: Scenario) -> list[str]:
    """All keys that a scenario names."""
    keys: dict[str, None] = {}
    for event in scenario.events:
        match event:
            case OverrideSetEvent(override) | OverrideRemovedEvent(override):
                keys.update(dict.fromkeys(override.keys))
            case RevocationEvent():
                pass
            case ErasureEvent(named):
                keys.update(dict.fromkeys(named))
            case _:
                keys.update(dict.fromkeys(f"{name}={value}" for name, value in event.observation.identifiers))
                # Attributes make up composite keys.
                keys.update(dict.fromkeys(normalize(event.observation, scenario.rules).keys))
    return list(keys)
