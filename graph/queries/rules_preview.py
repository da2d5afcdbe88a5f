"""Previews of the effect of new rules, or of revoking or restoring a source, on what is stored; nothing is written."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.masking import mask_key
from graph.domain.model.errors import KithError, Overloaded
from graph.domain.model.identifiers import Identifier
from graph.domain.model.observations import EvidenceStatement, Observation, identifiers_of
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.resolution.intake import renormalized, reports_by_source
from graph.domain.resolution.resolution import resolve
from graph.ports import CustomerHistoryStore, Ids, RulesStore, SourceRevocationStore

PAGE_SIZE = 1_000
MAX_SAMPLES = 5
MAX_SAMPLE_KEYS = 20
"""Identifiers of a group that a sample shows."""
MAX_PREVIEWS = 3
"""Previews that a process keeps; a new preview replaces the oldest one that has ended."""


STATUS, CANCEL = "preview", "cancel-preview"
"""What workers ask each other."""
AskOthers = Callable[[str, str], Awaitable[Iterable[bytes]]]
"""Asks other workers for one of these, about the preview with an id; returns the answers."""
_ID = re.compile(r"prv_[0-9a-z]{1,40}")


class PreviewStore(RulesStore, SourceRevocationStore, CustomerHistoryStore, Protocol):
    """Observations, the source revocations and overrides in effect, and the current customers."""


class PreviewState(Enum):
    """The state of a preview."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Sample(Struct, frozen=True):
    """Current ids of a customer that splits, or of customers that merge, and the projected groups of identifiers."""

    ids: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]


class PreviewImpact(Struct, frozen=True):
    """The projected changes, in current customers: how many would merge with others, split, or change at all."""

    current_customers: int
    projected_customers: int
    merging_customers: int
    splitting_customers: int
    changed_customers: int
    newly_rejected: int
    """Observations that count now and would not, by the rules or the revocation of their source; they stay stored."""
    newly_accepted: int
    """Observations that do not count now, by the rules or the revocation of their source, and would count."""
    sample_merges: tuple[Sample, ...]
    sample_splits: tuple[Sample, ...]


class Proposal(Struct, frozen=True):
    """What a preview is about: other rules than those in effect, one source revocation more, or one less."""

    rules: Rules
    revoke: SourceRevocation | None = None
    restore: SourceRevocation | None = None

    def source_revocations(self, stored: Iterable[SourceRevocation]) -> list[SourceRevocation]:
        """Return the source revocations that would be in effect."""
        restored = None if self.restore is None else self.restore.id
        kept = [revocation for revocation in stored if revocation.in_effect and revocation.id != restored]
        return kept if self.revoke is None else [*kept, self.revoke]


@dataclass(slots=True)
class _Collected:
    """The data collected from the receipts."""

    statements: list[EvidenceStatement] = field(default_factory=list)
    reports: dict[str, list[Receipt]] = field(default_factory=dict)
    """The reports of each order that are not rejected, by its key."""
    projected_key_of: dict[str, str] = field(default_factory=dict)
    """The current key of a raw value to its key under the proposed rules, empty if it would have none."""
    newly_rejected: int = 0
    newly_accepted: int = 0


class PreviewStatus(Struct, frozen=True):
    """What a preview has found out so far, in this process or in another."""

    id: str
    mask_values: bool
    state: PreviewState
    processed: int
    total: int
    impact: PreviewImpact | None


