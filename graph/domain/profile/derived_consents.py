"""Consent decisions that follow from interactions: who unsubscribes in an email has withdrawn consent for that address.

attributes.toml declares which types of interactions are decisions, on which purposes and for which channel.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from graph.domain.profile.consents import EVERY_CHANNEL, ConsentMethod, ConsentStatement, Decision
from graph.domain.profile.interactions import InteractionStatement


class ConsentFromInteraction(Struct, frozen=True, gc=False):
    """An interaction of this type is a decision on each of the purposes, for a channel or for `EVERY_CHANNEL`."""

    type: str
    channel: str
    decision: Decision
    purposes: tuple[str, ...]


_TYPES = ("unsubscribed", "email_complained")
_PURPOSES = ("newsletter", "personalized_offers")


def default_consents_from_interactions(
    purposes: Collection[str], channels: Collection[str]
) -> tuple[ConsentFromInteraction, ...]:
    """The decisions from interactions without a declaration.

    They are about those of `newsletter` and `personalized_offers` that are declared. If neither is, they are about all
    purposes: a withdrawal for too much does less harm than one that is lost.
    """
    if "EMAIL" not in channels:
        return ()
    chosen = tuple(purpose for purpose in _PURPOSES if purpose in purposes) or tuple(purposes)
    return tuple(ConsentFromInteraction(type, "EMAIL", Decision.WITHDRAWN, chosen) for type in _TYPES)


def derived_decisions(
    statement: InteractionStatement,
    id: str,
    declared: Iterable[ConsentFromInteraction],
    addresses: Mapping[str, frozenset[str]],
) -> list[ConsentStatement]:
    """The decisions that follow from an interaction with an id, for those of its identifiers that are addresses.

    `declared` are those of its type, `addresses` the namespaces of the addresses of each channel and `EVERY_CHANNEL`.
    """
    decisions: list[ConsentStatement] = []
    interaction = statement.interaction
    for rule in declared:
        identifiers = tuple(pair for pair in statement.identifiers if pair[0] in addresses[rule.channel])
        if not identifiers:
            continue
        decisions += [
            ConsentStatement(
                interaction.source,
                identifiers,
                purpose,
                rule.decision,
                rule.channel,
                id=derived_id(id, purpose),
                party=statement.party,
                decided_at=interaction.occurred_at,
                method=ConsentMethod.INTERACTION,
            )
            for purpose in rule.purposes
        ]
    return decisions


def derived_id(id: str, purpose: str) -> str:
    """The id of the decision on a purpose that follows from the interaction with an id."""
    return f"{id}:consent:{purpose}"


def addresses_by_channel(channels: Mapping[str, Iterable[str]]) -> Mapping[str, frozenset[str]]:
    """The namespaces of the addresses of each channel; all of them are addresses of `EVERY_CHANNEL`."""
    by_channel = {name: frozenset(namespaces) for name, namespaces in channels.items()}
    return {**by_channel, EVERY_CHANNEL: frozenset().union(*by_channel.values())}
