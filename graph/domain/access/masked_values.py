"""What a viewer is shown of the values of the graph: the same values, with masks for what it may not read.

Values are masked at the one place where they leave the graph (`graph.viewer_graph`), so no type of the schema has to
know. Sentences are made again of their masked parts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, wraps
from typing import Any, TypeVar

from msgspec.structs import replace

from graph.domain.access.masking import Masked, mask_attribute, mask_in_text, mask_in_values, mask_key
from graph.domain.access.policies import WithheldValues
from graph.domain.access.scopes import MEMBERSHIP_READ, PROFILE_UNMASKED
from graph.domain.access.viewer import Viewer
from graph.domain.model.changes import SEGMENT_CHANGES, Change, Entry, reason_of
from graph.domain.model.facts import Fact, FactKind
from graph.domain.model.identifiers import MASK, Identifier, namespace_of
from graph.domain.model.json_text import compact, parse_stored, readable
from graph.domain.model.links import Link, LinkReason
from graph.domain.model.overrides import Override
from graph.domain.model.restrictions import Restriction
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.sentences import FREE_TEXTS, IDENTIFIERS, VALUES, MessageCode, Parameter, Sentence, sentence_of
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.profile.attributes import ProfileAttribute, ReportedValue
from graph.domain.profile.catalog import AttributeDefinition, AttributeType, Catalog
from graph.domain.profile.pages import (
    CustomerView,
    EmailEventPage,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    LinkPage,
    Match,
    MatchPage,
    Page,
    TimelinePage,
)
from graph.domain.profile.search import SearchMatch, SearchResult
from graph.domain.profile.timeline import TimelineEntry
from graph.domain.resolution.chains import EvidenceChain, EvidenceStep
from graph.domain.resolution.contradictions import CarriedValue, Contradiction, in_words
from graph.domain.resolution.explanation import Explanation
from graph.domain.resolution.health import Finding, contradicting
from graph.domain.resolution.obstacles import Obstacle, seen_together_but

T = TypeVar("T")


def _if_hidden(shown: Callable[["Masks", T], T]) -> Callable[["Masks", T], T]:
    """Decorate a method that masks a value: a viewer from which nothing is hidden is shown it as it is."""

    @wraps(shown)
    def run(self: "Masks", value: T) -> T:
        return shown(self, value) if self.hides_anything else value

    return run


class Masks:
    """The masks of one viewer. `presented` are the keys that it sent in this request: it is shown these as they are.

    `withheld` says what the viewer is shown nothing of for lack of consent, though its scopes allow it.
    """

    def __init__(
        self,
        viewer: Viewer,
        rules: Rules,
        catalog: Catalog,
        presented: Collection[str] = (),
        withheld: WithheldValues | None = None,
    ) -> None:
        self.hides_contacts = not viewer.sees_contacts
        self._withheld = withheld
        self._hides_profile = not viewer.may(PROFILE_UNMASKED)
        self._sees_segments = viewer.may(MEMBERSHIP_READ)
        self._catalog, self._presented = catalog, presented
        self._rules = rules
        self._keys: dict[str, str] = {}
        self._masks_texts = self.hides_contacts or (withheld is not None and withheld.hides_texts)
        self.hides_anything = self.hides_contacts or self._hides_profile or withheld is not None
        """Whether the viewer is shown anything masked."""

    @cached_property
    def _namespaces(self) -> frozenset[str]:
        """The namespaces whose values are masked. Found only when they are needed: most viewers see all values."""
        return frozenset(self._rules.names) - {ORDER_NAMESPACE}

    # --- values

    def key(self, key: str) -> str:
        """Return a key as the viewer is shown it."""
        if not self.hides_anything or not key or isinstance(key, Masked) or key in self._presented or MASK in key:
            return key
        if (shown := self._keys.get(key)) is None:
            shown = self._keys[key] = self._mask_of(key)
        return shown

    def _mask_of(self, key: str) -> str:
        namespace = namespace_of(key)
        if self._withheld is not None and self._withheld.hides_key(key):
            return Masked(f"{namespace}={MASK}", key)
        is_shown = not self.hides_contacts or namespace == ORDER_NAMESPACE
        return key if is_shown else Masked(mask_key(key), key)

    def text(self, text: str) -> str:
        """Return a text that people wrote."""
        return mask_in_text(text, self._namespaces) if self._masks_texts and text else text

    def attribute(self, name: str, value: Any) -> Any:
        """Return a value of an attribute; the name of a part of an address is `address.city`."""
        attribute, _, part = name.partition(".")
        definition = self._catalog.attributes.get(attribute)
        if self._withheld is not None and self._withheld.hides_attribute(attribute):
            return MASK
        if self._hides_profile:
            return MASK if definition is None else mask_attribute(definition, value, part)
        return self._contacts_in(definition, value)

    def _contacts_in(self, definition: AttributeDefinition | None, value: Any) -> Any:
        """Return a value of an attribute, which may contain an address although it is a name or a note."""
        is_text = definition is None or definition.type is AttributeType.TEXT
        return self.text(value) if is_text and isinstance(value, str) else value

    # --- sentences

    def sentence(self, sentence: Sentence) -> Sentence:
        """Return a sentence of masked parts."""
        attribute = str(sentence.parameters.get("attribute", ""))
        return Sentence(
            sentence.code,
            **{name: self._parameter(name, value, attribute) for name, value in sentence.parameters.items()},
        )

    def _parameter(self, name: str, value: Parameter, attribute: str) -> Parameter:
        if isinstance(value, Sentence):
            return self.sentence(value)
        if not isinstance(value, str):
            return value
        if name in IDENTIFIERS:
            return self.key(value)
        if name == "reason":
            return self.stored_text(value)
        if name in VALUES:
            return str(self.attribute(attribute, value))
        return self.text(value) if name in FREE_TEXTS else value

    def stored_text(self, text: str) -> str:
        """Return a text of a store that Kith made; one that no template makes is replaced."""
        sentence = sentence_of(text)
        return Sentence(MessageCode.MASKED_TEXT) if sentence is None else self.sentence(sentence)

    # --- links, decisions and changes

    @_if_hidden
    def link(self, link: Link) -> Link:
        """Return a link."""
        reason = link.reason and LinkReason(link.reason.code, self.stored_text(link.reason.message))
        return replace(link, a=self.key(link.a), b=self.key(link.b), reason=reason)

    @_if_hidden
    def override(self, override: Override) -> Override:
        """Return a steward's decision."""
        return replace(override, a=self.key(override.a), b=self.key(override.b), reason=self.text(override.reason))

    @_if_hidden
    def change(self, change: Change) -> Change:
        """Return a change."""
        return replace(
            change,
            keys=tuple(map(self.key, change.keys)),
            anchors=tuple(map(self.key, change.anchors)),
            reason=self._reason_of(change),
        )

    def _reason_of(self, change: Change) -> str:
        if change.kind in SEGMENT_CHANGES:
            return change.reason if self._sees_segments else MASK
        return self.sentence(reason_of(change, MessageCode.MASKED_TEXT))

    @_if_hidden
    def entry(self, entry: Entry) -> Entry:
        """Return an entry of the history."""
        return replace(entry, change=self.change(entry.change))

    @_if_hidden
    def source_revocation(self, revocation: SourceRevocation) -> SourceRevocation:
        """Return the revocation of a source."""
        return replace(revocation, reason=self.text(revocation.reason))

    @_if_hidden
    def restriction(self, restriction: Restriction) -> Restriction:
        """Return a restriction."""
        return replace(restriction, keys=tuple(map(self.key, restriction.keys)), reason=self.text(restriction.reason))

    # --- explanations

    @_if_hidden
    def explanation(self, explanation: Explanation) -> Explanation:
        """Return an explanation."""
        return Explanation(
            explanation.same_customer,
            self.key(explanation.a),
            self.key(explanation.b),
            tuple(map(self._chain, explanation.chains)),
            tuple(map(self._obstacle, explanation.obstacles)),
            tuple(map(self._contradiction, explanation.contradictions)),
        )

    def _chain(self, chain: EvidenceChain) -> EvidenceChain:
        return replace(chain, steps=tuple(map(self._step, chain.steps)))

    def _step(self, step: EvidenceStep) -> EvidenceStep:
        return EvidenceStep(
            self.key(step.start),
            self.key(step.end),
            None if step.link is None else self.link(step.link),
            None if step.override is None else self.override(step.override),
        )

    def _obstacle(self, obstacle: Obstacle) -> Obstacle:
        contradictions = tuple(map(self._contradiction, obstacle.contradictions))
        link = None if obstacle.link is None else self.link(obstacle.link)
        if link is not None and contradictions:
            message = seen_together_but(link, in_words(contradictions))
        else:
            message = self.sentence(obstacle.message)
        return Obstacle(
            obstacle.kind,
            message,
            link,
            self.key(obstacle.key),
            None if obstacle.override is None else self.override(obstacle.override),
            tuple(map(self._chain, obstacle.conflicting_chains)),
            contradictions,
        )

    def _contradiction(self, contradiction: Contradiction) -> Contradiction:
        def carried(value: CarriedValue) -> CarriedValue:
            shown = Masked(str(self.attribute(contradiction.attribute, value.value)), value.value)
            return replace(value, key=self.key(value.key), value=shown)

        return replace(contradiction, a=tuple(map(carried, contradiction.a)), b=tuple(map(carried, contradiction.b)))

    @_if_hidden
    def finding(self, finding: Finding) -> Finding:
        """Return a finding about the health of the graph. Its position stays that of its unmasked values."""
        contradictions = tuple(map(self._contradiction, finding.contradictions))
        message = contradicting(contradictions) if contradictions else self.sentence(finding.message)
        return replace(
            finding,
            message=message,
            suggestion=self.sentence(finding.suggestion),
            key=self.key(finding.key),
            link=None if finding.link is None else self.link(finding.link),
            suggested_apart=tuple(map(self.key, finding.suggested_apart)),
            contradictions=contradictions,
            unmasked_message=finding.message,
        )

    # --- customers

    @_if_hidden
    def view(self, view: CustomerView) -> CustomerView:
        """Return a view of a customer. What is calculated from it is what follows from the values."""
        pages = {
            request: page if (shown := self._item_of(type(request), request)) is None else _mapped(shown, page)
            for request, page in view.pages.items()
        }
        return replace(view, pages=pages)

    def _item_of(self, kind: type, request: Any) -> Callable[[Any], Any] | None:
        """Return what masks an item of a page; `None` for pages that show neither values nor texts."""
        if kind is FactPage:
            return self.interaction if request.kind is FactKind.INTERACTION else self._fact
        by_kind: Mapping[type, Callable[[Any], Any]] = {
            IdentifierPage: self._identifier,
            EmailEventPage: lambda event: replace(event, key=self.key(event.key)),
            LinkPage: self.link,
            MatchPage: self._match,
            HistoryPage: self.entry,
            TimelinePage: self._timeline_entry,
        }
        return by_kind.get(kind)

    def _identifier(self, view: IdentifierView) -> IdentifierView:
        return replace(view, identifier=Identifier.from_key(self.key(view.identifier.key)))

    def _match(self, match: Match) -> Match:
        return replace(match, link=self.link(match.link))

    def _timeline_entry(self, entry: TimelineEntry) -> TimelineEntry:
        content = entry.content
        if isinstance(content, Entry):
            return replace(entry, content=self.entry(content))
        return replace(entry, content=self.interaction(content)) if isinstance(content, Fact) else entry

    def _fact(self, fact: Fact) -> Fact:
        # The profile is masked once it is chosen: the choice compares values.
        return replace(fact, key=self.key(fact.key))

    @_if_hidden
    def interaction(self, fact: Fact) -> Fact:
        """Return an interaction."""
        facts = fact.facts
        if self._masks_texts and facts:
            facts = compact(readable(mask_in_values(parse_stored(facts), self._namespaces)))
        return replace(fact, key=self.key(fact.key), facts=facts)

    @_if_hidden
    def profile(self, chosen: Mapping[str, ProfileAttribute]) -> Mapping[str, ProfileAttribute]:
        """Return the attributes of a customer."""
        return {
            name: ProfileAttribute(self._reported(name, shown.chosen), self._reported(name, shown.alternatives))
            for name, shown in chosen.items()
        }

    def _reported(self, name: str, values: Sequence[ReportedValue]) -> tuple[ReportedValue, ...]:
        return tuple(replace(reported, value=self.attribute(name, reported.value)) for reported in values)

    @_if_hidden
    def search_result(self, result: SearchResult) -> SearchResult:
        """Return a customer that a search found, with what matches."""
        return replace(result, matches=tuple(dict.fromkeys(map(self._search_match, result.matches))))

    def _search_match(self, match: SearchMatch) -> SearchMatch:
        if match.field in self._namespaces or match.field == ORDER_NAMESPACE:
            return SearchMatch(match.field, str(self.key(f"{match.field}={match.value}").partition("=")[2]))
        if match.field == "text":
            # Of an interaction; who may not read these cannot search them.
            hides = self._withheld is not None and self._withheld.hides_interactions
            return SearchMatch(match.field, MASK if hides else self.text(match.value))
        return SearchMatch(match.field, self.attribute(match.field, match.value))


def _mapped(shown: Callable[[Any], Any], page: Page[Any]) -> Page[Any]:
    return Page([shown(item) for item in page.items], page.has_more)
