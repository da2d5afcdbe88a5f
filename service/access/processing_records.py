"""Makes the record of processing activities from what is declared, from keys, and from settings."""

from collections.abc import Callable, Iterator, Mapping

from graph.domain.access.processing_record import (
    READS_NOBODY,
    AudienceRecord,
    ChannelRecord,
    LabeledData,
    Measure,
    ProcessingRecord,
    Reader,
    RetentionRecord,
    RoleRecord,
    SourceRecord,
    gaps,
    recorded_purposes,
)
from graph.domain.access.roles import DEVELOPER
from graph.domain.model.labels import Label
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.access import stored_keys
from service.access.access_file import AccessFile
from service.access.authentication import configured_keys
from service.access.stored_keys import StoredKey
from service.config.settings import Settings


class ServiceProcessingRecords:
    """The record of one service. `now` returns microseconds since 1970; `audited` says whether an audit log is kept."""

    def __init__(
        self,
        graph: IdentityGraph,
        store: Store,
        access: AccessFile,
        settings: Settings,
        now: Callable[[], int],
        audited: bool,
    ) -> None:
        self._graph, self._store, self._access = graph, store, access
        # A service forgets the keys of its settings once it knows their digests.
        self._settings, self._now, self._audited = settings.without_keys(), now, audited
        text, development = settings.api_keys.get_secret_value(), settings.profile == "development"
        self._configured = [
            Reader(signed_in.viewer.caller, signed_in.viewer.role)
            for signed_in in configured_keys(text, development, access.roles).values()
        ]

    async def record(self) -> ProcessingRecord:
        """Return the record as of now. Raises `StoreUnavailable`."""
        now = self._now()
        keys = [
            key
            for key in stored_keys.parse(await self._store.get_value(stored_keys.DOCUMENT))
            if key.state(now) == "valid"
        ]
        readers = tuple(self._readers(keys))
        catalog = self._graph.catalog
        processing, policies = catalog.processing, self._access.policies.policies
        segments = await self._graph.segments.all()
        audiences = await self._audiences({segment.id: segment.name for segment in segments})
        purposes = recorded_purposes(processing.purposes, catalog.purposes, readers, policies, audiences)
        roles = dict.fromkeys(reader.role for reader in readers)
        return ProcessingRecord(
            now,
            processing.controller,
            purposes,
            readers,
            tuple(
                RoleRecord(role.name, role.description, role.reach)
                for role in self._access.roles.values()
                if role.name in roles
            ),
            tuple(self._data()),
            tuple(self._sources(keys)),
            tuple(ChannelRecord(name, namespaces) for name, namespaces in catalog.channels.items()),
            tuple(segment.name for segment in segments),
            tuple(self._retention()),
            tuple(self._measures(len(keys) + len(self._configured))),
            gaps(processing.controller, purposes, readers),
            tuple(info.name for info in self._graph.audiences.destinations.values() if info.changes),
        )

    async def _audiences(self, names: Mapping[str, str]) -> dict[str, list[AudienceRecord]]:
        """Return what is sent to destinations, by purpose. `names` are those of segments by id."""
        control = self._graph.audiences
        found: dict[str, list[AudienceRecord]] = {}
        for audience in await control.all():
            info = control.destinations.get(audience.destination)
            record = AudienceRecord(
                audience.destination,
                "" if info is None else info.type,
                names.get(audience.segment, ""),
                audience.channel,
                audience.namespaces,
                tuple(audience.fields.values()),
            )
            found.setdefault(audience.purpose, []).append(record)
        return found

    def _readers(self, keys: list[StoredKey]) -> Iterator[Reader]:
        """Yield the callers that may read people: keys by name, and clients of issuers of tokens."""
        named = [
            *(Reader(key.name, key.role, key.purposes) for key in keys),
            *self._configured,
            *(
                Reader(
                    f"{name}|{client}",
                    found.role.name if found.role is not None else "",
                    issuer.purposes if found.purposes is None else found.purposes,
                )
                for name, issuer in self._access.issuers.items()
                for client, found in issuer.clients.items()
            ),
            # The tokens of an issuer may name roles themselves, for clients that the file does not list.
            *(
                Reader(name, role.name, issuer.purposes)
                for name, issuer in self._access.issuers.items()
                for role in dict.fromkeys(issuer.roles.values())
            ),
        ]
        for reader in dict.fromkeys(named):
            role = self._access.roles.get(reader.role)
            if role is None or role.reach not in READS_NOBODY:
                yield reader

    def _data(self) -> Iterator[LabeledData]:
        """Yield the data that can be stored, by label; what has no label comes last."""
        labels = self._access.policies
        namespaces = {name: labels.namespaces.get(name, frozenset()) for name in self._graph.rules.names}
        attributes = {name: labels.attributes.get(name, frozenset()) for name in self._graph.catalog.attributes}
        for label in (*Label, None):
            found = [
                tuple(name for name, own in named.items() if (label in own if label is not None else not own))
                for named in (namespaces, attributes)
            ]
            if any(found):
                yield LabeledData("" if label is None else label.value, found[0], found[1])

    def _sources(self, keys: list[StoredKey]) -> Iterator[SourceRecord]:
        named: dict[str, dict[str, None]] = {}
        for name in self._graph.rules.sources:
            named.setdefault(name, {})["rules.toml"] = None
        for attribute in self._graph.catalog.attributes.values():
            for name in attribute.sources:
                named.setdefault(name, {})["attributes.toml"] = None
        for key in keys:
            for name in key.sources:
                named.setdefault(name, {})[f"key {key.name}"] = None
        for name in sorted(named):
            yield SourceRecord(name, tuple(named[name]))

    def _retention(self) -> Iterator[RetentionRecord]:
        retention = self._graph.terms.retention
        for rule in retention.rules:
            yield RetentionRecord(rule.label, rule.days, rule.reason)
        for hold in retention.holds:
            yield RetentionRecord(hold.label, hold.days, hold.reason, minimum=True)
        if self._audited:
            yield RetentionRecord("content of the audit log", self._settings.audit_days, "KITH_AUDIT_DAYS")

    def _measures(self, keys: int) -> Iterator[Measure]:
        """Yield what the configuration says, and what nobody but the operator can say."""
        settings = self._settings
        issuers = len(self._access.issuers)
        if keys or issuers:
            text = f"Every caller needs a key or a token: {keys} valid keys, {issuers} issuers of tokens. Only digests "
            yield Measure("authentication", text + "of keys are stored.")
        else:
            yield Measure("authentication", "None: there are no keys, so every program on this machine may call.")
        yield Measure(
            "access control",
            f"A role decides which fields a caller may select and which customers it sees. The role "
            f"{DEVELOPER.name!r} exists in the development profile only.",
        )
        yield Measure(
            "data minimization",
            "Addresses and attributes are masked for callers without the scopes for them. Numbers about fewer than "
            f"{settings.min_count} customers are not shown to marketers. Look-ups of each caller are limited.",
        )
        yield Measure(
            "purpose limitation", f"{len(self._access.policies.policies)} policies withhold data without consent."
        )
        if self._audited:
            elsewhere = "elsewhere" if settings.audit_checkpoints else "beside the log"
            reasons = "as text" if settings.audit_reasons == "text" else "as keyed hashes"
            yield Measure(
                "accountability",
                f"Who accessed whose data is recorded for {settings.audit_days} days, chained by hashes; signed "
                f"checkpoints are kept {elsewhere}, reasons {reasons}.",
            )
        else:
            yield Measure("accountability", "None: no audit log is kept.")
        if self._graph.erasures.tombstone_rules().keys:
            text = (
                "People are erased on request, with a signed receipt, and what arrives later does not bring them back."
            )
        else:
            text = "None: there are no keys for erasures (KITH_ERASURE_KEYS)."
        yield Measure("erasure", text)
        system = "one SQLite file" if settings.store_system == "sqlite" else "a Neo4j database"
        yield Measure("location", f"All data is in {system}. Where its host is, the operator has to state.")
        yield Measure("access to the machine", "Whoever can read the store sees everything in it.", by_kith=False)
        yield Measure("encryption", "Kith encrypts neither the store nor connections.", by_kith=False)
        yield Measure("backups", "Kith writes backups on request. Where they are kept, and how long.", by_kith=False)
