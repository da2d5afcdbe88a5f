"""The record of processing activities (Art. 30 GDPR): what is declared and configured, and what is missing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from graph.domain.access.policies import Policy
from graph.domain.access.viewer import Reach
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.purposes import REQUIRED, Controller, Purpose

READS_NOBODY = frozenset({Reach.NONE, Reach.COUNT})
"""The reach of roles that read no customer."""


class Reader(Struct, frozen=True):
    """A caller: a key or a client of an issuer, by its name, with its role and the purposes that it may act for."""

    name: str
    role: str
    purposes: tuple[str, ...] = ()


class RoleRecord(Struct, frozen=True):
    """A role that callers have, and which customers it may see."""

    name: str
    description: str
    reach: Reach


class AudienceRecord(Struct, frozen=True):
    """What is sent to a destination for a purpose: identifiers of the members of a segment, with attributes of them.

    The segment is empty if it was deleted, and the type if the destination is no longer configured.
    """

    destination: str
    type: str
    segment: str
    channel: str
    namespaces: tuple[str, ...]
    attributes: tuple[str, ...]


class RecordedPurpose(Struct, frozen=True):
    """A purpose, with the callers that may act for it, the policies that apply to it, and what is sent for it.

    `declared` is false for one that callers or policies name and attributes.toml does not.
    """

    purpose: Purpose
    declared: bool
    readers: tuple[Reader, ...] = ()
    policies: tuple[Policy, ...] = ()
    audiences: tuple[AudienceRecord, ...] = ()


class LabeledData(Struct, frozen=True):
    """The namespaces of identifiers and the attributes that have a label; those without one have the label ``."""

    label: str
    namespaces: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


class SourceRecord(Struct, frozen=True):
    """A source of data, and what names it: `rules.toml`, `attributes.toml` or keys."""

    name: str
    named_by: tuple[str, ...]


class ChannelRecord(Struct, frozen=True):
    """A channel through which people are contacted, with the namespaces of its addresses."""

    name: str
    namespaces: tuple[str, ...]


class RetentionRecord(Struct, frozen=True):
    """For how many days something is kept, at most or at least, and why."""

    what: str
    days: int
    reason: str = ""
    minimum: bool = False


class Measure(Struct, frozen=True):
    """A technical or organizational measure. `by_kith` is false for what the operator has to take care of."""

    name: str
    text: str
    by_kith: bool = True


class Gap(Struct, frozen=True):
    """Something that the record has to say and nobody has declared: what of which `place`."""

    place: str
    missing: str


class ProcessingRecord(Struct, frozen=True):
    """The record as of a time in microseconds. `readers` are all callers that may read people.

    `change_destinations` are the destinations that the changes of all customers are sent to.
    """

    at: int
    controller: Controller
    purposes: tuple[RecordedPurpose, ...]
    readers: tuple[Reader, ...]
    roles: tuple[RoleRecord, ...]
    data: tuple[LabeledData, ...]
    sources: tuple[SourceRecord, ...]
    channels: tuple[ChannelRecord, ...]
    segments: tuple[str, ...]
    retention: tuple[RetentionRecord, ...]
    measures: tuple[Measure, ...]
    gaps: tuple[Gap, ...] = ()
    change_destinations: tuple[str, ...] = ()


def recorded_purposes(
    declared: Collection[Purpose],
    consents: Collection[str],
    readers: Collection[Reader],
    policies: Collection[Policy],
    audiences: Mapping[str, Sequence[AudienceRecord]],
) -> tuple[RecordedPurpose, ...]:
    """Return all purposes: those that are declared, then those that only the configuration names, by name.

    `consents` are the names of the purposes for which decisions are recorded, `audiences` what is sent by purpose.
    """
    known = {purpose.name: purpose for purpose in declared}
    named = {name for reader in readers for name in reader.purposes} | {policy.purpose for policy in policies}
    named |= audiences.keys()
    return tuple(
        RecordedPurpose(
            known.get(name) or Purpose(name, consent=name in consents),
            name in known,
            tuple(reader for reader in readers if name in reader.purposes),
            tuple(policy for policy in policies if policy.purpose == name),
            tuple(audiences.get(name, ())),
        )
        for name in dict.fromkeys((*known, *consents, *sorted(named)))
    )


def gaps(controller: Controller, purposes: Collection[RecordedPurpose], readers: Collection[Reader]) -> tuple[Gap, ...]:
    """Return what a record has to say and nobody has declared."""
    return tuple(_gaps(controller, purposes, readers))


def _gaps(controller: Controller, purposes: Collection[RecordedPurpose], readers: Collection[Reader]) -> Iterator[Gap]:
    yield from (Gap("controller", name) for name in ("name", "contact") if getattr(controller, name) is None)
    for recorded in purposes:
        place = f"purpose {recorded.purpose.name}"
        if not recorded.declared:
            yield Gap(place, "declaration")
        else:
            yield from (Gap(place, name) for name in REQUIRED if getattr(recorded.purpose, name) is None)
    yield from (Gap(f"caller {reader.name}", "purpose") for reader in readers if not reader.purposes)


class ProcessingRecords(Protocol):
    """Makes the record of processing activities."""

    async def record(self) -> ProcessingRecord:
        """Return the record as of now."""
        ...


class NoProcessingRecords:
    """What an operation without a service around it has."""

    async def record(self) -> ProcessingRecord:
        """Raise `InvalidInput`: there is no configuration to record."""
        raise InvalidInput("FEATURE_DISABLED", "there is no service whose processing could be recorded")


NO_PROCESSING_RECORDS = NoProcessingRecords()
