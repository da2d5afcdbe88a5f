"""The scenario files, as parameters."""

from pathlib import Path

import pytest

from graph.domain.resolution.scenario import Scenario, parse

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.scenario"))

each_scenario = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def scenario(file: Path) -> Scenario:
    return parse(file.read_text("utf-8"))
