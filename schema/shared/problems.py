"""Expected failures as data."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from graph.domain.model.errors import Problem as DomainProblem
from schema.shared.problem_codes import ProblemCode


@strawberry.type(description="What is wrong with a request or one item of it.")
class Problem:
    """A problem in GraphQL."""

    code: str = strawberry.field(graphql_type=ProblemCode, description="Stable, for programs.")
    message: str = strawberry.field(description="For people: names the field and the value.")
    path: JSON = strawberry.field(description="The way to the field inside the item: names and positions.")

    @classmethod
    def of(cls, problem: DomainProblem) -> "Problem":
        """From the domain's value."""
        code: Any = ProblemCode[problem.code]
        return cls(code=code, message=problem.message, path=JSON(list(problem.path)))


@strawberry.type(description="An item that was not taken in. All other items of the request stand.")
class Refused:
    """A refusal in GraphQL."""

    problem: Problem = strawberry.field(description="Why.")
