"""Where a store holds canaries, looked for behind Kith's back."""

from pathlib import Path

from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from tests.builders.personal_inputs import CANARY


async def places(store: Store) -> dict[str, int]:
    """Where canaries are, and how many: in the files of SQLite, or in the properties of Neo4j."""
    if isinstance(store, SQLiteStore):
        files = (file for end in ("", "-wal", "-shm") if (file := Path(f"{store.path}{end}")).exists())
        counts = {file.name: file.read_bytes().lower().count(CANARY.encode()) for file in files}
        return {name: count for name, count in counts.items() if count}
    assert isinstance(store, Neo4jStore)
    found: dict[str, int] = {}
    for query in (
        "MATCH (n) RETURN labels(n)[0] AS place, properties(n) AS held",
        "MATCH ()-[r]->() RETURN type(r) AS place, properties(r) AS held",
        f"CALL db.index.fulltext.queryNodes('words', '{CANARY}*') YIELD node RETURN 'words' AS place, node AS held",
    ):
        for record in await store._read(query):
            if count := str(record["held"]).lower().count(CANARY):
                found[record["place"]] = found.get(record["place"], 0) + count
    return found
