"""What is sent of a delivery."""

import hashlib

from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience, Delivery
from graph.domain.model.identifiers import Identifier
from graph.identity_graph import IdentityGraph
from service.destinations.adapter import AudienceRef, MemberUpdate


async def audience_refs(graph: IdentityGraph) -> dict[str, AudienceRef]:
    """Return all audiences as destinations see them, by id."""
    names = {segment.id: segment.name for segment in await graph.segments.all()}
    return {
        audience.id: _audience_ref(audience, names, graph.audiences.requires_consent(audience))
        for audience in await graph.audiences.all()
    }


def _audience_ref(audience: Audience, names: dict[str, str], is_consented: bool) -> AudienceRef:
    return AudienceRef(
        audience.id,
        audience.segment,
        names.get(audience.segment, ""),
        audience.external_id,
        audience.purpose,
        audience.channel,
        is_consented,
        tuple(audience.fields),
    )


def update_of(delivery: Delivery, target: Target | None, refs: dict[str, AudienceRef]) -> MemberUpdate:
    """Return what is sent of a delivery; `target` is `None` for a removal, and for what is only asked about."""
    namespace, value = Identifier.from_key(delivery.key)
    audience = refs.get(delivery.audience) or AudienceRef(delivery.audience, "", "")
    # With the time: an address that goes in, out and in again has three states, and two of them are equal.
    # With the erasure: who ignores repeats of a removal still has to delete what it holds.
    place = f"{delivery.audience} {delivery.key} {delivery.wanted} {delivery.changed_at} {delivery.erasure}".rstrip()
    return MemberUpdate(
        "upd_" + hashlib.blake2b(place.encode(), digest_size=16).hexdigest(),
        audience,
        namespace,
        value,
        not delivery.is_removal,
        {} if target is None else target.fields,
        delivery.customer,
        None if target is None else target.expires_at,
        bool(delivery.erasure),
        delivery.reference,
        delivery.changed_at,
    )
