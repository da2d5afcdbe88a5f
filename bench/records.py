"""Records of people with the truth about them, and the customers that the rules make of them.

A record is what a source states of somebody: identifiers and attributes, under an id of its own. It takes the way of
a partner's statement: the code that the service runs checks, normalizes and resolves it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from graph.domain.commands import Terms, command
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import Problem
from graph.domain.model.facts import evidence_statement
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import EvidenceStatement, Observation
from graph.domain.model.rules import Rules
from graph.domain.profile.attributes import AttributesStatement, Value
from graph.domain.resolution.resolution import resolve
from service.config import attributes_file

TERMS = Terms(catalog=attributes_file.read(None))
NOW = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND

Resolve = Callable[[Sequence[EvidenceStatement], Rules], Iterable[Iterable[str]]]
"""Returns the groups of keys that the rules make of statements."""


@dataclass(frozen=True, slots=True)
class Record:
    """A statement about the person or company `entity`. `own` is the identifier that its source gave the record.

    `at` is in seconds since 1970. A source may state the same record again.
    """

    source: str
    own: tuple[str, str]
    entity: str
    identifiers: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    at: int = NOW // SECOND


def statements_of(records: Iterable[Record], rules: Rules) -> tuple[list[EvidenceStatement], dict[str, str]]:
    """Return the statements of records, and the entity by the key of each record.

    Identifiers of namespaces that the rules do not have are left out.
    """
    statements: list[EvidenceStatement] = []
    entities: dict[str, str] = {}
    for number, record in enumerate(records):
        identifiers = tuple(pair for pair in (record.own, *record.identifiers) if pair[0] in rules.by_name)
        sent: AttributesStatement | Observation
        if record.attributes:
            sent = AttributesStatement(
                record.source, identifiers, record.attributes, f"{number}", reported_at=record.at * SECOND
            )
        else:
            sent = Observation(record.source, identifiers, f"{number}", seen_at=record.at * SECOND)
        prepared = command(sent, rules, TERMS, NOW)
        problem = prepared if isinstance(prepared, Problem) else prepared.normalized.rejected
        if isinstance(prepared, Problem) or problem is not None:
            raise ValueError(f"record {record.own}: {problem}")
        own = Identifier(record.own[0], str(rules.normalize_value(*record.own))).key
        keys = prepared.normalized.keys
        if own not in keys:
            raise ValueError(f"record {record.own}: its own identifier is dropped")
        entities[own] = record.entity
        statements.append(evidence_statement(prepared.observation, keys, record.at * SECOND, rules))
    return statements, entities


def resolve_from_scratch(statements: Sequence[EvidenceStatement], rules: Rules) -> Iterable[Iterable[str]]:
    """Resolve by the rule itself."""
    return resolve(statements, (), rules).groups


def customers_of(
    statements: Sequence[EvidenceStatement],
    entities: Mapping[str, str],
    rules: Rules,
    resolve: Resolve = resolve_from_scratch,
) -> list[dict[str, str]]:
    """Return the customers that the rules make of statements: of each, the entity by the key of each of its records."""
    groups = ({key: entities[key] for key in group if key in entities} for group in resolve(statements, rules))
    return [group for group in groups if group]
