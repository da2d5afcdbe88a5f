"""A caller that has signed in."""

from collections.abc import Callable

from msgspec import Struct

from graph.domain.access.viewer import Viewer, always_valid


class SignedIn(Struct, frozen=True):
    """A caller that has signed in. `holds` returns whether its key or token is still valid.

    `scopes_with_reason` are added to a request that states a reason.
    """

    viewer: Viewer
    holds: Callable[[], bool] = always_valid
    scopes_with_reason: frozenset[str] = frozenset()
