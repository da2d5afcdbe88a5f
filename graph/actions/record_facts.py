"""Take in facts about people: attributes and decisions on consent. Each report is an observation of its identifiers."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from graph.actions.batch import check_count, run_batch
from graph.actions.commit import Answer
from graph.actions.group_commit import GroupCommit
from graph.domain.errors import Problem
from graph.domain.intake import Command, prepare
from graph.domain.observations import Observation, check, check_time
from graph.domain.rules import Rules


class Statement(Protocol):
    """A report that is an observation."""

    def observation(self) -> Observation:
        """The observation."""
        ...


T = TypeVar("T", bound=Statement)


async def record_facts(
    writer: GroupCommit,
    rules: Rules,
    name: str,
    time: str,
    statements: Sequence[T | Problem],
    wrong: Callable[[T], Problem | None],
    now: int,
) -> list[Answer]:
    """Store 1 to 1,000 statements; an entry that could not even be read is a `Problem`.

    In messages the statements are called `name`, and the time of one `time`.
    """
    check_count(name, statements)

    def command(statement: T | Problem) -> Command | Problem:
        if isinstance(statement, Problem):
            return statement
        if problem := wrong(statement):
            return problem
        observation = statement.observation()
        late = check_time(time, observation.seen_at, now)
        return late or check(observation, now) or prepare(observation, rules, now)

    return await run_batch(writer, statements, command)
