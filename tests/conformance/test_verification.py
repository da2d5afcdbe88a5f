"""A sound store verifies clean, whatever was written; every damage is found, and repaired if it follows from
observations."""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.bulk.collect import Collector
from graph.bulk.result import BulkResult
from graph.bulk.spool import Row, Spool
from graph.commands.commit import commit
from graph.commands.rules_rollout import RulesRollout, active_rules
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.links import Link
from graph.domain.model.rules import Rules
from graph.domain.model.stored_records import StoredIdentifier, StoredObservation
from graph.domain.resolution.preparation import Command, Observe, receipt_of
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from graph.verification.findings import Check
from graph.verification.repair import Repairs
from graph.verification.scratch import Scratch
from graph.verification.verify import verify
from service.bootstrap import SystemClock
from service.config import rules_file
from service.runtime.ids import RandomIds
from tests.builders.clients import Client, seen
from tests.builders.graphs import NOW, CountingIds, FixedClock
from tests.builders.runs import Run
from tests.builders.stores import Fresh, wipe
from tests.builders.strategies import (
    GUARDED_RULES,
    OTHER_RULES,
    RULES,
    SETTINGS,
    batches,
    observations,
    orders,
    statements,
)
from tests.builders.transfers import comparable, exported, fill, send_every_kind
from tests.builders.verifications import found, repaired, verified


@settings(SETTINGS, max_examples=25)
@given(sequence=batches, rules=st.sampled_from([RULES, GUARDED_RULES]))
def test_a_sound_store_is_clean(fresh: Fresh, run: Run, sequence: list[list[Command]], rules: Rules) -> None:
    # given
    store, ids = fresh(), CountingIds()
    run(store.save_rules("text", 0, NOW))
    for at, batch in enumerate(sequence):
        run(store.write(lambda batch=batch, at=at: commit(batch, rules, NOW + at, ids, 1)))
    # when
    report = verified(store, run, rules)
    # then
    assert report.clean, report.samples
    assert report.verified["observation"] == run(store.count_observations())


@settings(SETTINGS, max_examples=15)
@given(sequence=batches, new=st.sampled_from([*OTHER_RULES, GUARDED_RULES]))
def test_a_store_is_clean_after_new_rules(fresh: Fresh, run: Run, sequence: list[list[Command]], new: Rules) -> None:
    # given
    store, ids = fresh(), CountingIds()
    run(store.save_rules("old", 0, NOW))
    for at, batch in enumerate(sequence):
        run(store.write(lambda batch=batch, at=at: commit(batch, RULES, NOW + at, ids, 1)))
    # when
    run(store.save_rules("new", 1, NOW))
    rollout = RulesRollout(store, FixedClock(), ids, active_rules(new, RULES, 2), run(store.rules())[0])
    assert run(rollout.run())
    # then
    report = verified(store, run, new)
    assert report.clean, report.samples


@settings(SETTINGS, max_examples=15)
@given(history=st.lists(observations | statements | orders, max_size=30))
def test_a_loaded_store_is_clean(fresh: Fresh, run: Run, tmp_path: Path, history: list[Observe]) -> None:
    # given
    store = fresh()
    run(store.save_rules("text", 0, NOW))
    collector = Collector(Spool(tmp_path))
    for command in history:
        collector.add(Row.of(receipt_of(command)))
    result = BulkResult(collector.finish(), GUARDED_RULES, NOW, lambda anchor: f"cus_{anchor}")
    run(store.begin_load("begun"))
    for portion in result.portions():
        run(store.load(portion.writes, portion.numbers))
    run(store.end_load())
    # when / then
    report = verified(store, run, GUARDED_RULES)
    assert report.clean, report.samples


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, run: Run) -> list:
    """Everything in a store that holds every kind of record."""
    store = SQLiteStore(tmp_path_factory.mktemp("original") / "kith.db")
    send_every_kind(Client(store, run), run)
    records = exported(store, run)
    run(store.close())
    return records


