"""The folds over data frames equal those of the domain, for random statements of many small worlds at once."""

import random
from pathlib import Path

from pyspark.sql import SparkSession

from graph.domain.model.identifiers import namespace_of
from graph.domain.model.observations import EvidenceStatement, EvidenceTier, evidence
from graph.domain.resolution import resolution
from service.ingest.spark.evidence import fold_degrees, fold_identifiers, fold_links, shared_keys
from service.ingest.spark.frames import Tables
from tests.builders.graphs import small_rules

WORLDS = 150
MIN_CONFIDENCE = 0.5
NAMES = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie", "order") for value in "abcd"]
SCHEMA = "position bigint, source string, keys array<string>, tier int, seen_at bigint, confidence double"


def random_statements() -> list[EvidenceStatement]:
    """Statements of worlds that do not know each other: a key ends with the number of its world."""
    dice = random.Random(11)
    statements = []
    for world in range(WORLDS):
        for _ in range(dice.randrange(1, 25)):
            keys = tuple(sorted(f"{key}{world}" for key in dice.sample(NAMES, dice.randrange(1, 5))))
            confidence = dice.choice((None, None, None, 0.2, 0.5, 0.95))
            tier = EvidenceTier(dice.randrange(3)) if confidence is None else EvidenceTier.PROBABILISTIC
            source = f"source {dice.randrange(5)}"
            statements.append(EvidenceStatement(source, "", keys, tier, dice.randrange(-3, 6), confidence))
    return statements


def test_links_identifiers_and_sharing_equal_those_of_the_domain(spark: SparkSession, tmp_path: Path) -> None:
    # given
    statements, rules = random_statements(), small_rules(MIN_CONFIDENCE)
    rows = [
        (position, each.source, list(each.keys), int(each.tier), each.seen_at, each.confidence)
        for position, each in enumerate(statements)
    ]
    frame = spark.createDataFrame(rows, SCHEMA)
    # when
    folded = Tables(spark, str(tmp_path)).write("links", fold_links(frame, MIN_CONFIDENCE))
    links = {(row["a"], row["b"]): row for row in folded.collect()}
    degrees = fold_degrees(folded)
    shared = {row["key"] for row in shared_keys(degrees, rules).collect()}
    # then
    expected = resolution.links_of(statements, MIN_CONFIDENCE)
    assert set(links) == set(expected)
    for pair, link in expected.items():
        row = links[pair]
        assert (row["tier"], row["first"], row["last"]) == (link.tier, link.first_seen_at, link.last_seen_at)
        assert (row["count"], tuple(row["sources"])) == (link.observation_count, link.sources)
        assert row["confidence"] == link.confidence
        assert row["counted"] == (link.first_seen_at is not None)
        naming = [at for at, each in enumerate(statements) if each.keys[0] <= pair[0] and set(pair) <= set(each.keys)]
        assert row["position"] == naming[-1]
    neighbors = resolution.degrees(expected.values(), set(), MIN_CONFIDENCE)
    assert {row["key"]: row["degree"] for row in degrees.collect()} == neighbors
    assert shared == {key for key, counts in neighbors.items() if rules.is_shared(namespace_of(key), counts)}
    assert shared
    # and
    naming_key: dict[str, dict[tuple[str, str], EvidenceStatement]] = {}
    for at, each in enumerate(statements):
        for key in each.keys:
            naming_key.setdefault(key, {})[str(at), ""] = each
    for row in fold_identifiers(frame).collect():
        stated = evidence(naming_key.pop(row["key"]))
        assert stated is not None
        assert (row["first"], row["last"]) == (stated.first_seen_at, stated.last_seen_at)
        assert (row["count"], tuple(row["sources"])) == (stated.observation_count, stated.sources)
    assert not naming_key
