"""What a mapping makes of a record, and what it leaves out, without storing anything."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from graph.domain.model.errors import Problem
from graph.domain.model.rules import Rules
from service.connectors.mapping import RecordMapping
from service.connectors.values import names_of
from service.ingest.records import parse_record

MAX_UNUSED = 100


class Checked(Struct, frozen=True):
    """The statements of a record by kind, each with its fields or its problem, and the paths that were not used."""

    statements: tuple[tuple[str, dict[str, Any] | Problem], ...]
    is_ignored: bool
    problem: Problem | None
    unused: tuple[str, ...]

    def described(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        made = [
            {"kind": kind, "problem": {"code": made.code, "message": made.message}}
            if isinstance(made, Problem)
            else {"kind": kind, "fields": made}
            for kind, made in self.statements
        ]
        return {
            "statements": made,
            "ignored": self.is_ignored,
            "refused": self.problem is not None,
            "unused": list(self.unused),
        }


def check(mapping: RecordMapping, record: Any, beside: Mapping[str, Any], rules: Rules) -> Checked:
    """Return what a mapping makes of a record. `rules` say which namespaces there are and which values they drop."""
    made = mapping.map(record, beside)
    unused = tuple(_unused(record, mapping.paths))[:MAX_UNUSED]
    if made is None:
        return Checked((), True, None, unused)
    statements: list[tuple[str, dict[str, Any] | Problem]] = []
    problem = None if made else Problem("NOT_MAPPED", "no statement of the mapping takes this record")
    ids: set[str] = set()
    for statement in made:
        found = statement.problem or _problem(statement.fields, beside, rules, ids)
        problem = problem or found
        statements.append((statement.kind, found or statement.fields))
    return Checked(tuple(statements), False, problem, unused)


def _problem(fields: dict[str, Any], beside: Mapping[str, Any], rules: Rules, ids: set[str]) -> Problem | None:
    for position, identifier in enumerate(fields.get("identifiers", ())):
        namespace = identifier["namespace"]
        if namespace not in rules.by_name:
            return Problem("UNKNOWN_NAMESPACE", rules.unknown(namespace), ("identifiers", position, "namespace"))
    if "id" in fields:
        if fields["id"] in ids:
            return Problem("ID_CONFLICT", f"two statements have the id {fields['id']!r}: one needs a label", ("id",))
        ids.add(fields["id"])
    parsed = parse_record(fields, str(beside.get("source", ""))).statement
    # Without a time of its own, the record has that of its arrival.
    return parsed if isinstance(parsed, Problem) and "is required" not in parsed.message else None


def _unused(record: Any, paths: frozenset[str]) -> Iterator[str]:
    used = [tuple(names_of(path.removeprefix("^."))) for path in paths if not path.startswith("@")]
    if any(path == (".",) for path in used):
        return
    seen: set[str] = set()
    for names in _leaves(record, ()):
        shown = ".".join(names)
        if shown not in seen and not any(_covers(path, names) for path in used):
            seen.add(shown)
            yield shown


def _leaves(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, (*names, str(name)))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _leaves(inner, (*names, "*"))
    elif value not in (None, "", [], {}):
        yield names


def _covers(path: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a path reads a leaf, or something around it or in it."""
    for a, b in zip(path, names, strict=False):
        if a != b and not (b == "*" and a.isdecimal()) and a != "*":
            return False
    return len(path) <= len(names) or names[-1] == "*"