def test_a_store_with_everything_is_clean(fresh: Fresh, run: Run, original: list) -> None:
    # given
    store = fresh()
    fill(store, run, original, 1000)
    # when
    report = verified(store, run)
    # then
    assert report.clean, report.samples
    assert report.verified.total() == len(original)


def test_a_store_that_reprocesses_is_not_verified(fresh: Fresh, run: Run, original: list) -> None:
    # given
    store = fresh()
    fill(store, run, original, 1000)
    newest = run(store.rules())[0]
    run(store.save_rules(newest.text, newest.version, NOW))
    # when / then
    with pytest.raises(StoreUnavailable, match="are being reprocessed"):
        verified(store, run)


ANN = "email=ann@example.com"
OF_ANN = f"(SELECT customer FROM identifiers WHERE key = '{ANN}')"
SQL: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a count of observations": (
        f"UPDATE identifiers SET observation_count = 9 WHERE key = '{ANN}'",
        ("identifiers",),
    ),
    "a time": (f"UPDATE identifiers SET first_seen_at = 1 WHERE key = '{ANN}'", ("identifiers",)),
    "a neighbor count": (
        f"""UPDATE identifiers SET degree = '{{"phone":77}}' WHERE key = '{ANN}'""",
        ("identifiers",),
    ),
    "a shared identifier": (f"UPDATE identifiers SET shared = 1 WHERE key = '{ANN}'", ("identifiers",)),
    "a block": (f"UPDATE identifiers SET blocked = 1 WHERE key = '{ANN}'", ("identifiers",)),
    "guarded values": ("UPDATE identifiers SET guarded_values = '{}' WHERE guarded_values <> '{}'", ("identifiers",)),
    "interaction counts": ("""UPDATE identifiers SET interaction_counts = '{"did x":3}'""", ("identifiers",)),
    "the facts of an order": ("UPDATE orders SET source = 'other' WHERE key = 'order=S-1'", ("identifiers",)),
    "an order that is gone": ("DELETE FROM orders WHERE key = 'order=S-1'", ("identifiers", "customers")),
    "the time of an order": ("UPDATE orders SET placed_at = 5", ("storage",)),
    "the customer of an order": ("UPDATE orders SET customer = 77", ("storage",)),
    "the evidence of a link": ("UPDATE links SET observation_count = 5", ("links",)),
    "the state of a link": ("UPDATE links SET state = 'excluded' WHERE state = 'active'", ("links",)),
    "a link that is gone": ("DELETE FROM links", ("links",)),
    "a link too many": (
        f"""INSERT INTO links SELECT min(a.id, b.id), max(a.id, b.id), 0, 1, 1, 1, '[]', NULL, 'active', NULL, NULL
            FROM identifiers a, identifiers b WHERE a.key = '{ANN}' AND b.key = 'crm_id=B7'""",
        ("links",),
    ),
    "a link without an end": (
        "INSERT INTO links VALUES (7, 999, 0, 1, 1, 1, '[]', NULL, 'active', NULL, NULL)",
        ("storage",),
    ),
    "an identifier of another customer": (
        f"UPDATE identifiers SET customer = (SELECT id FROM customers WHERE id <> {OF_ANN} AND retired_at IS NULL) "
        f"WHERE key = '{ANN}'",
        ("membership", "customers", "history"),
    ),
    "an identifier of no customer": (
        f"UPDATE identifiers SET customer = NULL WHERE key = '{ANN}'", ("membership", "customers", "history")
    ),
    "a customer that is not there": (
        f"UPDATE identifiers SET customer = 999 WHERE key = '{ANN}'",
        ("storage", "membership"),
    ),
    "an identifier that is gone": (
        "DELETE FROM identifiers WHERE key = 'phone=+49305550101'", ("storage", "identifiers", "membership")
    ),
    "an identifier that only an override names": (
        "DELETE FROM identifiers WHERE key = 'cookie=ck-999'",
        ("identifiers", "membership", "customers"),
    ),
    "a customer that is live": ("UPDATE customers SET retired_at = NULL WHERE retired_at IS NOT NULL", ("customers",)),
    "a customer that is retired": ("UPDATE customers SET retired_at = 5 WHERE retired_at IS NULL", ("customers",)),
    "a namespace": ("UPDATE identifiers SET namespace = 'other'", ("storage",)),
    "the totals of a customer": ("UPDATE customers SET order_totals = '{}'", ("customers",)),
    "the counts of a customer": (
        f"""UPDATE customers SET counts = '{{"email":9}}' WHERE id = {OF_ANN}""",
        ("customers",),
    ),
    "suspended links of a customer": (f"UPDATE customers SET suspended = 8 WHERE id = {OF_ANN}", ("customers",)),
    "value sets of a customer": ("UPDATE customers SET value_sets = '{}' WHERE value_sets <> '{}'", ("customers",)),
    "the anchor of a customer": (
        f"UPDATE customers SET anchor = 'phone=+49305550101' WHERE id = {OF_ANN}", ("customers",)
    ),
    "a redirect": ("UPDATE customers SET redirects_to = NULL", ("customers",)),
    "the identifiers of an observation": (
        """UPDATE observations SET keys = '["crm_id=Q"]' WHERE public_id = '1'""",
        ("observations",),
    ),
    "the status of an observation": (
        "UPDATE observations SET status = 'inactive' WHERE public_id = '1'",
        ("observations",),
    ),
    "the reports of an order": (
        "UPDATE observations SET status = 'valid' WHERE status = 'superseded'",
        ("observations", "identifiers")
    ),
    "what leads to observations": ("DELETE FROM observation_identifiers", ("indexes",)),
    "what no identifier leads to": ("DELETE FROM unindexed_observations", ("storage",)),
    "what no identifier leads to, and is gone": ("INSERT INTO unindexed_observations VALUES (999)", ("storage",)),
    "a fact that is gone": ("DELETE FROM facts", ("observations", "indexes", "identifiers")),
    "the filters of facts": ("UPDATE facts SET channel = 'other'", ("indexes",)),
    "the marks of facts": ("UPDATE identifiers SET holds_facts = 0", ("storage",)),
    "words of identifiers": ("UPDATE search SET words = 'other' WHERE observation = 0", ("search",)),
    "words of facts": ("UPDATE search SET words = 'other' WHERE observation <> 0", ("indexes",)),
    "words that are gone": ("DELETE FROM search", ("storage", "indexes", "search")),
    "words too many": ("INSERT INTO search SELECT words, identifier, 0, field FROM search", ("search",)),
    "a membership of nobody": ("UPDATE memberships SET customer = customer || 'x'", ("segments",)),
    "a membership of no segment": ("UPDATE memberships SET segment = 77", ("storage",)),
    "a delivery of no audience": ("DELETE FROM audiences WHERE id = 'aud_1'", ("storage",)),
}  # fmt: skip
"""Damages of a SQLite file, and the checks that must find each."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, run: Run, original: list) -> Path:
    """A SQLite file with everything, which tests copy."""
    path = tmp_path_factory.mktemp("template") / "kith.db"
    store = SQLiteStore(path)
    run(store.migrate())
    fill(store, run, original, 1000)
    run(store.close())
    return path


@pytest.fixture
def sqlite(template: Path, tmp_path: Path, run: Run) -> Iterator[SQLiteStore]:
    """A SQLite store with everything."""
    store = SQLiteStore(shutil.copy(template, tmp_path / "kith.db"))
    yield store
    run(store.close())


async def execute(store: SQLiteStore, statement: str) -> int:
    """Run a statement behind the store's back; return the number of rows that it changed."""
    return await store._alter(lambda db: db.execute(statement).rowcount)


