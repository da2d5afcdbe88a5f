"""`kith backfill --engine spark`: resolve a history on a cluster, and load the tables that result or keep them."""

import hashlib
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.json import encode
from pyspark.sql import SparkSession

from graph.commands.bulk_suppression import read_suppression
from graph.domain.model.errors import InvalidInput
from graph.domain.model.json_text import compact
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.ingest.counts import LineCounts
from service.ingest.load_portions import LoadCheckpoint, ProgressCallback, new_seed, resume_or_start
from service.ingest.parallel_reader import LineReader
from service.ingest.report import Report
from service.ingest.spark.files import History, find_files
from service.ingest.spark.frames import Step, Tables
from service.ingest.spark.history import LARGE, resolve_history
from service.ingest.spark.load import Loaded, Manifest, digest_of, digest_of_erasures, load_tables
from service.ingest.spark.portions import TableFolder
from service.ingest.spark.resolving import LargeComponent
from service.ingest.spark.session import is_local
from service.runtime.ids import derive_customer_id

ENGINE = "spark"


@dataclass(slots=True)
class SparkBackfill:
    """Backfills a migrated store that has rules. Lines without a time get `now`, in microseconds.

    `output` is a folder that all executors reach, in which the tables are kept instead of being loaded.
    """

    spark: SparkSession
    store: Store
    graph: IdentityGraph
    now: int
    report: Report
    on_progress: ProgressCallback
    source: str = ""
    caller: str = ""
    output: str = ""
    seed: str = field(default_factory=new_seed)
    large: int = LARGE
    loaded: Loaded | None = None
    large_components: Sequence[LargeComponent] = ()
    steps: list[Step] = field(default_factory=list)

    @property
    def counts(self) -> LineCounts:
        """The counts of the lines so far."""
        return self.report.counts

    async def run(self, paths: Sequence[str]) -> None:
        """Resolve files and load what results, or keep it. Raises as `Backfill.run` does."""
        history = find_files(self.spark, paths)
        files = [[file.address, file.size, file.modified] for file in history.files]
        digest = hashlib.blake2b(compact([ENGINE, self.source, files]).encode()).hexdigest()
        if self.output:
            # No store knows of this run: its tables have a name of their own.
            name = secrets.token_hex(16)
            await self._resolve(history, LoadCheckpoint((name,), self.now, self.seed), self.output)
            return
        if not is_local(self.spark):
            message = "executors of a cluster need a folder that all of them reach: name one with --output"
            raise InvalidInput("INVALID_SETTING", message)
        checkpoint = await resume_or_start(self.store, [digest], self.now, self.seed)
        with tempfile.TemporaryDirectory(prefix="kith-backfill-") as folder:
            try:
                manifest = await self._resolve(history, checkpoint, folder)
            except BaseException:
                if not checkpoint.stage:
                    await self.store.end_load()
                raise
            at = TableFolder.at(folder)
            self.loaded = await load_tables(
                self.store, self.graph, at, manifest, checkpoint, self.on_progress, self.caller
            )

    async def _resolve(self, history: History, checkpoint: LoadCheckpoint, folder: str) -> Manifest:
        """Write the tables of a history, and at last the manifest: without it they are not complete."""
        (stored_rules, *_) = await self.store.rules()
        suppression = await read_suppression(self.store, self.graph.erasures.tombstone_rules())
        reader = LineReader(stored_rules.text, self.graph.terms, checkpoint.now, self.source, suppression)
        seed, now = bytes.fromhex(checkpoint.seed), checkpoint.now
        tables = Tables(self.spark, folder, self._on_step, self.steps)
        resolution = resolve_history(
            history, reader, lambda anchor: derive_customer_id(seed, now, anchor), self.report, tables, self.large
        )
        self.large_components = resolution.large
        rules, erased = digest_of(stored_rules.text), digest_of_erasures(suppression)
        texts, held_orders = tuple(resolution.texts), tuple(resolution.held_orders)
        manifest = Manifest(checkpoint.files[0], now, rules, erased, texts, held_orders)
        tables.write("manifest", self.spark.createDataFrame([(encode(manifest).decode(),)], "manifest string"))
        return manifest

    def _on_step(self, step: Step) -> None:
        self.on_progress(step.name, 1, 1)