class Preview:
    """A preview that runs in the background."""

    def __init__(
        self, store: PreviewStore, id: str, current_rules: Rules, proposal: Proposal, mask_values: bool
    ) -> None:
        self.id = id
        self._store, self.mask_values = store, mask_values
        self._current_rules, self._proposal = current_rules, proposal
        self._proposed_rules = proposal.rules
        self._source_revocations: Sequence[SourceRevocation] = ()
        self.state = PreviewState.RUNNING
        self.processed = self.total = 0
        self.impact: PreviewImpact | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the preview has not ended."""
        return self.state is PreviewState.RUNNING

    @property
    def status(self) -> PreviewStatus:
        """What it has found out so far."""
        return PreviewStatus(self.id, self.mask_values, self.state, self.processed, self.total, self.impact)

    def start(self) -> None:
        """Start the preview."""
        self._task = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Stop the preview and discard its result."""
        if self.running and self._task is not None:
            self.state = PreviewState.CANCELLED
            self._task.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait until the preview has ended, at most `seconds`."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)

    async def _run(self) -> None:
        try:
            self._source_revocations = self._proposal.source_revocations(await self._store.source_revocations())
            self.total = await self._store.count_observations()
            collected = await self._read_all()
            overrides = await self._renormalized_overrides()
            groups = await asyncio.to_thread(self._resolve, collected.statements, overrides)
            customer_ids = await self._customer_ids(list(collected.projected_key_of))
            self.impact = await asyncio.to_thread(self._compare, collected, groups, customer_ids)
            self.state = PreviewState.COMPLETED
        except KithError:
            self.state = PreviewState.FAILED

    async def _read_all(self) -> _Collected:
        collected = _Collected()
        after: ObservationKey | None = None
        while page := await self._store.receipts(after, PAGE_SIZE):
            await asyncio.to_thread(self._read, page, collected)
            after = page[-1].key
            self.processed += len(page)
        for reports in collected.reports.values():
            for _, in_effect in reports_by_source(reports).values():
                collected.statements += {receipt.id: receipt.statement for receipt in in_effect}.values()
        return collected

    def _read(self, page: Sequence[Receipt], collected: _Collected) -> None:
        for receipt in page:
            if not receipt.digest or receipt.status is ObservationStatus.REVOKED:
                continue
            projected = renormalized(receipt, self._proposed_rules, self._source_revocations)
            counts = projected.status is ObservationStatus.VALID
            if receipt.status is not ObservationStatus.SUPERSEDED:
                collected.newly_rejected += receipt.status is ObservationStatus.VALID and not counts
                collected.newly_accepted += receipt.status is not ObservationStatus.VALID and counts
            if counts and projected.order_key:
                collected.reports.setdefault(projected.order_key, []).append(projected)
            elif counts:
                collected.statements.append(projected.statement)
            if receipt.status is ObservationStatus.VALID:
                self._project_keys(receipt, collected.projected_key_of)

    def _project_keys(self, receipt: Receipt, projected_key_of: dict[str, str]) -> None:
        """Add the identifiers that an observation names now, with what they would be under the proposed rules."""
        if self._proposed_rules is self._current_rules:
            projected_key_of.update((key, key) for key in receipt.keys)
            return
        sent = Observation.from_sent(*receipt.key, receipt.sent)
        # A composite key may consist of other attributes under the proposed rules.
        proposed = dict(identifiers_of(sent, self._proposed_rules)[len(sent.identifiers) :])
        for number, (namespace, raw) in enumerate(identifiers_of(sent, self._current_rules)):
            current_key = _key(self._current_rules, namespace, raw)
            if current_key is not None:
                projected = raw if number < len(sent.identifiers) else proposed.get(namespace)
                projected_key_of[current_key] = (
                    "" if projected is None else _key(self._proposed_rules, namespace, projected) or ""
                )

    async def _renormalized_overrides(self) -> list[Override]:
        overrides: list[Override] = []
        after: tuple[int, str] | None = None
        while page := await self._store.overrides(None, after, PAGE_SIZE):
            overrides += page
            after = page[-1].at, page[-1].id
        renormalized: list[Override] = []
        for override in overrides:
            projected = (_key(self._proposed_rules, *Identifier.from_key(key)) for key in override.keys)
            keys = sorted(key for key in projected if key is not None)
            if len(keys) == len(override.keys):
                renormalized.append(replace(override, a=keys[0], b="".join(keys[1:])))
        return renormalized

    def _resolve(
        self, statements: Iterable[EvidenceStatement], overrides: Sequence[Override]
    ) -> Sequence[frozenset[str]]:
        return resolve(statements, overrides, self._proposed_rules).groups

    async def _customer_ids(self, keys: Sequence[str]) -> dict[str, str]:
        holders: dict[str, str] = {}
        for start in range(0, len(keys), PAGE_SIZE):
            page = keys[start : start + PAGE_SIZE]
            holders.update(zip(page, await self._store.customer_ids_of(page), strict=True))
        return {key: id for key, id in holders.items() if id}

    def _compare(
        self, collected: _Collected, groups: Sequence[frozenset[str]], customer_ids: dict[str, str]
    ) -> PreviewImpact:
        """Compare the current customer of each key with its projected group."""
        group_of = {key: index for index, group in enumerate(groups) for key in group}
        groups_of: dict[str, set[int]] = {}
        ids_of: dict[int, set[str]] = {}
        lost: set[str] = set()
        for key, id in customer_ids.items():
            index = group_of.get(collected.projected_key_of[key])
            if index is None:
                lost.add(id)
                groups_of.setdefault(id, set())
                continue
            groups_of.setdefault(id, set()).add(index)
            ids_of.setdefault(index, set()).add(id)
        merging = {index: ids for index, ids in ids_of.items() if len(ids) > 1}
        splitting = {id: parts for id, parts in groups_of.items() if len(parts) > 1}
        merged = {id for ids in merging.values() for id in ids}
        return PreviewImpact(
            len(groups_of),
            len(groups),
            len(merged),
            len(splitting),
            len(merged | splitting.keys() | lost),
            collected.newly_rejected,
            collected.newly_accepted,
            tuple(
                Sample(tuple(sorted(ids)), (self._presented_keys(groups[index]),))
                for index, ids in sorted(merging.items())[:MAX_SAMPLES]
            ),
            tuple(
                Sample((id,), tuple(self._presented_keys(groups[index]) for index in sorted(parts)))
                for id, parts in sorted(splitting.items())[:MAX_SAMPLES]
            ),
        )

    def _presented_keys(self, keys: Iterable[str]) -> tuple[str, ...]:
        sample = sorted(keys)[:MAX_SAMPLE_KEYS]
        return tuple(mask_key(key) for key in sample) if self.mask_values else tuple(sample)


