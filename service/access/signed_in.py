"""A caller that has signed in."""

from collections.abc import Callable

from msgspec import Struct

from graph.domain.access.viewer import Viewer


def always() -> bool:
    """Return that a key or token is still valid: it never ends."""
    return True


class SignedIn(Struct, frozen=True):
    """A caller that has signed in. `holds` tells whether its key or token is still valid."""

    viewer: Viewer
    holds: Callable[[], bool] = always
