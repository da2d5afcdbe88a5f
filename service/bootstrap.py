"""The only wiring: builds a graph from settings."""

import asyncio
import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from babel import Locale

from graph.commands.search_texts import update_search_texts
from graph.domain.model.audiences import DestinationState
from graph.domain.model.errors import (
    InvalidInput,
    KithError,
    RulesConflict,
    StoreUnavailable,
    TemporaryFailure,
)
from graph.domain.model.rules import StoredRules
from graph.domain.model.times import iso
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.sqlite import ReadOnlySQLiteStore, SQLiteStore
from service.access import access_file
from service.access.policy_tables import check_consents
from service.audit.audit import Audit
from service.config import attributes_file, retention_file, rules_file
from service.config.settings import Settings
from service.destinations.destinations import Destinations
from service.observability.metrics import Metrics
from service.observability.observed_store import observed
from service.observability.requests import Traces
from service.privacy.keys import KeyFile
from service.privacy.ledger import Ledger
from service.privacy.safeguards import Safeguards
from service.runtime import model_fitting, version
from service.runtime.ids import RandomIds

log = logging.getLogger("kith.preparation")

OFF = "off"
DEGRADED_SECONDS = 0.5
"""How long reading what does not work may take; the answer of a probe must not wait for more."""
PREPARE_PAUSE = 0.25
"""Seconds between two attempts to prepare the store."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return time.time_ns() // 1000


def currencies() -> frozenset[str]:
    """Return the ISO 4217 codes that are or were in use, from Unicode's CLDR."""
    return frozenset(Locale("en").currencies)


def sqlite_path(settings: Settings) -> Path | None:
    """Return the path of the SQLite file that the settings name; `None` if they name another store."""
    kind, _, rest = settings.store.partition("://")
    return Path(rest[1:]) if kind == "sqlite" and rest.startswith("/") and len(rest) > 1 else None


def open_store(settings: Settings, read_only: bool = False) -> Store:
    """Return the store that the settings name; with `read_only` no file is created. Raises `InvalidInput`."""
    if (path := sqlite_path(settings)) is not None:
        return ReadOnlySQLiteStore(path) if read_only else SQLiteStore(path)
    kind, _, rest = settings.store.partition("://")
    if kind in ("neo4j", "neo4j+s", "bolt", "bolt+s") and rest:
        # The driver imports pandas if it is installed: nearly a second and 60 MB that SQLite does not need.
        from graph.stores.neo4j import Neo4jStore

        password = settings.neo4j_password.get_secret_value()
        return Neo4jStore(settings.store, settings.neo4j_user, password, settings.neo4j_database)
    raise InvalidInput(
        "INVALID_SETTING", f"KITH_STORE: {settings.store!r} is neither sqlite:///FILE nor neo4j://HOST:PORT"
    )


def check_is_file(path: Path) -> None:
    """Raise `InvalidInput` if there is no file at a path."""
    if not path.is_file():
        raise InvalidInput("INVALID_FILE", f"{path} is not a file")


def open_existing(settings: Settings) -> Store:
    """Return a store to read, which a service may use; raises `InvalidInput` if its file does not exist."""
    path = sqlite_path(settings)
    if path is None:
        return open_store(settings)
    check_is_file(path)
    # A file that may not be written is read as one that nobody writes.
    return open_store(settings, read_only=not os.access(path, os.W_OK))


async def check_ready(store: Store) -> None:
    """Raise `StoreUnavailable` with the reason if a store cannot be read by this version of Kith."""
    if missing := await store.ready():
        raise StoreUnavailable(missing)


