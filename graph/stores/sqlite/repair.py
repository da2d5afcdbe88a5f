"""What contradicts itself within a SQLite file: damaged pages and indexes, and rows that refer to none."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from msgspec import Struct

from graph.domain.model.json_text import compact
from graph.domain.model.stored_records import StorageDamage
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.failures import damages
from graph.stores.sqlite.search import insert_identifier_texts


class _Condition(Struct, frozen=True):
    """What must not be: the rows of a table that meet a condition, and the statement that repairs them."""

    description: str
    table: str
    condition: str
    repair: str

    @property
    def count(self) -> str:
        """The query that counts the rows."""
        return f"SELECT count(*) FROM {self.table} t WHERE {self.condition}"


def _delete(description: str, table: str, condition: str, key: str = "rowid") -> _Condition:
    repair = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} t WHERE {condition})"
    return _Condition(description, table, condition, repair)


def _missing(table: str, reference: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM {table} x WHERE x.id = t.{reference})"


_NAMESPACE = "substr(t.key, 1, instr(t.key, '=') - 1)"
_ORDER = """(t.key, t.customer, t.placed_at) IS NOT (SELECT i.key, i.customer, t.facts ->> 'placed_at'
    FROM identifiers i WHERE i.id = t.identifier)"""
_UNINDEXED = """t.status <> 'valid' AND t.sent <> '' AND t.id NOT IN (SELECT observation FROM unindexed_observations)
    AND (t.keys = '[]' OR EXISTS (SELECT 1 FROM json_each(t.keys) k WHERE NOT EXISTS (
        SELECT 1 FROM identifiers i JOIN observation_identifiers n ON n.identifier = i.id
        WHERE i.key = k.value AND n.observation = t.id)))"""
_DISPUTED = """t.disputed = 0 AND (t.override_count > 0 OR t.id IN (SELECT a FROM links WHERE state = 'suspended'
    UNION SELECT b FROM links WHERE state = 'suspended'))"""
_RESTRICTED = "EXISTS (SELECT 1 FROM restricted_identifiers m WHERE m.identifier = t.id)"
_CONDITIONS = (
    _delete(
        "links have an end that is not stored",
        "links",
        f"{_missing('identifiers', 'a')} OR {_missing('identifiers', 'b')}",
        "a, b",
    ),
    _Condition(
        "identifiers belong to a customer that is not stored",
        "identifiers",
        f"t.customer IS NOT NULL AND {_missing('customers', 'customer')}",
        "UPDATE identifiers AS t SET customer = NULL WHERE t.customer IS NOT NULL "
        f"AND {_missing('customers', 'customer')}",
    ),
    _Condition(
        "identifiers have another namespace than their key",
        "identifiers",
        f"t.namespace <> {_NAMESPACE}",
        f"UPDATE identifiers AS t SET namespace = {_NAMESPACE} WHERE t.namespace <> {_NAMESPACE}",
    ),
    _Condition(
        "customers redirect to one that is not stored",
        "customers",
        f"t.redirects_to IS NOT NULL AND {_missing('customers', 'redirects_to')}",
        "UPDATE customers AS t SET redirects_to = NULL WHERE t.redirects_to IS NOT NULL "
        f"AND {_missing('customers', 'redirects_to')}",
    ),
    _delete("orders have no identifier", "orders", _missing("identifiers", "identifier"), "identifier"),
    _Condition(
        "orders have another key, customer or time than their identifier and facts",
        "orders",
        _ORDER,
        f"""UPDATE orders AS t SET (key, customer, placed_at) = (SELECT i.key, i.customer, t.facts ->> 'placed_at'
            FROM identifiers i WHERE i.id = t.identifier) WHERE {_ORDER}""",
    ),
    _delete(
        "identifiers lead to an observation that is not stored, or the other way round",
        "observation_identifiers",
        f"{_missing('identifiers', 'identifier')} OR {_missing('observations', 'observation')}",
        "identifier, observation",
    ),
    _Condition(
        "observations that no identifier leads to are not found without one",
        "observations",
        _UNINDEXED,
        f"INSERT INTO unindexed_observations SELECT t.id FROM observations t WHERE {_UNINDEXED}",
    ),
    _delete(
        "observations that no identifier leads to are not stored",
        "unindexed_observations",
        _missing("observations", "observation"),
        "observation",
    ),
    _delete(
        "facts are of an observation or at an identifier that is not stored",
        "facts",
        f"{_missing('identifiers', 'identifier')} OR {_missing('observations', 'observation')}",
        "identifier, kind, at, observation",
    ),
    _Condition(
        "identifiers hold facts and are not marked",
        "identifiers",
        "t.holds_facts = 0 AND EXISTS (SELECT 1 FROM facts f WHERE f.identifier = t.id)",
        "UPDATE identifiers SET holds_facts = 1 WHERE holds_facts = 0 AND id IN (SELECT identifier FROM facts)",
    ),
    _Condition(
        "identifiers of suspended links or overrides are not marked",
        "identifiers",
        _DISPUTED,
        f"UPDATE identifiers AS t SET disputed = 1 WHERE {_DISPUTED}",
    ),
    _delete(
        "searchable texts are of an identifier or a fact that is not stored",
        "search",
        f"{_missing('identifiers', 'identifier')} OR (t.observation <> 0 AND NOT EXISTS "
        "(SELECT 1 FROM fact_search_rows r WHERE r.observation = t.observation AND r.row = t.rowid))",
    ),
    _delete(
        "facts refer to a searchable text that is not stored",
        "fact_search_rows",
        "NOT EXISTS (SELECT 1 FROM search s WHERE s.rowid = t.row)",
        "observation, row",
    ),
    _delete(
        "restrictions are on an identifier that is not stored, or have been lifted",
        "restricted_identifiers",
        f"{_missing('identifiers', 'identifier')} OR NOT EXISTS "
        "(SELECT 1 FROM restrictions r WHERE r.id = t.restriction AND r.lifted_at IS NULL)",
        "identifier, restriction",
    ),
    _Condition(
        "identifiers are marked as restricted and are not, or the other way round",
        "identifiers",
        f"t.restricted <> {_RESTRICTED}",
        f"UPDATE identifiers AS t SET restricted = {_RESTRICTED} WHERE t.restricted <> {_RESTRICTED}",
    ),
    _delete(
        "memberships are of a segment that is not stored",
        "memberships",
        _missing("segments", "segment"),
        "segment, customer",
    ),
    _delete(
        "deliveries are of an audience that is not stored",
        "deliveries",
        _missing("audiences", "audience"),
        "audience, key",
    ),
)
_MAX_PROBLEMS = 100


class Repair(Connected):
    """The part of a `Store` that finds and repairs what contradicts itself."""

    async def check_storage(self) -> list[StorageDamage]:
        # A connection of its own: checking takes long, and a damaged file leaves a connection in no good state.
        return await asyncio.to_thread(self._check_storage)

    def _check_storage(self) -> list[StorageDamage]:
        with self._connections.errors(), closing(self._connections.open()) as connection:
            return check_storage(connection)

    async def repair_storage(self) -> None:
        await self._alter(repair_storage)

    async def rewrite_words(self, keys: Sequence[str] | None = None) -> None:
        await self._alter(rewrite_words, keys)


def check_storage(db: mapping.Connection) -> list[StorageDamage]:
    """Return what is damaged: in pages and indexes, then in rows."""
    try:
        problems = damages(db, _MAX_PROBLEMS)
    except sqlite3.DatabaseError as error:
        problems = [str(error)]
    # Of the kind "row 7 missing from index identifiers_of_customer": without values.
    found = [StorageDamage(f"in the file: {problem}", 1, "index" in problem) for problem in problems]
    if not all(damage.repairable for damage in found):
        return found
    for condition in _CONDITIONS:
        ((count,),) = db.execute(condition.count).fetchall()
        if count:
            found.append(StorageDamage(condition.description, count))
    return found


def repair_storage(db: mapping.Connection) -> None:
    """Build indexes again, and remove or correct rows that refer to none."""
    db.execute("REINDEX")
    try:
        db.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    except sqlite3.DatabaseError:
        db.execute("INSERT INTO search (search) VALUES ('rebuild')")
    for condition in _CONDITIONS:
        ((count,),) = db.execute(condition.count).fetchall()
        if count:
            db.execute(condition.repair)


def rewrite_words(db: mapping.Connection, keys: Sequence[str] | None) -> None:
    """Write the words of identifiers again, of all without `keys`."""
    if keys is None:
        db.execute("DELETE FROM search WHERE observation = 0")
        insert_identifier_texts(db, db.execute("SELECT key, id FROM identifiers"))
        return
    identifiers = db.execute(
        "SELECT key, id FROM identifiers WHERE key IN (SELECT value FROM json_each(?))", (compact(keys),)
    ).fetchall()
    db.execute(
        "DELETE FROM search WHERE observation = 0 AND identifier IN (SELECT value FROM json_each(?))",
        (compact([row_id for _, row_id in identifiers]),),
    )
    insert_identifier_texts(db, identifiers)
