"""Load the tables of a history into an empty store. Spark is not needed here."""

import hashlib

from msgspec import Struct
from msgspec.json import Decoder, encode

from graph.commands.bulk_suppression import BulkSuppression, read_suppression
from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import InvalidInput
from graph.domain.model.store_values import Writes
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.config import rules_file
from service.ingest.load_portions import LoadCheckpoint, ProgressCallback, load_portions, resume_or_start
from service.ingest.spark.portions import TableFolder, TablePortions


class Manifest(Struct, frozen=True):
    """What the tables of a history are made for, and what a load needs beside them.

    `name` is that of this run, `now` its time in microseconds; `rules` and `erased` are digests of the rules and the
    erasures that it kept to. `texts` are consent texts.
    """

    name: str
    now: int
    rules: str
    erased: str
    texts: tuple[str, ...] = ()
    held_orders: tuple[HeldOrder, ...] = ()

    def check(self, rules_text: str, suppression: BulkSuppression) -> None:
        """Raise `InvalidInput` if the tables were made for other rules or other erasures than a store has."""
        for what, made_for, found in (
            ("rules", self.rules, digest_of(rules_text)),
            ("erasures", self.erased, digest_of_erasures(suppression)),
        ):
            if made_for != found:
                message = f"the tables were made for other {what} than this store has; make them again from the files"
                raise InvalidInput("DIFFERENT_STORE", message)


class Loaded(Struct, frozen=True):
    """How much a store holds after a load."""

    customers: int
    identifiers: int
    links: int


_decode = Decoder(Manifest).decode


def digest_of(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.blake2b(text.encode()).hexdigest()


def digest_of_erasures(suppression: BulkSuppression) -> str:
    """Return the digest of all tombstones and held orders."""
    tombstones, orders = sorted(suppression.tombstones.items()), sorted(suppression.held_orders.items())
    return hashlib.blake2b(encode([tombstones, orders])).hexdigest()


def read_manifest(folder: TableFolder) -> Manifest:
    """Return the manifest of a folder; raises `InvalidInput` if it has none, as after a run that failed."""
    try:
        (row,) = folder.rows("manifest")
    except (OSError, ValueError) as error:
        message = (
            f"{folder.path} does not hold the tables of a history: kith backfill --engine spark --output makes them"
        )
        raise InvalidInput("INVALID_FILE", message) from error
    return _decode(row["manifest"])


async def load_kept_tables(
    store: Store, graph: IdentityGraph, path: str, on_progress: ProgressCallback, caller: str
) -> Loaded:
    """Load the tables that an earlier run has kept at a path. `caller` is who loads them."""
    folder = TableFolder.at(path)
    manifest = read_manifest(folder)
    (stored_rules, *_) = await store.rules()
    manifest.check(stored_rules.text, await read_suppression(store, graph.erasures.tombstone_rules()))
    # The customers of the tables have their ids already.
    checkpoint = await resume_or_start(store, [manifest.name], manifest.now, "")
    return await load_tables(store, graph, folder, manifest, checkpoint, on_progress, caller)


async def load_tables(
    store: Store,
    graph: IdentityGraph,
    folder: TableFolder,
    manifest: Manifest,
    checkpoint: LoadCheckpoint,
    on_progress: ProgressCallback,
    caller: str,
) -> Loaded:
    """Load the tables of a folder into a store whose load has begun."""
    (stored_rules, *_) = await store.rules()
    for text in manifest.texts:
        await graph.consent_texts.put(text)
    portions = TablePortions(folder, rules_file.parse(stored_rules.text), manifest.now, caller).portions()
    sizes = {table: folder.count(table) for table in ("customers", "members", "links", "observations")}
    total = sizes["members"] + sizes["links"] + sizes["observations"]
    await load_portions(store, graph, checkpoint, portions, total, on_progress)
    if manifest.held_orders:
        await store.load(Writes(held_orders=list(manifest.held_orders)), {})
    await store.end_load()
    return Loaded(sizes["customers"], sizes["members"], sizes["links"])