@dataclass(slots=True)
class Wiring:
    """A graph, its store and their metrics. `prepared` is set once the store's rules are in effect."""

    graph: IdentityGraph
    store: Store
    rules_text: str
    rules_configured: bool = False
    """Whether the settings name a rules file, so that different rules in the store are an error."""
    prepared: bool = False
    rules_version: int = 0
    """The version of the rules that was in effect when the store was prepared."""
    problem: str = ""
    """Why the last attempt to prepare failed."""
    attempted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first attempt to prepare has succeeded or failed."""
    _conflicting: bool = False
    _creating: bool = False
    """Whether the structure of an empty store is being created, which takes seconds on Neo4j."""
    metrics: Metrics | None = None
    """`None` if they are off."""
    traces: Traces | None = None
    """`None` if they are off."""
    access: access_file.AccessFile = field(default_factory=access_file.AccessFile)
    """The roles, and the issuers of tokens."""
    audit: Audit | None = None
    """`None` if no audit log is kept."""
    safeguards: Safeguards | None = None
    """The keys and the ledger of erasures; `None` for a graph that erases nothing."""
    destinations: Destinations = field(default_factory=lambda: Destinations(()))

    async def prepare(self) -> None:
        """Create the structure of an empty store, and use its rules, or store these if it has none.

        What the ledger of erasures has and the store lacks is erased again. Raises `StoreVersionMismatch` if the store
        has to be migrated or is newer, `RulesConflict` if the settings name other rules than those of the store,
        `StoreUnavailable` if keys or ledger of erasures are missing or wrong.
        """
        await self.check_store()
        if self.safeguards is not None:
            await self.safeguards.check()
        if self._conflicting:
            # Only look whether the conflict has been resolved: `open` would begin an interrupted rollout again.
            self._check(await self.graph.rules_control.refresh())
        stored = await self.graph.rules_control.open(self.rules_text)
        self._check(stored)
        self.rules_version = stored.version
        await self.graph.source_revocations.open()
        await self.graph.references.open()
        if self.safeguards is not None:
            await self.graph.erasures.open()
            await self.safeguards.settle(self.graph.erasures.apply_again)
        await update_search_texts(self.store)
        self.prepared = True

    async def check_store(self) -> None:
        """Create the structure of an empty store; raises `StoreVersionMismatch` for one of another version."""
        migrations = await self.store.migrations()
        if migrations.pending and migrations.empty:
            self._creating = True
            try:
                await self.store.migrate()
            finally:
                self._creating = False
        else:
            migrations.check()

    async def prepare_reading(self) -> None:
        """Use the rules of the store, those of the settings if it has none, and write nothing.

        Raises `StoreVersionMismatch` and `RulesConflict` as `prepare` does, and `StoreUnavailable` if erasures have to
        be repeated first.
        """
        (await self.store.migrations()).check()
        if self.safeguards is not None:
            await self.safeguards.check_readable()
        self._check(await self.graph.rules_control.refresh())

    async def read_rules(self) -> StoredRules | None:
        """Return the rules of the store, `None` if it is empty. Nothing is written.

        Raises `StoreUnavailable` if the store cannot be read, `StoreVersionMismatch` and `RulesConflict` as `prepare`
        does.
        """
        migrations = await self.store.migrations()
        if migrations.empty and not migrations.unknown:
            return None
        migrations.check()
        stored = await self.graph.rules_control.newest()
        self._check(stored)
        return stored

    def _check(self, stored: StoredRules | None) -> None:
        """Raise `RulesConflict` if the settings name a rules file with other rules than those of the store."""
        self._conflicting = (
            stored is not None
            and self.rules_configured
            and rules_file.parse(stored.text) != rules_file.parse(self.rules_text)
        )
        if stored is not None and self._conflicting:
            raise RulesConflict(
                f"the store's rules (version {stored.version}) differ from the file: apply the file with "
                "`kith rules apply`, or unset KITH_RULES to use the store's rules"
            )

    async def prepare_when_available(self) -> None:
        """Prepare as soon as it is possible, and refuse writes until then: the service starts even without a database.

        Nothing ends this but success: the database may return, `kith migrate` or `kith rules apply` may have been run.
        """
        self.graph.write_gate.close(StoreUnavailable("the service is starting"))
        while not self.prepared:
            try:
                await self.prepare()
            except Exception as error:
                self._report(error)
                self.attempted.set()
                # A store that is known to be unavailable says so at once, so this costs little.
                await asyncio.sleep(PREPARE_PAUSE)
        self.problem = ""
        self.graph.write_gate.open()
        self.attempted.set()
        log.info("the store is ready; version %d of the rules is in effect", self.rules_version)

    async def watch_erasures(self) -> None:
        """Refuse writes while the keys or the ledger of erasures are missing or wrong, until it is canceled."""
        if self.safeguards is not None:
            await self.safeguards.watch(self._report_erasures, self.graph.forget_erased)

    def _report_erasures(self, problem: str) -> None:
        if problem:
            log.warning("not ready: %s", problem)
            self.graph.write_gate.close(StoreUnavailable(problem))
        else:
            log.info("the keys and the ledger of erasures are usable again")
            self.graph.write_gate.open()

    def _report(self, error: Exception) -> None:
        """Keep the reason why the store is not prepared, log a new one, and refuse writes with it."""
        # The message of an unexpected error may contain values.
        problem = error.message if isinstance(error, KithError) else f"unexpected error ({type(error).__name__})"
        if problem != self.problem:
            log.warning("not ready: %s", problem)
            log.debug("not ready", exc_info=error)
        self.problem = problem
        self.graph.write_gate.close(error if isinstance(error, TemporaryFailure) else StoreUnavailable(problem))

    async def missing(self) -> dict[str, str]:
        """Return what is not ready, by component; empty if everything is ready."""
        missing: dict[str, str] = {}
        store = "the structure of the empty store is being created" if self._creating else await self.graph.ready()
        if store:
            missing["store"] = store
        erasure = "" if self.safeguards is None else self.safeguards.problem
        if self._conflicting:
            missing["rules"] = self.problem
        elif not self.prepared:
            missing["rules"] = "the store's rules have not been loaded yet"
            if self.problem and self.problem not in (store, erasure):
                missing["preparation"] = self.problem
        if erasure:
            missing["erasure"] = erasure
        if self.audit is not None and (problem := self.audit.problem()):
            missing["audit"] = f"the audit log cannot be written: {problem}"
        return missing

    async def degraded(self) -> dict[str, str]:
        """Return what does not work though requests are served: destinations that take nothing, by their names.

        What they answer is not shown: whoever reaches the service may ask whether it is ready.
        """
        try:
            async with asyncio.timeout(DEGRADED_SECONDS):
                problems = await self.graph.audiences.problems()
        except (KithError, TimeoutError):
            return {}
        return {f"destination {name}": _sentence(state) for name, state in problems.items()}


def _sentence(state: DestinationState) -> str:
    what = "it refuses the credentials" if state.login else "it takes nothing"
    return what if state.problem_since is None else f"{what}, since {iso(state.problem_since)}"


def audit_folder(settings: Settings) -> Path | None:
    """Return the folder of the audit log; `None` if none is kept. Raises `InvalidInput`."""
    development = settings.is_enabled(None)
    if settings.audit == OFF or (development and not settings.audit):
        if not development:
            message = "KITH_AUDIT: the audit log can be turned off in the development profile only"
            raise InvalidInput("INVALID_SETTING", message)
        return None
    if settings.audit:
        return Path(settings.audit)
    path = sqlite_path(settings)
    return Path("kith-audit") if path is None else path.with_name(f"{path.name}-audit")


def open_audit(settings: Settings) -> Audit | None:
    """Return the audit log; `None` if none is kept. Raises `InvalidInput`."""
    folder = audit_folder(settings)
    if folder is None:
        return None
    now = SystemClock().now
    return Audit(folder, now, settings.audit_checkpoints, settings.audit_days, settings.audit_reasons)


def _beside(settings: Settings, suffix: str) -> Path:
    """Return a file beside the SQLite file, or in the working folder for another store."""
    path = sqlite_path(settings)
    return Path(f"kith{suffix}") if path is None else path.with_name(f"{path.name}{suffix}")


def erasure_key_file(settings: Settings) -> KeyFile:
    """Return the file of the keys of erasures, which may not exist."""
    return KeyFile(settings.erasure_keys or _beside(settings, "-erasure-keys"))


def erasure_ledger_path(settings: Settings) -> Path:
    """Return the path of the ledger of erasures, which may not exist."""
    return settings.erasure_ledger or _beside(settings, "-erasures.ndjson")


def why_erasure_is_off(settings: Settings) -> str:
    """Return which setting erasing lacks; empty if it lacks none."""
    if settings.is_enabled(None):
        return ""
    if settings.erasure_keys is None:
        return "KITH_ERASURE_KEYS is not set, and the production profile requires it for erasing"
    if settings.erasure_ledger is None and sqlite_path(settings) is None:
        return "KITH_ERASURE_LEDGER is not set, and the production profile requires it for erasing from Neo4j"
    return ""


def open_safeguards(settings: Settings, store: Store) -> Safeguards:
    """Return the keys and the ledger of erasures. Files are read and made when they are needed."""
    now = SystemClock().now
    ledger = Ledger(erasure_ledger_path(settings), now)
    return Safeguards(
        store, erasure_key_file(settings), ledger, now, settings.is_enabled(None), why_erasure_is_off(settings)
    )


def open_metrics(settings: Settings) -> Metrics | None:
    """Return the metrics of a service; `None` if they are off."""
    return None if settings.metrics == "off" else Metrics()


def open_traces(settings: Settings) -> Traces | None:
    """Return what traces requests, `None` if they are not traced. Raises `InvalidInput`."""
    if not settings.traces:
        return None
    try:
        from service.observability.traces import OpenTelemetryTraces
    except ImportError as error:
        message = "KITH_TRACES requires the extra `otel`: pip install 'kith-graph[otel]'"
        raise InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})") from error
    return OpenTelemetryTraces(settings.traces, version.number())


def wire(settings: Settings, read_only: bool = False) -> Wiring:
    """Build everything from settings; the store connects later. With `read_only` nothing is written."""
    text = rules_file.read_text(settings.rules)
    rules = rules_file.parse(text, str(settings.rules or "rules.toml"))
    metrics = open_metrics(settings)
    store = open_store(settings, read_only)
    catalog = attributes_file.read(settings.attributes)
    access = access_file.read(settings.access)
    check_consents(access.policies, catalog.purposes)
    safeguards = open_safeguards(settings, store)
    destinations = Destinations.read(settings.destinations)
    graph = IdentityGraph(
        observed(store, settings.store_system, metrics),
        rules,
        SystemClock(),
        RandomIds(),
        currencies(),
        rules_file.parse,
        settings.change_poll_seconds,
        catalog,
        model_fitting.fit if model_fitting.available() else None,
        settings.timeout_seconds,
        policies=access.policies,
        min_count=settings.min_count,
        safeguards=safeguards,
        retention=retention_file.read(settings.retention),
        refused_days=settings.refused_days,
        destinations=destinations.infos,
    )
    return Wiring(
        graph,
        store,
        text,
        rules_configured=settings.rules is not None,
        metrics=metrics,
        access=access,
        safeguards=safeguards,
        destinations=destinations,
    )