class Previews:
    """The previews that were started in this process.

    `current_rules` returns the rules in effect, `parse` parses proposed rules.
    """

    def __init__(
        self, store: PreviewStore, ids: Ids, current_rules: Callable[[], Rules], parse: Callable[[str], Rules]
    ) -> None:
        self._store, self._ids, self._current_rules, self._parse = store, ids, current_rules, parse
        self._previews: dict[str, Preview] = {}
        self.ask_others: AskOthers | None = None
        """Asks the other workers of the service, if there are any, about a preview."""

    def begin_rules(self, text: str, mask_values: bool = True) -> Preview:
        """Start a preview of the rules in `text`; raises `Overloaded` if too many are running."""
        return self._begin(Proposal(self._parse(text)), mask_values)

    def begin_revocation(self, revocation: SourceRevocation, mask_values: bool = True) -> Preview:
        """Start a preview of setting a source revocation; raises `Overloaded` if too many are running."""
        return self._begin(Proposal(self._current_rules(), revoke=revocation), mask_values)

    def begin_restoration(self, revocation: SourceRevocation, mask_values: bool = True) -> Preview:
        """Start a preview of restoring a source; raises `Overloaded` if too many are running."""
        return self._begin(Proposal(self._current_rules(), restore=revocation), mask_values)

    def _begin(self, proposal: Proposal, mask_values: bool) -> Preview:
        if len(self._previews) >= MAX_PREVIEWS:
            ended = [id for id, preview in self._previews.items() if not preview.running]
            if not ended:
                raise Overloaded(f"{len(self._previews)} previews are running, which is the limit; cancel one of them")
            del self._previews[ended[0]]
        preview = Preview(self._store, self._ids.preview(), self._current_rules(), proposal, mask_values)
        self._previews[preview.id] = preview
        preview.start()
        return preview

    async def status(self, id: str, cancel: bool = False) -> PreviewStatus | None:
        """Return what a preview of this process or of another worker has found out; `cancel` stops it before."""
        preview = self._previews.get(id)
        if preview is not None:
            if cancel:
                preview.cancel()
            return preview.status
        if self.ask_others is None or not _ID.fullmatch(id):
            return None
        for answer in await self.ask_others(CANCEL if cancel else STATUS, id):
            return msgspec.json.decode(answer, type=PreviewStatus)
        return None

    async def answer(self, id: str, cancel: bool = False) -> bytes:
        """Answer another worker about a preview of this process; empty if it has none with this id."""
        preview = self._previews.get(id)
        status = None if preview is None else await self.status(id, cancel)
        return b"" if status is None else msgspec.json.encode(status)

    def clear(self) -> None:
        """Stop and forget all previews: their samples may name somebody who was erased."""
        self.close()
        self._previews.clear()

    def close(self) -> None:
        """Stop all previews."""
        for preview in self._previews.values():
            preview.cancel()


def _key(rules: Rules, namespace: str, raw: str) -> str | None:
    if namespace not in rules.by_name:
        return None
    value = rules.normalize_value(namespace, raw)
    return None if isinstance(value, DroppedIdentifier) else Identifier(namespace, value).key
