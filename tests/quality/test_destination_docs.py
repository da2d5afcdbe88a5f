"""Each type of destination has a page with an example that is valid, and all its keys are in the reference."""

import base64
import re
from pathlib import Path

import pytest

from service.config import destinations_file
from service.destinations.types import MODELS
from tests.builders.repository import ROOT, text_of
from tools.docs import reference

PAGES = ROOT / "docs" / "destinations"
REFERENCE = ROOT / "docs" / "reference" / "destinations-toml.md"
EXAMPLES = [
    pytest.param(path, text, id=f"{path.name}-{number}")
    for path in [*sorted(PAGES.glob("*.md")), REFERENCE]
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", text_of(path), re.DOTALL), 1)
]


class AnySecret(dict[str, str]):
    """An environment in which every variable is set, to what also is a secret of Standard Webhooks."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        return "whsec_" + base64.b64encode(name.ljust(32)[:32].encode()).decode()


@pytest.mark.parametrize(("path", "text"), EXAMPLES)
def test_examples_of_destinations_are_valid(path: Path, text: str, tmp_path: Path) -> None:
    # given: the files of secrets that the example names
    for name in re.findall(r'"file:([^"]+)"', text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(AnySecret().get(name))
    # when, then
    assert destinations_file.parse(text, tmp_path / "destinations.toml", MODELS, AnySecret()), path


@pytest.mark.parametrize("type", sorted(MODELS))
def test_each_type_of_destination_has_a_page_with_an_example(type: str) -> None:
    page = text_of(PAGES / f"{type}.md")
    assert re.search(rf'```toml\n[^`]*^type = "{type}"', page, re.MULTILINE)
    assert f"| `{type}` | " in text_of(PAGES / "index.md")
    assert f"<!-- generated: destination-{type} -->" in text_of(REFERENCE)


@pytest.mark.parametrize("type", ["", *sorted(MODELS)])
def test_each_key_of_a_destination_has_a_meaning(type: str) -> None:
    shown = reference.TABLES[f"destination-{type}" if type else "destination"]()
    assert [line for line in shown.splitlines() if line.endswith("| |")] == []
