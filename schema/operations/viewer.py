"""The query of who asks."""

import strawberry

from graph.domain.access.scopes import ANY
from schema.shared.context import Info
from schema.shared.required_scopes import requires
from schema.types.viewer import Viewer


@requires(viewer=ANY)
@strawberry.type
class ViewerQueries:
    """Queries about the caller."""

    @strawberry.field(description="Who sends this request, and what it may see and do.")
    def viewer(self, info: Info) -> Viewer:
        """Return the viewer of the request."""
        viewer: Viewer = info.context.viewer  # type: ignore[assignment]
        return viewer
