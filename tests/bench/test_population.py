"""The population: the same seed gives the same people, and the rules find most of the truth in it."""

from bench.population import Population, score
from graph.domain.model.dates import SECOND
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import Observation, Statement, Tier, read
from graph.domain.resolution.resolution import resolve
from service.config.rules_file import default_text, parse

RULES = parse(default_text())


def test_the_same_seed_gives_the_same_population() -> None:
    one, same, other = ([seen.as_line() for seen in Population(2000, seed)] for seed in (1, 1, 2))
    assert one == same != other


def test_it_holds_what_shops_hold() -> None:
    population = Population(30_000, 1, hairballs=1)
    seen = list(population)
    assert population.made >= 30_000
    hub = sum(("email", "info@company-0.example") in one.keys for one in seen)
    assert hub == 9_999
    assert any(key[1].startswith("till-") for one in seen for key in one.keys)
    assert any(key[1].startswith("tablet-") for one in seen for key in one.keys)
    assert None in population.truth.values()


def test_the_default_rules_find_most_of_the_truth() -> None:
    # given
    population = Population(20_000, 3)
    statements = []
    for number, seen in enumerate(population):
        keys = read(Observation(seen.source, seen.keys, seen.id or str(number)), RULES).keys
        if keys:
            statements.append(Statement(seen.source, seen.id or str(number), keys, Tier.FIRST, seen.at * SECOND))
    # when
    groups = resolve(statements, (), RULES).groups
    # then: the truth is in raw values, which the rules normalise
    raw = {}
    for (namespace, value), person in population.truth.items():
        clean = RULES.clean(namespace, value)
        if isinstance(clean, str):
            raw[namespace, clean] = person
    found = score([[tuple(Identifier.from_key(key)) for key in group] for group in groups], raw)
    assert found["precision"] > 0.97
    assert found["recall"] > 0.85
