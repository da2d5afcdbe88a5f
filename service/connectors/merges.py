"""Merges of another system: it found out that several of its records are one person, and made one of them.

No rule could join what such a system kept apart, as a customer has one `crm_id`. So a merge becomes a *together*
override (docs/internals/resolution-rule.md, step 4) in the name of the source. A steward's *apart* takes precedence.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Party
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Rules
from graph.viewer_graph import ViewerGraph

FIELDS = ("namespace", "kept", "merged")
"""The fields of a merge: the namespace of the ids, that of the record that is left, those of the records in it."""
MAX_MERGED = 1_000


class MergeStatement(Struct, frozen=True):
    """A source's records of one person: the id of the one that is left, and those of the ones merged into it."""

    namespace: str
    kept: str
    merged: tuple[str, ...]


def parse_merge(fields: Mapping[str, Any], party: Party) -> MergeStatement | Problem:
    """Return the merge that a record states, or the problem with it. `party` is that of its source."""
    if party is not Party.FIRST_PARTY:
        message = f"a merge is taken of sources of the first party only; this one is {party.name.lower()}"
        return Problem("PARTY_NOT_ALLOWED", message, ("party",))
    if fields.get("namespace") is None:
        return Problem("INVALID_FIELD", "namespace is required", ("namespace",))
    merged = fields["merged"] if isinstance(fields["merged"], list) else [fields["merged"]]
    if len(merged) > MAX_MERGED:
        return Problem("INVALID_FIELD", f"merged: has {len(merged)} ids; {MAX_MERGED} are allowed", ("merged",))
    for name, value in (("kept", fields["kept"]), *(("merged", one) for one in merged)):
        if isinstance(value, bool) or not isinstance(value, str | int):
            return Problem("INVALID_FIELD", f"{name}: must be an id, a text or a whole number", (name,))
    ids = tuple(dict.fromkeys(str(one) for one in merged))
    return MergeStatement(str(fields["namespace"]), str(fields["kept"]), ids)


def keys_of(merge: MergeStatement, rules: Rules) -> tuple[str, list[str]]:
    """Return the key of the record that is left, and those of the others. Raises `InvalidInput`."""
    kept = rules.key(merge.namespace, merge.kept)
    merged = dict.fromkeys(rules.key(merge.namespace, one) for one in merge.merged)
    return kept, [key for key in merged if key != kept]


async def record_merge(viewer: ViewerGraph, merge: MergeStatement, rules: Rules, title: str) -> Problem | None:
    """Record a merge in the name of a viewer, or return the problem with it. `title` names the system in the reason.

    The same merge sent again changes nothing, also if a steward has removed its override since.
    """
    try:
        kept, others = keys_of(merge, rules)
        await asyncio.gather(
            *(
                viewer.override_pair(
                    OverrideKind.TOGETHER, kept, other, "", f"merged in {title}", _key(viewer, kept, other)
                )
                for other in others
            )
        )
    except InvalidInput as error:
        return Problem(error.code, error.message, error.path)
    return None


def _key(viewer: ViewerGraph, *keys: str) -> IdempotencyKey:
    digest = hashlib.sha256(compact(["merge", *sorted(keys)]).encode()).hexdigest()
    return IdempotencyKey(viewer.viewer.caller, digest, digest)
