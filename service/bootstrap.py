"""The only wiring: from settings to a graph."""

import asyncio
import time
from dataclasses import dataclass

from babel import Locale

from graph.domain.model.errors import InvalidInput, RulesError, TemporaryFailure
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.sqlite import EmbeddedStore
from service.config import attributes_file, rules_file
from service.config.settings import Settings
from service.runtime import model_fitting
from service.runtime.ids import RandomIds


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000


def currencies() -> frozenset[str]:
    """The codes of ISO 4217 that are or were in use, from Unicode's CLDR."""
    return frozenset(Locale("en").currencies)


def open_store(settings: Settings) -> Store:
    """The store that the settings name."""
    kind, _, rest = settings.store.partition("://")
    if kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return EmbeddedStore(rest[1:])
    if kind in ("neo4j", "neo4j+s", "bolt", "bolt+s") and rest:
        # The driver loads pandas where that is installed: most of a second and 60 MB that SQLite has no need of.
        from graph.stores.neo4j import Neo4jStore

        password = settings.neo4j_password.get_secret_value()
        return Neo4jStore(settings.store, settings.neo4j_user, password, settings.neo4j_database)
    raise InvalidInput("BAD_SETTING", f"KITH_STORE: {settings.store!r} is neither sqlite:///FILE nor neo4j://HOST:PORT")


@dataclass(slots=True)
class Wiring:
    """A graph and the store under it. `adopted` turns true once the store's rules are in force."""

    graph: IdentityGraph
    store: Store
    rules_text: str
    chosen: bool = False
    """Whether the settings name the rules, so that others in the store are no welcome surprise."""
    adopted: bool = False
    refused: RulesError | None = None

    async def prepare(self) -> None:
        """Bring the store's structure up to date and take over its rules, or give it these."""
        await self.store.migrate()
        kept = await self.graph.rules_control.open(self.rules_text)
        if self.chosen and rules_file.parse(kept.text) != rules_file.parse(self.rules_text):
            self.refused = RulesError(
                f"the store is at version {kept.version} of the rules, which are others than the file's: apply the "
                "file with `kith rules apply`, or leave KITH_RULES out to go on with the store's"
            )
            raise self.refused
        self.adopted = True

    async def prepare_when_there(self) -> None:
        """Prepare as soon as the database answers; a database that is down at start is no reason to stay away."""
        pause = 0.5
        while not self.adopted and self.refused is None:
            try:
                await self.prepare()
            except TemporaryFailure:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5)
            except RulesError:
                return  # `/readyz` tells it, and `kith serve` ends with it.

    async def missing(self) -> dict[str, str]:
        """What is not ready yet, by part; empty where everything can be served."""
        missing: dict[str, str] = {}
        if store := await self.graph.ready():
            missing["store"] = store
        if self.refused is not None:
            missing["rules"] = self.refused.message
        elif not self.adopted:
            missing["rules"] = "the store's rules have not been read yet"
        return missing


def wire(settings: Settings) -> Wiring:
    """Everything, from settings; nothing is connected yet."""
    text = rules_file.read_text(settings.rules)
    rules = rules_file.parse(text, str(settings.rules or "rules.toml"))
    store = open_store(settings)
    catalogue = attributes_file.read(settings.attributes)
    graph = IdentityGraph(
        store,
        rules,
        SystemClock(),
        RandomIds(),
        currencies(),
        rules_file.parse,
        settings.feed_seconds,
        catalogue,
        model_fitting.fit,
    )
    return Wiring(graph, store, text, chosen=settings.rules is not None)
