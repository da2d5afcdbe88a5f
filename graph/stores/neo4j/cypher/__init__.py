"""All Cypher of the project, in files by noun. Each query has a name and a description."""

import importlib.resources
import re

_QUERY = re.compile(r"// name: (?P<name>\w+)\n(?://.*\n)+(?P<text>[^;]+);\n")


def load(noun: str) -> dict[str, str]:
    """Return the queries of `<noun>.cypher` by name, in the order of the file."""
    return parse((importlib.resources.files(__name__) / f"{noun}.cypher").read_text("utf-8"))


def parse(text: str) -> dict[str, str]:
    """Return the queries in a text by name; raises `ValueError` if one of them cannot be read."""
    queries = {match["name"]: match["text"].strip() for match in _QUERY.finditer(text)}
    named = re.findall(r"^// name: (\w+)$", text, re.MULTILINE)
    if list(queries) != named:
        # Such as one without a description, with the name of another, or with a semicolon in a comment.
        raise ValueError(f"Cypher queries that cannot be read: {', '.join(set(named) - set(queries)) or 'duplicates'}")
    return queries