def is_dead(record: object) -> bool:
    """Whether nothing names an identifier any longer, as one that was named by mistake."""
    return isinstance(record, StoredIdentifier) and record.evidence is None and not record.override_count


def observed(records: list) -> set[str]:
    """Observations, links and identifiers with their customers, without the traces that a repair leaves."""
    kinds = (StoredIdentifier, Link, StoredObservation)
    kept = [record for record in records if isinstance(record, kinds) and not is_dead(record)]
    return set(comparable([replace(r, rules_version=0) if isinstance(r, StoredObservation) else r for r in kept]))


@pytest.mark.parametrize("name", SQL)
def test_damage_is_found_and_repaired_on_sqlite(name: str, sqlite: SQLiteStore, run: Run, original: list) -> None:
    # given
    store = sqlite
    statement, checks = SQL[name]
    assert run(execute(store, statement)) > 0
    # when
    report = verified(store, run)
    # then
    assert found(report).keys() >= set(checks), report.samples
    # when
    report = repaired(store, run)
    # then
    assert report.clean, report.samples
    assert observed(exported(store, run)) == observed(original)


IN_ANN = f"(:Identifier {{key: '{ANN}'}})-[:IDENTIFIES]->(c:Customer)"
CYPHER: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a count of observations": (f"MATCH (i:Identifier {{key: '{ANN}'}}) SET i.observation_count = 9", ("identifiers",)),
    "a neighbor count": (
        f"""MATCH (i:Identifier {{key: '{ANN}'}}) SET i.degree = '{{"phone":77}}'""",
        ("identifiers",),
    ),
    "an order that is gone": ("MATCH (o:Identifier {key: 'order=S-1'}) REMOVE o.facts", ("identifiers", "customers")),
    "a link that is gone": ("MATCH ()-[l:LINKED]->() DELETE l", ("links",)),
    "a link too many": (
        f"""MATCH (a:Identifier {{key: 'crm_id=B7'}}), (b:Identifier {{key: '{ANN}'}})
            CREATE (a)-[l:LINKED {{tier: 0, observation_count: 1, sources: [], state: 'active'}}]->(b)""",
        ("links",),
    ),
    "the state of a link": ("MATCH ()-[l:LINKED]->() WHERE l.state = 'active' SET l.state = 'excluded'", ("links",)),
    "an identifier of another customer": (
        f"""MATCH (i:Identifier {{key: '{ANN}'}})-[old:IDENTIFIES]->(c:Customer)
            MATCH (other:Customer) WHERE other <> c AND other.retired_at IS NULL
            WITH i, old, other LIMIT 1 DELETE old CREATE (i)-[:IDENTIFIES]->(other)""",
        ("membership", "customers", "history"),
    ),
    "a link that is stored twice": (
        "MATCH (a)-[l:LINKED]->(b) WITH a, l, b LIMIT 1 CREATE (a)-[m:LINKED]->(b) SET m = l",
        ("storage",),
    ),
    "an identifier of two customers": (
        f"""MATCH (i:Identifier {{key: '{ANN}'}})-[:IDENTIFIES]->(c:Customer)
            MATCH (other:Customer) WHERE other <> c AND other.retired_at IS NULL
            WITH i, other LIMIT 1 CREATE (i)-[:IDENTIFIES]->(other)""",
        ("storage",),
    ),
    "an identifier that is gone": (
        "MATCH (i:Identifier {key: 'phone=+49305550101'}) DETACH DELETE i",
        ("identifiers", "links", "membership"),
    ),
    "the totals of a customer": ("MATCH (c:Customer) SET c.order_totals = '{}'", ("customers",)),
    "a redirect": ("MATCH ()-[r:REDIRECTS_TO]->() DELETE r", ("customers",)),
    "the identifiers of an observation": (
        "MATCH (o:Observation {id: '1'}) SET o.keys = ['crm_id=Q']",
        ("observations",),
    ),
    "what leads to observations": ("MATCH ()-[m:MENTIONS]->() DELETE m", ("indexes",)),
    "what no identifier leads to": ("MATCH (o:Unindexed) REMOVE o:Unindexed", ("storage",)),
    "facts that are gone": ("MATCH ()-[r:REPORTED]->() DELETE r", ("observations", "indexes", "identifiers")),
    "the marks of facts": ("MATCH (i:FactHolder) REMOVE i:FactHolder", ("storage",)),
    "words": ("MATCH (n) WHERE n.words IS NOT NULL SET n.words = 'other'", ("indexes", "search")),
    "the feed": ("MATCH (f:Feed) SET f.last = 3", ("storage",)),
    "what leads to overrides": ("MATCH ()-[r:OVERRIDES]->() DELETE r", ("storage",)),
    "what leads from memberships": ("MATCH ()-[r:OF]->() DELETE r", ("storage",)),
    "a delivery of no audience": ("MATCH (a:Audience {id: 'aud_1'}) DELETE a", ("storage",)),
    "the node of a customer": ("MATCH (i:Identifier) SET i.customer_node = 'x'", ("storage",)),
}
"""Damages of a Neo4j database, and the checks that must find each."""


