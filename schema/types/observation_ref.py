"""The reference to an observation: that by which a fact was reported, and by which it is revoked."""

import strawberry

from graph.domain.access.scopes import OBSERVATION_ID
from schema.shared.required_scopes import requires

OBSERVATION = "The observation that reports it. `revokeObservations` accepts its source and id."
"""The description of every field with the observation of a fact."""


@requires(OBSERVATION_ID)
@strawberry.type(description="A reference to an observation, as `revokeObservations` accepts it.")
class ObservationRef:
    """A reference in GraphQL."""

    source: str = strawberry.field(description="The source of the observation. E.g. `crm`.")
    id: str = strawberry.field(
        description="The id of the observation at its source. A hash of all fields if the source sent no id."
    )
