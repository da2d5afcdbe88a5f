"""The viewer in GraphQL: who asks, and what it may do."""

from typing import Annotated

import strawberry

from graph.domain.access.scopes import ANY, DESCRIPTIONS
from graph.domain.access.viewer import Viewer as DomainViewer
from graph.domain.model.errors import InvalidInput
from schema.execution.access import coordinates
from schema.shared.context import Info
from schema.shared.derived_fields import Derived
from schema.shared.reach import Reach
from schema.shared.required_scopes import requires

SHOWN_LENGTH = 100
"""Number of characters of an unknown action that an error shows."""

derived = Derived[DomainViewer]()


@requires(ANY)
@strawberry.type(description="Who sends the request, and what it may see and do.")
class Viewer:
    """A viewer in GraphQL; its values are the domain's viewers."""

    name: str = derived(lambda viewer: viewer.caller, "The name of the key, or of the client and user of the token.")
    role: str = strawberry.field(description="The role. E.g. `steward`.")
    scopes: list[str] = derived(
        lambda viewer: sorted(viewer.scopes),
        "The scopes that the caller holds, sorted. `@requiresScope` states which scope a field requires. "
        "E.g. `customer:read`.",
    )
    reach: Reach = strawberry.field(description="Which customers the caller may see.")
    purposes: list[str] = derived(
        lambda viewer: list(viewer.purposes), "The purposes for which the caller may act. E.g. `checkout`."
    )
    purpose: str | None = derived(
        lambda viewer: viewer.purpose or None, "The purpose of this request. Null if it has none."
    )

    @strawberry.field(
        description="Whether the caller holds a scope, or that of a field. To select a field, a caller must hold the "
        "scopes of all fields that lead to it."
    )
    def may(
        self: DomainViewer,
        info: Info,
        action: Annotated[
            str, strawberry.argument(description="A scope or a field. E.g. `override:write` or `Mutation.keepApart`.")
        ],
    ) -> bool:
        """Return whether the viewer may do something; raises `InvalidInput` if there is no such scope or field."""
        scope = action if action in DESCRIPTIONS else coordinates(info.schema._schema).get(action)
        if scope is None:
            shown = action if len(action) <= SHOWN_LENGTH else f"{action[:SHOWN_LENGTH]}…"
            raise InvalidInput(
                "UNKNOWN_ACTION", f"action: {shown!r} is neither a scope nor a field such as Mutation.keepApart"
            )
        return self.may(scope)
