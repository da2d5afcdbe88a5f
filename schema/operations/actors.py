"""Who makes a decision that a steward is responsible for."""

from graph.domain.model.errors import InvalidInput
from graph.domain.model.validation import check_text
from schema.shared.context import Info


def actor_of(info: Info, actor: str | None, reason: str = "") -> str:
    """Return who acts; raises `InvalidInput` if a text is too long to be stored."""
    name = actor or info.context.viewer.caller
    for problem in (check_text("actor", name, 100), check_text("reason", reason, 1000) if reason else None):
        if problem is not None:
            raise InvalidInput(problem.code, problem.message, problem.path)
    return name
