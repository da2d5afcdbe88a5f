"""All Cypher of the project, in files by noun; each query is named and described."""

import importlib.resources
import re

_QUERY = re.compile(r"// name: (?P<name>\w+)\n(?P<about>(?://.*\n)+)(?P<text>[^;]+);\n")


def load(noun: str) -> dict[str, str]:
    """The queries of `<noun>.cypher` by name, in the order of the file."""
    text = (importlib.resources.files(__name__) / f"{noun}.cypher").read_text("utf-8")
    return {found["name"]: found["text"].strip() for found in _QUERY.finditer(text)}
