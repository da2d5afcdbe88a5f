"""Read files as an import does, without a store: what becomes of each line, under the rules in effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.commands import Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.observations import REJECTED_BY_RULES, Observation
from graph.domain.model.orders import OrderStatement
from graph.domain.model.products import Product, check_product
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.privacy.consent_gate import admitted, gated_keys, stated_consents, unconsented
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentsInEffect, ConsentStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import InteractionStatement
from graph.domain.resolution.preparation import Observe, receipt_of
from service.ingest.counts import LineCounts
from service.ingest.file_formats import InputFile
from service.ingest.located import located
from service.ingest.raw_lines import RawLine
from service.ingest.records import parse_record
from service.ingest.report import Report

PREVIEW_LINES = 10
"""Lines of each file that are shown."""
_KIND_NAMES: Mapping[type, str] = {
    Observation: "observation",
    OrderStatement: "order",
    AttributesStatement: "attributes",
    ConsentStatement: "consent",
    InteractionStatement: "interaction",
    ExternalSegmentStatement: "external segment",
}


class LinePreview(Struct, frozen=True):
    """What would become of a line: `keys` are its identifiers as the rules normalize them.

    `seen_at` is in microseconds, `None` if the time of receipt would count. `problem` is set if the line is rejected.
    """

    line: int
    kind: str = ""
    source: str = ""
    seen_at: int | None = None
    keys: tuple[str, ...] = ()
    dropped: tuple[DroppedIdentifier, ...] = ()
    problem: Problem | None = None


@dataclass(slots=True)
class DryRun:
    """Reads files and counts their lines. It knows the other lines of the files, but nothing that is stored."""

    rules: Rules
    terms: Terms
    now: int
    """In microseconds."""
    report: Report
    source: str = ""
    rejected: list[tuple[Path, int, Problem]] = field(default_factory=list)
    _digests: dict[int, int] = field(default_factory=dict)
    _consents: ConsentsInEffect = field(default_factory=ConsentsInEffect)

    @property
    def counts(self) -> LineCounts:
        """The counts of the lines so far."""
        return self.report.counts

    def run(self, path: Path, file: InputFile) -> list[LinePreview]:
        """Read one file and return its first lines."""
        first: list[LinePreview] = []
        for line in file.lines():
            preview = self._preview(line)
            if preview.problem is not None:
                preview = replace(preview, problem=located(preview.problem, line))
            if len(first) < PREVIEW_LINES:
                first.append(preview)
            if preview.problem is not None:
                self.rejected.append((path, line.line, preview.problem))
                self.report.reject(path, line, preview.problem)
                continue
            for dropped in preview.dropped:
                self.report.drop(path, line.line, dropped)
        self.counts.blank += file.blank
        self.report.flush()
        return first

    def _preview(self, line: RawLine) -> LinePreview:
        """Return what would become of a line, and count it if it would be accepted."""
        record = parse_record(line.value, self.source)
        self.counts.note(note.value for note in record.notes)
        statement = record.statement
        if isinstance(statement, Problem):
            return LinePreview(line.line, problem=statement)
        if isinstance(statement, Product):
            problem = check_product(statement, self.terms.currencies, self.now)
            self.counts.accepted += line.rows * (problem is None)
            return LinePreview(line.line, "product", statement.source, statement.reported_at, problem=problem)
        kind = _KIND_NAMES[type(statement)]
        observe = command(statement, self.rules, self.terms, self.now)
        if isinstance(observe, Observe):
            observe = self._through_gate(observe)
        if isinstance(observe, Problem):
            return LinePreview(line.line, kind, problem=observe)
        observation, normalized = observe.observation, observe.normalized
        problem = self._count(observe, line.rows)
        return LinePreview(
            line.line,
            kind,
            observation.source,
            observation.seen_at,
            normalized.keys,
            normalized.dropped,
            problem,
        )

    def _through_gate(self, observe: Observe) -> Observe | Problem:
        """Return a command as the gate lets it in; only the decisions of the lines before are known."""
        if not self.rules.consent_purposes:
            return observe
        for observed in (observe, *observe.derived):
            for decision in stated_consents(receipt_of(observed)).values():
                self._consents.add(decision)
        return admitted(observe, unconsented(gated_keys(observe, self.rules), self._consents, self.rules), self.rules)

    def _count(self, observe: Observe, rows: int) -> Problem | None:
        """Count a line if it is accepted, otherwise return its problem; the order is that of `Intake.observe`."""
        rejected = observe.normalized.rejected
        if rejected is not None and rejected.code not in REJECTED_BY_RULES:
            return rejected
        # Hashes take less memory than texts.
        key, digest = hash(observe.key), int(observe.digest[:15], 16)
        earlier = self._digests.get(key)
        if earlier not in (None, digest):
            return Problem("ID_CONFLICT", "an earlier line of the files has this id and other content", ("id",))
        self._digests[key] = digest
        if rejected is None:
            self.counts.duplicates += rows * (earlier is not None)
            self.counts.accepted += rows * (earlier is None)
        return rejected
