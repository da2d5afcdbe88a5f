"""Who makes a decision, and why: the caller always, beside the person that it names."""

from graph.domain.access.roles import DEVELOPER, ROLES
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput
from graph.domain.model.validation import check_text

MAX_NAME_LENGTH = 100
"""Characters of the name of a person that a caller names."""
MAX_ACTOR_LENGTH = 500
"""Characters of a recorded actor: callers with tokens have long names, made of issuer, client and subject."""
MAX_REASON_LENGTH = 1_000
LOCAL_CALLER = "local"
"""The caller of a service without keys."""
_VIA = " via "


def acting(viewer: Viewer, named: str) -> str:
    """Return who acts: the caller, or the person that it names and the caller.

    A service without keys knows no callers, so there the named person acts. Raises `InvalidInput` if the name is too
    long to be stored, or is not one printable line.
    """
    if problem := check_text("actor", named, MAX_NAME_LENGTH) if named else None:
        raise InvalidInput(problem.code, problem.message, problem.path)
    if not named.isprintable():
        # A line break or a mark of direction would hide the name of the caller, which follows.
        message = f"actor contains a character that is not printable: {ascii(named)[:80]}"
        raise InvalidInput("INVALID_CHARACTER", message, ("actor",))
    if not named or named == viewer.caller:
        actor = viewer.caller
    elif viewer.caller == LOCAL_CALLER and viewer.role == DEVELOPER.name:
        actor = named
    else:
        actor = f"{named}{_VIA}{viewer.caller}"
    if len(actor) > MAX_ACTOR_LENGTH:
        message = f"actor with the name of the caller has {len(actor)} characters; {MAX_ACTOR_LENGTH} are allowed"
        raise InvalidInput("INVALID_LENGTH", message, ("actor",))
    return actor


def check_reason(viewer: Viewer, reason: str) -> None:
    """Raise `InvalidInput` if a reason is too long to be stored, or is missing and the viewer's role requires one."""
    role = ROLES.get(viewer.role)
    if not reason.strip():
        if role is not None and role.needs_reason:
            message = f"reason is empty; the role {role.name} must state why"
            raise InvalidInput("REASON_REQUIRED", message, ("reason",))
    elif problem := check_text("reason", reason, MAX_REASON_LENGTH):
        raise InvalidInput(problem.code, problem.message, problem.path)
