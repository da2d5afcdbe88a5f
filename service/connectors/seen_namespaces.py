"""Finds the namespace of a value that may be of several: the first in which it was seen before."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import ByKey, Selection
from graph.identity_graph import IdentityGraph
from service.connectors.mapping import MappedStatement

SEPARATOR = "|"
"""Between the namespaces that a value may be of, as in `login|cookie`."""


async def resolve_namespaces(graph: IdentityGraph, made: Sequence[Sequence[MappedStatement] | None]) -> None:
    """Replace the names of several namespaces by one: that in which the value was seen before, else the last.

    A value that the statement itself names in one of them is of that one: an alias of a login with itself says nothing.
    """
    open: list[dict[str, Any]] = []
    for statements in made:
        for statement in statements or ():
            identifiers = statement.fields.get("identifiers", ())
            for identifier in identifiers:
                if SEPARATOR not in identifier["namespace"]:
                    continue
                names, value = identifier["namespace"].split(SEPARATOR), identifier["value"]
                own = [one["namespace"] for one in identifiers if one["value"] == value and one["namespace"] in names]
                if own:
                    identifier["namespace"] = own[0]
                else:
                    open.append(identifier)
    if not open:
        return
    rules = graph.rules
    keys: dict[str, None] = {}
    candidates: list[list[tuple[str, str | None]]] = []
    for identifier in open:
        names = identifier["namespace"].split(SEPARATOR)
        found = [(namespace, _key(rules, namespace, str(identifier["value"]))) for namespace in names]
        candidates.append(found)
        keys.update(dict.fromkeys(key for _, key in found if key is not None))
    asked = list(keys)
    views = await graph.customers([ByKey(key) for key in asked], Selection()) if asked else []
    seen = {key for key, view in zip(asked, views, strict=True) if view is not None}
    for identifier, found in zip(open, candidates, strict=True):
        identifier["namespace"] = next((namespace for namespace, key in found if key in seen), found[-1][0])


def _key(rules: Rules, namespace: str, value: str) -> str | None:
    try:
        return rules.key(namespace, value)
    except InvalidInput:
        return None  # Recording it says what is wrong.
