"""How operations are validated, weighed and stopped."""

import asyncio
import gc
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from graphql import OperationType

from graph.commands.commit import Accepted
from graph.domain.access.policies import Policies
from graph.domain.model.receipts import ObservationStatus
from graph.domain.profile.catalog import Catalog
from graph.viewer_graph import ViewerGraph
from schema.execution.compiled import CompiledExecutor
from schema.execution.documents import (
    DOCUMENT_CACHE_SIZE,
    HIDDEN_ERRORS_MESSAGE,
    MANY_VALUES,
    MAX_MESSAGE_LENGTH,
    Documents,
)
from schema.execution.limits import Limits
from schema.execution.runner import ALL, QUERIES, ExecutionAnswer, GraphQLRequest, OperationRunner, Stage
from schema.root import new_context, schema
from schema.shared.context import Context
from schema.shared.loaders import Loaders
from service.access.authentication import LOCAL
from tests.builders.runs import Run

ORDERS_QUERY = 'query V($n: Int! = 20) { customer(by: {id: "x"}) { orders(first: $n) { nodes { number } } } }'


class Slow:
    """A slow graph that records whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    rules: Any = None
    policies = Policies()

    async def customers(self, *_: object) -> list[None]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.stopped = True
            raise
        return [None]


class EmptyGraph:
    """A graph without customers."""

    rules: Any = None
    catalog = Catalog()
    policies = Policies()

    async def customers(self, *_: object) -> list[None]:
        return [None]

    async def link(self, statements: Sequence[object], *_: object) -> list[Accepted]:
        return [Accepted("crm", "1", "email=a", "", ObservationStatus.VALID, False, (), (), ()) for _ in statements]


def ask(run: Run, text: str, limits: Limits | None = None, graph: Any = None, **options: Any) -> ExecutionAnswer:
    runner = OperationRunner(schema, limits or Limits())
    context = new_context(ViewerGraph(graph or EmptyGraph(), LOCAL))
    request = GraphQLRequest(text, options.pop("variables", {}), **options)
    return run(runner.run(request, context, ALL))


def message(answer: ExecutionAnswer) -> str:
    assert answer.errors
    return answer.errors[0].message


@pytest.mark.parametrize(
    ("text", "limits", "expected"),
    [
        (ORDERS_QUERY, Limits(depth=3), "4 levels of fields; 3 are allowed"),
        ("{ a: __typename b: __typename c: __typename }", Limits(aliases=2), "3 aliases and repeated fields; 2"),
        ("{ __typename __typename __typename }", Limits(aliases=1), "2 aliases and repeated fields; 1"),
        ("{ __typename " + "@skip(if: true) " * 4 + "}", Limits(directives=3), "4 directives; 3"),
        ("{ " + "__typename " * 30 + "}", Limits(tokens=20), "more than 20 tokens; 20 are allowed"),
        ("{ __typename }" + " " * 200, Limits(length=100), "214 characters; 100 are allowed"),
        ("{ __typename id known }", Limits(fields=2), "3 fields in its operations and fragments; 2"),
        (ORDERS_QUERY, Limits(cost=21), "may cost 22; 21 is allowed"),
        (ORDERS_QUERY, Limits(page=10), "first is 20; pages of up to 10 are allowed"),
        ("{ __schema { queryType { name } } }", Limits(introspection=False), "introspection is disabled"),
        ("{ _service { sdl } }", Limits(federation=False), "federation is disabled"),
        ("query A { __typename } query B { __typename }", Limits(), "operationName must name one"),
        ("fragment A on Query { __typename }", Limits(), "never used"),
        ("{" * 3000, Limits(tokens=10_000), ""),
    ],
)
def test_a_document_over_a_limit_is_rejected_and_not_run(run: Run, text: str, limits: Limits, expected: str) -> None:
    answer = ask(run, text, limits, graph=object())
    assert not answer.executed
    assert answer.data is None
    assert expected in message(answer)


def test_limits_apply_to_sizes_in_variables(run: Run) -> None:
    runner = OperationRunner(schema, Limits(cost=50, page=60))
    context = new_context(ViewerGraph(EmptyGraph(), LOCAL))
    for size, stage in ((5, Stage.EXECUTION), (48, Stage.EXECUTION), (49, Stage.VALIDATION), (5, Stage.EXECUTION)):
        assert run(runner.run(GraphQLRequest(ORDERS_QUERY, {"n": size}), context, ALL)).stage is stage


def test_variables_over_a_limit_are_rejected_before_they_are_coerced(run: Run) -> None:
    batch = "mutation($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { __typename } }"
    for text, variables, limits, expected in (
        (batch, {"i": {"observations": [{}] * 2_001}}, Limits(), "a batch has 2001 items; 1000 are allowed"),
        (batch, {"i": {"observations": [{"x": [1] * 100}]}}, Limits(values=100), "more than 100 values"),
        (ORDERS_QUERY, {str(number): number for number in range(101)}, Limits(values=100), "more than 100 values"),
    ):
        answer = ask(run, text, limits, graph=object(), variables=variables)
        assert answer.stage is Stage.VALIDATION
        assert expected in message(answer)
        assert answer.errors[0].extensions == {"code": "QUERY_TOO_COMPLEX"}


def test_messages_about_documents_and_variables_are_short(run: Run) -> None:
    for text in ("{ " + "x" * 50_000 + " }", "{ __typename @" + "x" * 50_000 + " }"):
        assert len(message(ask(run, text))) <= MAX_MESSAGE_LENGTH + 1
    text = "query($k: [FindingKind!]) { graphHealth(kinds: $k) { __typename } }"
    answer = ask(run, text, variables={"k": ["x" * 50_000]})
    assert not answer.executed
    assert len(message(answer)) == MAX_MESSAGE_LENGTH + 1


def test_operations_with_many_values_are_compiled_from_their_first_run() -> None:
    documents = Documents(schema._schema, Limits())
    text = "mutation($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { __typename } }"
    operation = documents.get(text).operations[""]
    assert documents.plans(operation, {"i": {"observations": [{}]}}) is None
    other = documents.get(f"# another\n{text}").operations[""]
    assert documents.plans(other, {"i": {"observations": [{}] * (MANY_VALUES + 1)}}) is not None


def test_the_cost_is_returned_on_request(run: Run) -> None:
    answer = ask(run, ORDERS_QUERY, variables={"n": 8}, include_cost=True)
    assert answer.extensions == {"cost": {"requested": 10, "limit": 50_000, "left": 49_990}}
    assert ask(run, ORDERS_QUERY).extensions is None


def test_an_operation_over_its_time_limit_is_stopped(run: Run) -> None:
    graph = Slow()
    answer = ask(run, ORDERS_QUERY, Limits(seconds=0.05), graph)
    assert answer.stage is Stage.TIME
    assert "took longer than 0.05 s" in message(answer)
    assert graph.stopped


def test_only_allowed_operation_types_are_run(run: Run) -> None:
    runner = OperationRunner(schema, Limits())
    for text, allowed in (
        ("mutation { __typename }", QUERIES),
        ("subscription { changes { id } }", ALL - {OperationType.SUBSCRIPTION}),
    ):
        answer = run(runner.run(GraphQLRequest(text, {}), new_context(ViewerGraph(EmptyGraph(), LOCAL)), allowed))
        assert answer.stage is Stage.METHOD


def test_errors_reveal_the_schema_only_if_details_are_enabled(run: Run) -> None:
    assert "Did you mean" in message(ask(run, "{ custmer { id } }"))
    hidden = Limits(details=False)
    for text, variables in (
        ("{ custmer { id } }", {}),
        ('{ customer(bi: {id: "x"}) { id } }', {}),
        ("query($b: CustomerBy!) { customer(by: $b) { id } }", {"b": {"idd": "x"}}),
        ('{ customer(by: {idd: "x"}) { id } }', {}),
        ('{ node(id: "x") { ... on Custome { id } } }', {}),
    ):
        reported = message(ask(run, text, hidden, variables=variables))
        assert "mean" not in reported
        assert variables or reported == HIDDEN_ERRORS_MESSAGE


def test_valid_documents_are_cached_and_invalid_ones_are_not() -> None:
    documents = Documents(schema._schema, Limits())
    valid, invalid = documents.get("{ __typename }"), documents.get("{ nope }")
    assert documents.get("{ __typename }") is valid
    assert documents.get("{ nope }") is not invalid
    for number in range(DOCUMENT_CACHE_SIZE):
        documents.get(f"query Q{number} {{ __typename }}")
    assert documents.get("{ __typename }") is not valid
    long = "{ __typename }" + " " * 30_000
    assert documents.get(long) is not documents.get(long)


@pytest.mark.parametrize(
    "text", [ORDERS_QUERY, "mutation M($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { __typename } }"]
)
def test_the_objects_of_a_request_are_freed_with_its_answer(run: Run, text: str) -> None:
    """They are not in a reference cycle, so that the garbage collector, which stops all threads, is not needed."""
    # given: a service that has cached the document
    runner = OperationRunner(schema, Limits())
    observations = [{"source": "crm", "identifiers": [{"namespace": "email", "value": "ann@example.org"}]}]

    async def once() -> ExecutionAnswer:
        request = GraphQLRequest(text, {"i": {"observations": observations}})
        return await runner.run(request, new_context(ViewerGraph(EmptyGraph(), LOCAL)), ALL)  # type: ignore[arg-type]

    def live_objects() -> Counter[type]:
        return Counter(type(item) for item in gc.get_objects() if type(item) in (Context, Loaders, CompiledExecutor))

    async def count_before_and_after() -> tuple[Counter[type], Counter[type]]:
        for _ in range(3):
            assert (await once()).executed
        gc.collect()
        before = live_objects()
        # when: it runs once more without garbage collection
        gc.disable()
        try:
            await once()
            return before, live_objects()
        finally:
            gc.enable()

    before, after = run(count_before_and_after())
    # then: no object of it is left
    assert after == before


class FailingVariables(dict[str, Any]):
    """Variables that cannot be read."""

    def get(self, *_: object) -> None:
        raise ConnectionResetError("the variables are gone")


def test_a_failure_outside_of_fields_is_an_error_of_the_operation(run: Run) -> None:
    # given
    request = GraphQLRequest(ORDERS_QUERY, FailingVariables())
    runner, context = OperationRunner(schema, Limits()), new_context(ViewerGraph(EmptyGraph(), LOCAL))

    async def streamed() -> list[ExecutionAnswer]:
        return [answer async for answer in runner.stream(request, context, ALL)]

    # when
    answers = [run(runner.run(request, context, ALL)), *run(streamed())]
    # then each of them ends with one error
    assert len(answers) == 2
    for answer in answers:
        assert (answer.stage, answer.data) == (Stage.EXECUTION, None)
        (error,) = answer.errors or ()
        assert isinstance(error.original_error, ConnectionResetError)
