"""All Cypher of the project, in files by noun. Each query has a name and a description."""

import importlib.resources
import re

_QUERY = re.compile(r"// name: (?P<name>\w+)\n(?://.*\n)+(?P<text>[^;]+);\n")


def load(noun: str) -> dict[str, str]:
    """Return the queries of `<noun>.cypher` by name, in the order of the file."""
    text = (importlib.resources.files(__name__) / f"{noun}.cypher").read_text("utf-8")
    return {match["name"]: match["text"].strip() for match in _QUERY.finditer(text)}
