"""How operations are looked through, weighed and stopped."""

import asyncio
import gc
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from graphql import OperationType

from graph.commands.commit import Accepted
from graph.domain.model.receipts import Standing
from schema.execution.compiled import CompiledExecutor
from schema.execution.documents import KEPT, UNTOLD, Documents
from schema.execution.limits import Limits
from schema.execution.runner import ALL, QUERIES, Answer, Asked, Operations, Stage
from schema.root import new_context, schema
from schema.shared.context import Caller, Context
from schema.shared.loaders import Loaders
from tests.builders.runs import Run

VIEW = 'query V($n: Int! = 20) { customer(by: {id: "x"}) { orders(first: $n) { nodes { number } } } }'


class Slow:
    """A graph that takes its time, and knows whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    rules: Any = None

    async def customers(self, *_: object) -> list[None]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.stopped = True
            raise
        return [None]


class Nobody:
    """A graph that knows no one."""

    rules: Any = None

    async def customers(self, *_: object) -> list[None]:
        return [None]

    async def link(self, statements: Sequence[object]) -> list[Accepted]:
        return [Accepted("crm", "1", "email=a", "", Standing.VALID, False, (), (), ()) for _ in statements]


def ask(run: Run, text: str, limits: Limits | None = None, graph: Any = None, **asked: Any) -> Answer:
    operations = Operations(schema, limits or Limits())
    context = new_context(graph or Nobody(), Caller("test"))
    request = Asked(text, asked.pop("variables", {}), **asked)
    return run(operations.run(request, context, ALL))


def message(answer: Answer) -> str:
    assert answer.errors
    return answer.errors[0].message


@pytest.mark.parametrize(
    ("text", "limits", "told"),
    [
        (VIEW, Limits(depth=3), "4 levels of fields; 3 are allowed"),
        ("{ a: __typename b: __typename c: __typename }", Limits(aliases=2), "3 aliases and repeated fields; 2"),
        ("{ __typename __typename __typename }", Limits(aliases=1), "2 aliases and repeated fields; 1"),
        ("{ __typename " + "@skip(if: true) " * 4 + "}", Limits(directives=3), "4 directives; 3"),
        ("{ " + "__typename " * 30 + "}", Limits(tokens=20), "more than 20"),
        (VIEW, Limits(cost=21), "may cost 22; 21 is allowed"),
        (VIEW, Limits(page=10), "first is 20; pages of up to 10 are allowed here"),
        ("{ __schema { queryType { name } } }", Limits(introspection=False), "introspection is switched off"),
        ("{ _service { sdl } }", Limits(federation=False), "federation is switched off"),
        ("query A { __typename } query B { __typename }", Limits(), "operationName must name one"),
        ("fragment A on Query { __typename }", Limits(), "never used"),
        ("{" * 3000, Limits(tokens=10_000), ""),
    ],
)
def test_what_is_over_a_limit_is_told_and_not_run(run: Run, text: str, limits: Limits, told: str) -> None:
    answer = ask(run, text, limits, graph=object())
    assert not answer.executed
    assert answer.data is None
    assert told in message(answer)


def test_limits_hold_for_what_variables_ask_for(run: Run) -> None:
    operations = Operations(schema, Limits(cost=50, page=60))
    context = new_context(Nobody(), Caller("test"))
    for size, stage in ((5, Stage.EXECUTION), (48, Stage.EXECUTION), (49, Stage.VALIDATION), (5, Stage.EXECUTION)):
        assert run(operations.run(Asked(VIEW, {"n": size}), context, ALL)).stage is stage


def test_the_cost_is_told_to_those_who_ask(run: Run) -> None:
    told = ask(run, VIEW, variables={"n": 8}, tell_cost=True)
    assert told.extensions == {"cost": {"requested": 10, "limit": 50_000, "left": 49_990}}
    assert ask(run, VIEW).extensions is None


def test_an_operation_out_of_time_is_stopped(run: Run) -> None:
    graph = Slow()
    answer = ask(run, VIEW, Limits(seconds=0.05), graph)
    assert answer.stage is Stage.TIME
    assert "took longer than 0.05 s" in message(answer)
    assert graph.stopped


def test_only_what_is_allowed_this_way_is_run(run: Run) -> None:
    operations = Operations(schema, Limits())
    for text, allowed in (
        ("mutation { __typename }", QUERIES),
        ("subscription { changes { id } }", ALL - {OperationType.SUBSCRIPTION}),
    ):
        answer = run(operations.run(Asked(text, {}), new_context(Nobody(), Caller("test")), allowed))
        assert answer.stage is Stage.METHOD


def test_what_does_not_fit_is_told_only_where_that_is_wanted(run: Run) -> None:
    assert "Did you mean" in message(ask(run, "{ custmer { id } }"))
    hidden = Limits(details=False)
    for text, variables in (
        ("{ custmer { id } }", {}),
        ('{ customer(bi: {id: "x"}) { id } }', {}),
        ("query($b: CustomerBy!) { customer(by: $b) { id } }", {"b": {"idd": "x"}}),
        ('{ customer(by: {idd: "x"}) { id } }', {}),
        ('{ node(id: "x") { ... on Custome { id } } }', {}),
    ):
        told = message(ask(run, text, hidden, variables=variables))
        assert "mean" not in told
        assert variables or told == UNTOLD


def test_good_documents_are_kept_and_bad_ones_are_not() -> None:
    documents = Documents(schema._schema, Limits())
    good, bad = documents.get("{ __typename }"), documents.get("{ nope }")
    assert documents.get("{ __typename }") is good
    assert documents.get("{ nope }") is not bad
    for number in range(KEPT):
        documents.get(f"query Q{number} {{ __typename }}")
    assert documents.get("{ __typename }") is not good
    long = "{ __typename }" + " " * 30_000
    assert documents.get(long) is not documents.get(long)


@pytest.mark.parametrize(
    "text", [VIEW, "mutation M($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { __typename } }"]
)
def test_what_a_request_held_goes_with_its_answer(run: Run, text: str) -> None:
    """Nothing of it is in a circle, so that Python need not look for circles, which stops everybody."""
    # Given a service that knows the document already
    operations = Operations(schema, Limits())
    seen = [{"source": "crm", "identifiers": [{"namespace": "email", "value": "ann@example.org"}]}]

    async def once() -> Answer:
        asked = Asked(text, {"i": {"observations": seen}})
        return await operations.run(asked, new_context(Nobody(), Caller("test")), ALL)  # type: ignore[arg-type]

    def held() -> Counter[type]:
        return Counter(type(one) for one in gc.get_objects() if type(one) in (Context, Loaders, CompiledExecutor))

    async def then() -> tuple[Counter[type], Counter[type]]:
        for _ in range(3):
            assert (await once()).executed
        gc.collect()
        before = held()
        # When it is asked once more, and Python looks for no circles
        gc.disable()
        try:
            await once()
            return before, held()
        finally:
            gc.enable()

    before, after = run(then())
    # Then nothing more is left of it
    assert after == before
