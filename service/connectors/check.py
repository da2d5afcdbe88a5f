"""What a mapping makes of a record, and what it leaves out, without storing anything."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from graph.domain.commands import SourceStatement, Terms, command
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.observations import Party
from graph.domain.model.products import Product, check_product
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.model.times import iso
from service.connectors.mapping import MERGE, ROWS, TIME_FIELDS, MappedStatement, RecordMapping
from service.connectors.merges import keys_of, parse_merge
from service.connectors.values import names_of
from service.ingest.records import parse_record

MAX_UNUSED = 100


class Checked(Struct, frozen=True):
    """What a record becomes.

    The statements by kind, each with its fields or its problem, the paths that were not used, and the identifiers that
    the rules drop.
    """

    statements: tuple[tuple[str, dict[str, Any] | Problem], ...]
    is_ignored: bool
    problem: Problem | None
    unused: tuple[str, ...]
    dropped: tuple[DroppedIdentifier, ...] = ()

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
            "droppedIdentifiers": [
                {"namespace": one.namespace, "value": one.value, "reason": one.reason} for one in self.dropped
            ],
        }


class Judge(Struct, frozen=True):
    """What statements are judged by: the rules, what they may name, and the time, in microseconds."""

    rules: Rules
    terms: Terms
    now: int

    def problem_of(self, statement: SourceStatement | Product) -> tuple[Problem | None, tuple[DroppedIdentifier, ...]]:
        """Return why a statement would be rejected, `None` if nothing is known against it, and what is dropped."""
        if isinstance(statement, Product):
            return check_product(statement, self.terms.currencies, self.now), ()
        found = command(statement, self.rules, self.terms, self.now)
        return (found, ()) if isinstance(found, Problem) else (found.normalized.rejected, found.normalized.dropped)


def check(mapping: RecordMapping, record: Any, beside: Mapping[str, Any], judge: Judge) -> Checked:
    """Return what a mapping makes of a record."""
    made = mapping.map(record, beside)
    unused = tuple(_unused(record, mapping.paths))[:MAX_UNUSED]
    if made is None:
        return Checked((), True, None, unused)
    statements: list[tuple[str, dict[str, Any] | Problem]] = []
    problem = None if made else Problem("NOT_MAPPED", "no statement of the mapping takes this record")
    ids: set[str] = set()
    dropped: dict[DroppedIdentifier, None] = {}
    for statement in made:
        found, left_out = (statement.problem, ()) if statement.problem else _problem(statement, beside, judge, ids)
        dropped |= dict.fromkeys(left_out)
        problem = problem or found
        statements.append((statement.kind, found or statement.fields))
    return Checked(tuple(statements), False, problem, unused, tuple(dropped))


def _problem(
    mapped: MappedStatement, beside: Mapping[str, Any], judge: Judge, ids: set[str]
) -> tuple[Problem | None, tuple[DroppedIdentifier, ...]]:
    if mapped.kind == MERGE:
        return _problem_of_merge(mapped, judge.rules), ()
    fields = mapped.fields
    if "id" in fields:
        if fields["id"] in ids:
            message = f"two statements have the id {fields['id']!r}: one needs a label"
            return Problem("ID_CONFLICT", message, ("id",)), ()
        ids.add(fields["id"])
    # Without a time of its own, the record has that of its arrival.
    timed = {TIME_FIELDS[mapped.kind]: iso(judge.now)} | fields
    parsed = parse_record(timed, str(beside.get("source", ""))).statement
    return (parsed, ()) if isinstance(parsed, Problem) else judge.problem_of(parsed)


def _problem_of_merge(mapped: MappedStatement, rules: Rules) -> Problem | None:
    merge = parse_merge(mapped.fields, Party.FIRST_PARTY)
    if isinstance(merge, Problem):
        return merge
    try:
        keys_of(merge, rules)
    except InvalidInput as error:
        return Problem(error.code, error.message, error.path)
    return None


def _unused(record: Any, paths: frozenset[str]) -> Iterator[str]:
    used = [_of_row(tuple(names_of(path.removeprefix("^.")))) for path in paths if not path.startswith("@")]
    if ("", "") in used:
        return
    seen: set[str] = set()
    for names in map(_of_row, _leaves(record, ())):
        shown = ".".join(names)
        if shown not in seen and not any(_covers(path, names) for path in used):
            seen.add(shown)
            yield shown


def _of_row(names: tuple[str, ...]) -> tuple[str, ...]:
    """A path into one of the records of a group as one into the record: they have the same columns."""
    return names[2:] if len(names) > 2 and names[0] == ROWS and names[1] in ("*", "0") else names


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
