"""How well customers agree with the truth: Senzing's truth set, FEBRL 1 to 4, and generated households.

    python -m bench.accuracy [--people 100000] [--quick]

The same records are resolved under the shipped rules `examples/rules/people-and-families.toml`, and with parts of them:
without guards, without composite keys, with one of them alone. Households are resolved under the default rules, too,
and under the default rules with the composite keys of the shipped ones. Every record takes the way of a partner's
statement. Groups are resolved over arrays, as `kith backfill` does; a test checks that the rule from scratch gives the
same customers.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from bench import febrl, senzing
from bench.households import Households
from bench.records import Record, customers_of, statements_of
from bench.report import Points, report_results
from bench.scores import Score, score
from graph.bulk.columns import ColumnBuilder
from graph.bulk.evidence import links_of
from graph.bulk.guards import GuardedIdentifiers
from graph.bulk.keys import Keys
from graph.bulk.resolution import resolve
from graph.domain.model.guarded_values import guarded_values_of
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.rules import Rules
from service.config.rules_file import default_text, parse

RULES = Path(__file__).parent.parent / "examples" / "rules" / "people-and-families.toml"
CONTACTS = ("email", "hashed_email", "phone")
EVERYTHING = "both guards, composite keys"
"""The name of rules that have composite keys."""
PEOPLE, PEOPLE_QUICK = 100_000, 3_000


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules, or parts of them; identifiers of the namespaces `without` are not sent."""

    name: str
    rules: Rules
    without: tuple[str, ...] = ()

    def sent(self, record: Record) -> Record:
        """Return a record without the identifiers that are not sent."""
        if not self.without:
            return record
        kept = (identifier for identifier in record.identifiers if identifier[0] not in self.without)
        return with_fields(record, identifiers=tuple(kept))


def rule_sets(rules: Rules) -> Iterator[RuleSet]:
    """Yield parts of rules that differ, among them the rules themselves (`EVERYTHING`)."""
    parts = list(_parts(rules))
    for place, part in enumerate(parts):
        if all((part.rules, part.without) != (other.rules, other.without) for other in parts[place + 1 :]):
            yield part


def _parts(rules: Rules) -> Iterator[RuleSet]:
    birth_date, given_name = (
        tuple(guard for guard in rules.guards if guard.attribute == name) for name in ("birth_date", "given_name")
    )
    nothing_shared = tuple(replace(rule, shared_above={}) for rule in rules.namespaces)
    identifiers = replace(rules, guards=(), composites=())
    yield RuleSet("identifiers, none of them shared", replace(identifiers, namespaces=nothing_shared))
    yield RuleSet("identifiers", identifiers)
    yield RuleSet("birth date guard", replace(rules, guards=birth_date, composites=()))
    yield RuleSet("given name guard", replace(rules, guards=given_name, composites=()))
    yield RuleSet("both guards", replace(rules, composites=()))
    for composite in rules.composites:
        yield RuleSet(f"both guards, {composite.namespace}", replace(rules, composites=(composite,)))
    if rules.composites:
        yield RuleSet("composite keys", replace(rules, guards=()))
        yield RuleSet(EVERYTHING, rules)
        yield RuleSet(f"{EVERYTHING}, no email or phone", rules, CONTACTS)


def with_composites(rules: Rules, other: Rules) -> Rules:
    """Return rules with the composite keys of other rules, which rank before the email addresses."""
    added = [rule for rule in other.namespaces if rule.name in other.composite_parts]
    place = rules.names.index("email")
    namespaces = (*rules.namespaces[:place], *added, *rules.namespaces[place:])
    return replace(rules, namespaces=namespaces, composites=other.composites)


def resolve_over_arrays(statements: Sequence[EvidenceStatement], rules: Rules) -> Iterable[Iterable[str]]:
    """Return the groups of keys that the rules make of statements, as `kith backfill` makes them."""
    builder = ColumnBuilder()
    for statement in statements:
        builder.add(statement.source, statement.keys, statement.tier, statement.seen_at, statement.confidence)
    columns = builder.columns()
    keys, code_of = Keys.of(builder.code)
    columns.codes = code_of[columns.codes]
    links = links_of(columns, np.ones(columns.rows, bool), rules.min_confidence)
    values = guarded_values_of(statements, rules)
    by_code = dict(zip(keys.codes(list(values)), values.values(), strict=True))
    guarded = GuardedIdentifiers(by_code, keys.keys_of) if by_code else None
    group = resolve(links, keys.ranks(rules), rules, guarded=guarded).group
    groups: dict[int, list[str]] = {}
    for code, key in keys.keys_of(np.arange(len(keys))).items():
        groups.setdefault(int(group[code]), []).append(key)
    return groups.values()


def measured(records: Sequence[Record], rules: Rules) -> dict[str, Score]:
    """Return the score of the customers that each part of the rules makes of records, by its name."""
    scores: dict[str, Score] = {}
    last, prepared = None, statements_of((), rules)
    for part in rule_sets(rules):
        # What guards compare and what is shared changes no statement.
        if (part.rules.composites, part.without) != last:
            last = part.rules.composites, part.without
            prepared = statements_of(map(part.sent, records), part.rules)
        scores[part.name] = score(customers_of(*prepared, part.rules, resolve_over_arrays))
    return scores


def data_sets(people: int, is_quick: bool) -> Iterator[tuple[str, Rules, list[Record]]]:
    """Yield the name of each data set, the rules, and the records."""
    shipped, default = parse(RULES.read_text("utf-8")), parse(default_text())
    yield "Senzing", shipped, senzing.records()
    for number in (1,) if is_quick else febrl.FILES:
        yield f"FEBRL {number}", shipped, febrl.records(number)
    households = list(Households(people))
    yield "households", shipped, households
    yield "households, default rules", default, households
    yield "households, default rules with composite keys", with_composites(default, shipped), households


def measure(people: int, is_quick: bool) -> tuple[str, Points]:
    """Return the tables as Markdown, and precision against recall."""
    points = Points("Precision against recall", "recall", "precision")
    text = ""
    for name, rules, records in data_sets(people, is_quick):
        scores = measured(records, rules)
        total = next(iter(scores.values())).entities
        text += f"{name}: {len(records):,} records of {total:,} people or companies\n\n{table(scores)}\n"
        points.series[name] = [(set_name, score.recall, score.precision) for set_name, score in scores.items()]
    return text, points


def table(scores: dict[str, Score]) -> str:
    """Return scores as a Markdown table."""
    header = "| rules | precision | recall | F1 | B-cubed precision | B-cubed recall | B-cubed F1 | exact customers |\n"
    return f"{header}{'| --- ' * 8}|\n" + "".join(
        f"| {name} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} | "
        f"{s.b3_precision:.3f} | {s.b3_recall:.3f} | {s.b3_f1:.3f} | {s.exact:,} |\n"
        for name, s in scores.items()
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--people", type=int, default=0, help=f"people in households; {PEOPLE} without --quick")
    options.add_argument("--quick", action="store_true", help="fewer people, FEBRL 1 only")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    people = chosen.people or (PEOPLE_QUICK if chosen.quick else PEOPLE)
    text, points = measure(people, chosen.quick)
    command = f"python -m bench.accuracy --people {people}{' --quick' if chosen.quick else ''}"
    report_results("Accuracy", command, text, [points], chosen.record)


if __name__ == "__main__":
    main()