@pytest.mark.neo4j
@pytest.mark.parametrize("name", CYPHER)
def test_damage_is_found_and_repaired_on_neo4j(name: str, neo4j_store: Neo4jStore, run: Run, original: list) -> None:
    # given
    statement, checks = CYPHER[name]
    run(wipe(neo4j_store))
    fill(neo4j_store, run, original, 1000)
    run(neo4j_store._read(statement))
    # when
    report = verified(neo4j_store, run)
    # then
    assert found(report).keys() >= set(checks), report.samples
    # when
    report = repaired(neo4j_store, run)
    # then
    assert report.clean, report.samples
    assert observed(exported(neo4j_store, run)) == observed(original)


def test_what_does_not_follow_from_observations_is_reported_and_left(sqlite: SQLiteStore, run: Run) -> None:
    # given
    before = comparable(exported(sqlite, run))
    run(execute(sqlite, "DELETE FROM changes WHERE id = 2"))
    # when
    report = repaired(sqlite, run)
    # then
    assert found(report).keys() == {"history"}
    assert {finding.place for samples in report.samples.values() for finding in samples} >= {("3",)}
    left = set(comparable(exported(sqlite, run)))
    assert len(set(before) - left) == 1


def test_a_repair_leaves_what_has_changed_since(sqlite: SQLiteStore, run: Run) -> None:
    # given
    store = sqlite
    run(execute(store, f"UPDATE identifiers SET observation_count = 9 WHERE key = '{ANN}'"))
    with Scratch() as scratch:
        verification = run(verify(store, scratch, rules_file.parse))
        # when: another observation of the identifier arrives before the repair
        Client(store, run).link(seen(ANN, id="later", source="shop"))
        before = comparable(exported(store, run))
        run(Repairs(store, scratch, verification, SystemClock(), RandomIds()).run())
    # then
    assert comparable(exported(store, run)) == before


def test_a_damaged_index_is_found_and_built_again(sqlite: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given: an index without the changes of its table
    run(sqlite.close())
    with closing(sqlite3.connect(tmp_path / "kith.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        row = connection.execute("SELECT * FROM sqlite_master WHERE name = 'customers_due'").fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'customers_due'")
    with closing(sqlite3.connect(tmp_path / "kith.db", isolation_level=None)) as connection:
        connection.execute("UPDATE customers SET due_at = due_at + 1")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", row)
    store = SQLiteStore(tmp_path / "kith.db")
    # when
    report = verified(store, run)
    # then
    assert found(report).keys() == {"storage"}
    assert "index customers_due" in report.samples[Check.STORAGE][0].detail
    assert repaired(store, run).clean
    run(store.close())


def test_a_file_with_damaged_pages_is_reported_and_not_compared(sqlite: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given
    run(sqlite.close())
    path = tmp_path / "kith.db"
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'observations'"
        ((page,),) = connection.execute(sql).fetchall()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    store = SQLiteStore(path)
    # when
    report = verified(store, run)
    # then
    assert found(report).keys() == {"storage"}
    assert not report.verified
    run(store.close())
