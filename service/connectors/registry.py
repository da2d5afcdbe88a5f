"""The sources of a service and their mappings, which are read again when a file changes."""

import asyncio
import hmac
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from graph.domain.model.errors import InvalidInput
from graph.identity_graph import IdentityGraph
from service.config import connectors_file
from service.config.connectors_file import ConnectorSource
from service.connectors import mapping_file, user_agents
from service.connectors.intake import Intake
from service.connectors.proofs import NO_PROOF, WRITE_KEY, digest_of, method_of

log = logging.getLogger("kith.connectors")

RELOAD_SECONDS = 2.0
"""How often the files are looked at."""


class Connectors:
    """The ways in by the names of their sources."""

    def __init__(self, graph: IdentityGraph, path: Path | None) -> None:
        """Raises `InvalidInput` if a file has an error: a service does not start with half of its sources."""
        self._graph, self._path = graph, path
        self._intakes: Mapping[str, Intake] = {}
        self.problem = ""
        """Why the newest files are not in effect; empty if they are."""
        self._seen = self._fingerprints(())
        self._load()

    def __len__(self) -> int:
        return len(self._intakes)

    def __iter__(self) -> Iterator[Intake]:
        return iter(self._intakes.values())

    def get(self, name: str) -> Intake | None:
        """Return the way in of a source."""
        return self._intakes.get(name)

    def of_key(self, keys: Iterable[str]) -> Intake | None:
        """Return the way in whose SDKs have one of some keys."""
        digests = [digest_of(key) for key in keys]
        found = None
        for intake in self._intakes.values():
            if method_of(intake.mapping.proof) != WRITE_KEY:
                continue
            for secret in intake.source.secrets:
                own = digest_of(secret.decode())
                if any(hmac.compare_digest(own, digest) for digest in digests):
                    found = intake
        return found

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all browsers."""
        return frozenset().union(*(intake.source.origins for intake in self))

    def reload(self) -> None:
        """Read the files again if one has changed. With an error in them, what was read last stays in effect.

        After an error they are read each time: the file that mends it may be one that was never read.
        """
        seen = self._fingerprints(self._intakes.values())
        if seen == self._seen and not self.problem:
            return
        self._seen = seen
        try:
            self._load()
        except InvalidInput as error:
            if error.message != self.problem:
                log.error("the sources stay as they were: %s", error.message)  # noqa: TRY400
            self.problem = error.message
        else:
            log.info("the sources were read again: %d", len(self))

    async def watch(self) -> None:
        """Read the files again whenever they change, until it is canceled."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            await asyncio.to_thread(self.reload)

    def _load(self) -> None:
        found: dict[str, Intake] = {}
        for source in connectors_file.read(self._path):
            mapping = mapping_file.named(source.mapping)
            method = method_of(mapping.proof)
            # A mapping without a proof of its own also serves sources whose records come from files and topics only:
            # over HTTP, a source without secrets takes nothing in then.
            if not source.secrets and "method" in mapping.proof and method != NO_PROOF:
                raise self._invalid(
                    source, f"needs secrets, because senders of {mapping.title} prove who they are by {method}"
                )
            if source.secrets and method == NO_PROOF:
                raise self._invalid(source, "has secrets, but the proof of its mapping is none: nobody would need them")
            user_agents.load()
            found[source.name] = Intake(self._graph, source, mapping)
        self._intakes = found
        self._seen = self._fingerprints(found.values())
        self.problem = ""

    def _invalid(self, source: ConnectorSource, message: str) -> InvalidInput:
        return InvalidInput("INVALID_SETTING", f"KITH_CONNECTORS: {self._path}: source {source.name!r}: {message}")

    def _fingerprints(self, intakes: Iterable[Intake]) -> dict[str, str]:
        files = [] if self._path is None else [self._path]
        for intake in intakes:
            files += intake.source.secret_files
            if intake.source.mapping.endswith(".toml"):
                files.append(Path(intake.source.mapping))
        return {str(file): connectors_file.fingerprint(file) for file in files}
