"""The proof of consent: every decision that was ever stored, how it was collected, and whether it is as it arrived."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.access.decision_log import DecisionCheck, DecisionReader, LogEntry, LoggedDecision
from graph.domain.model.facts import FactKind
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.profile.consent_texts import RegisteredText
from graph.domain.profile.consents import StatedConsent
from graph.ports import StatementStore

_PAGE = 1_000
"""Statements that are read at once."""


class ConsentTextReader(Protocol):
    """Reads consent texts."""

    async def text(self, sha256: str) -> str | None:
        """Return a text by its hash; `None` if the store has no text with this hash."""
        ...

    async def version(self, version: str, language: str, purpose: str) -> RegisteredText | None:
        """Return the text of a version for a purpose: in a language, or the only one if the language is not known."""
        ...


class ShownText(Struct, frozen=True):
    """The text that a person saw. Its content is `None` if the store does not have it, or has another one.

    `recorded_at` (microseconds) and `recorded_by` are those of a registered version, `None` and "" for a text that came
    with the decision.
    """

    sha256: str
    content: str | None
    recorded_at: int | None = None
    recorded_by: str = ""


class ProvenDecision(Struct, frozen=True):
    """A stored decision with what proves it; `check` is `None` if no audit log is kept."""

    receipt: Receipt
    stated: StatedConsent
    text: ShownText | None
    check: DecisionCheck | None = None


class ConsentProof(Struct, frozen=True):
    """The decisions of an identifier, newest first, and the log's entries about decisions that are not stored.

    `erased` are those that went with an erasure, `removed` those that nobody can explain.
    """

    decisions: tuple[ProvenDecision, ...] = ()
    removed: tuple[LogEntry, ...] = ()
    erased: tuple[LogEntry, ...] = ()
    is_logged: bool = False

    def on(self, purpose: str | None, channel: str | None) -> "ConsentProof":
        """Return the part on a purpose and a channel, where they are given; what is removed may have been on any."""
        chosen = (
            decision
            for decision in self.decisions
            if purpose in (None, decision.stated.purpose) and channel in (None, decision.stated.channel)
        )
        return replace(self, decisions=tuple(chosen))

    def erased_until(self, at: int) -> "ConsentProof":
        """Return the proof of an identifier that was erased at a time, in microseconds."""
        erased = tuple(entry for entry in self.removed if entry.received_at <= at)
        return replace(self, erased=erased, removed=tuple(entry for entry in self.removed if entry not in erased))


async def consent_proofs(
    store: StatementStore,
    texts: ConsentTextReader,
    reader: DecisionReader,
    keys: Sequence[str],
) -> dict[str, ConsentProof]:
    """Return the proofs of the decisions of some identifiers, by key."""
    stored: dict[str, list[ProvenDecision]] = {}
    for key in keys:
        stored[key] = []
        for receipt in await _receipts(store, key):
            stated = StatedConsent.of(receipt)
            stored[key].append(ProvenDecision(receipt, stated, await _shown_text(texts, stated)))
    checked = await reader.check_decisions({key: list(map(_logged, decisions)) for key, decisions in stored.items()})
    proofs: dict[str, ConsentProof] = {}
    for key, decisions in stored.items():
        removed: tuple[LogEntry, ...] = ()
        if checked is not None:
            compared, removed = checked[key].checks, checked[key].removed
            decisions = [replace(decision, check=check) for decision, check in zip(decisions, compared, strict=True)]
        decisions.sort(key=lambda decision: decision.receipt.seen_at, reverse=True)
        proofs[key] = ConsentProof(tuple(decisions), removed, is_logged=checked is not None)
    return proofs


async def _receipts(store: StatementStore, key: str) -> list[Receipt]:
    """Return the receipts of all decisions that name an identifier."""
    receipts: list[Receipt] = []
    after: ObservationKey | None = None
    while page := await store.statements_naming([key], after, _PAGE):
        after = page[-1].key
        receipts += (receipt for receipt in page if receipt.kind == FactKind.CONSENT.value and key in receipt.keys)
    return [receipt for receipt in receipts if receipt.sent]


def _logged(decision: ProvenDecision) -> LoggedDecision:
    return LoggedDecision.of(decision.receipt, "" if decision.text is None else decision.text.sha256)


async def _shown_text(texts: ConsentTextReader, stated: StatedConsent) -> ShownText | None:
    if stated.text:
        return ShownText(stated.text, await texts.text(stated.text))
    version = await texts.version(stated.policy_version, stated.language, stated.purpose)
    if version is None:
        return None
    return ShownText(version.sha256, await texts.text(version.sha256), version.recorded_at, version.recorded_by)
