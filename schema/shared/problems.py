"""Expected failures as data."""

from typing import Any

import strawberry

from graph.domain.access.scopes import ANY
from graph.domain.model.errors import Problem as DomainProblem
from schema.shared.problem_codes import ProblemCode
from schema.shared.required_scopes import requires


@requires(ANY)
@strawberry.type(description="A problem of a request or of one of its items.")
class Problem:
    """A problem in GraphQL."""

    code: str = strawberry.field(graphql_type=ProblemCode, description="The problem, for programs. Codes are stable.")
    message: str = strawberry.field(
        description="The problem, for people. E.g. `currency 'EURO' is not an ISO 4217 code such as EUR`."
    )
    path: list[str] = strawberry.field(
        description="The path to the invalid field within the item; list positions start at `0`. E.g. "
        '`["identifiers", "0", "namespace"]`.'
    )

    @classmethod
    def of(cls, problem: DomainProblem) -> "Problem":
        """Convert the domain's value."""
        code: Any = ProblemCode[problem.code]
        return cls(code=code, message=problem.message, path=[str(step) for step in problem.path])


@requires(ANY)
@strawberry.type(description="An item that was rejected. The other items of the request are not affected.")
class Rejected:
    """A rejection in GraphQL."""

    problem: Problem = strawberry.field(description="Why the item was rejected.")
