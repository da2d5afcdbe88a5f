"""The generated population: reproducible by seed, realistic, and resolved well by the default rules."""

from bench.population import Population, score
from graph.domain.model.dates import SECOND
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import EvidenceStatement, EvidenceTier, Observation, normalize
from graph.domain.resolution.resolution import resolve
from service.config.rules_file import default_text, parse

RULES = parse(default_text())


def test_the_same_seed_gives_the_same_population() -> None:
    first, same, other = ([seen.as_line() for seen in Population(2000, seed)] for seed in (1, 1, 2))
    assert first == same != other


def test_it_contains_hubs_tills_and_shared_tablets() -> None:
    population = Population(30_000, 1, hairballs=1)
    observations = list(population)
    assert population.made >= 30_000
    hub_links = sum(("email", "info@company-0.example") in seen.keys for seen in observations)
    assert hub_links == 9_999
    assert any(key[1].startswith("till-") for seen in observations for key in seen.keys)
    assert any(key[1].startswith("tablet-") for seen in observations for key in seen.keys)
    assert None in population.truth.values()


def test_the_default_rules_find_most_of_the_truth() -> None:
    # given
    population = Population(20_000, 3)
    statements = []
    for number, seen in enumerate(population):
        keys = normalize(Observation(seen.source, seen.keys, seen.id or str(number)), RULES).keys
        if keys:
            statements.append(
                EvidenceStatement(seen.source, seen.id or str(number), keys, EvidenceTier.FIRST_PARTY, seen.at * SECOND)
            )
    # when
    groups = resolve(statements, (), RULES).groups
    # then: the truth has raw values, so they are normalized first
    truth = {}
    for (namespace, value), person in population.truth.items():
        normalized = RULES.normalize_value(namespace, value)
        if isinstance(normalized, str):
            truth[namespace, normalized] = person
    scores = score([[tuple(Identifier.from_key(key)) for key in group] for group in groups], truth)
    assert scores["precision"] > 0.97
    assert scores["recall"] > 0.85
