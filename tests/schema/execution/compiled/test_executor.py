"""The compiled executor compared with graphql-core's over a schema that fails in every way, for random documents.

`pytest --hypothesis-profile=long` runs 20,000 documents instead of 50, and 100,000 instead of 2,400 through one
runner.
"""

import asyncio
import gc
import random
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from graphql import OperationType, get_operation_ast, parse
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schema.execution.compiled import plans_of
from schema.execution.documents import COMPILED_CACHE_SIZE, DOCUMENT_CACHE_SIZE
from schema.execution.limits import Limits
from schema.execution.runner import ALL, ExecutionAnswer, GraphQLRequest, OperationRunner
from tests.builders.documents import valid_document
from tests.builders.executions import by_graphql_core, by_plans, settle
from tests.builders.unreliable_schema import SCHEMA, Faults

CLIENTS = 50
LONG = settings.get_current_profile_name() == "long"
LIMITS = Limits(depth=99, aliases=10_000, directives=10_000, cost=10**12, tokens=100_000)


async def assert_same(text: str, requests: Sequence[tuple[dict[str, Any], float]], seed: int) -> None:
    """Run a document with variables and rates of faults by both executors, each time by the same plans."""
    document = parse(text)
    operation, plans = get_operation_ast(document, "Main"), plans_of(document)
    assert operation is not None
    assert plans is not None
    for variables, rate in requests:
        expected, compiled = Faults(seed, rate), Faults(seed, rate)
        outcome = await by_graphql_core(SCHEMA, document, "Main", variables, expected)
        await settle()
        assert outcome == await by_plans(plans, SCHEMA, document, "Main", variables, compiled)
        await settle()
        # The calls of resolvers are the same, too.
        assert Counter(compiled.calls) == Counter(expected.calls)
        if operation.operation is OperationType.MUTATION:
            assert compiled.calls == expected.calls


@settings(max_examples=20_000 if LONG else 50)
@given(seed=st.integers(0, 2**63))
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_the_outcome_is_that_of_graphql_core(seed: int) -> None:
    # given a document with several values of its variables
    rng = random.Random(seed)
    generator, text = valid_document(SCHEMA._schema, rng)
    requests = [(generator.sent(), rng.choice([0, 0.05, 0.15, 0.3])) for _ in range(3)]
    # when each of them runs again after the others, then
    asyncio.run(assert_same(text, [*requests, *requests], seed))


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query Main($v: Boolean = true) { owner { receipts { size @skip(if: $v) } id } }", {"v": None}),
        ("query Main($v: Boolean = true) { owner { receipts { parts { size @skip(if: $v) } } } }", {"v": None}),
        ("query Main { owner { receipts { size gaps { __typename } } } }", {}),
        ("query Main { owner { receipts { size gone { __typename } } } }", {}),
        ("query Main { owner { plainLabel(range: {low: 3}) id } }", {}),
        ("query Main { owner { receipts { short(range: {low: 3}) size } } }", {}),
        ("query Main { person(filter: {ranges: [[{low: 3}]]}) { id } owner { label } }", {}),
        ("query Main($r: [[Range]!]) { person(filter: {ranges: $r}) { id } owner { label } }", {"r": [[{"low": 3}]]}),
    ],
    ids=[
        "condition",
        "condition below an empty list",
        "null item",
        "null",
        "constant",
        "derived",
        "awaited constant",
        "awaited variable",
    ],
)
def test_errors_are_where_graphql_core_reports_them(text: str, variables: dict[str, Any]) -> None:
    for seed in range(5):
        asyncio.run(assert_same(text, [(variables, 0)] * 3, seed))


def shown(answer: ExecutionAnswer) -> tuple[object, ...]:
    """An answer without which errors it has: of siblings that fail, the first counts, and beside others that varies."""
    return answer.stage, repr(answer.data), bool(answer.errors)


@settings(max_examples=500 if LONG else 8)
@given(seed=st.integers(0, 2**63))
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_clients_that_give_up_do_not_affect_the_others(seed: int) -> None:
    # given fifty clients of one document
    rng = random.Random(seed)
    generator, text = valid_document(SCHEMA._schema, rng)
    requests = [GraphQLRequest(text, generator.sent(), "Main") for _ in range(5)]

    async def client(runner: OperationRunner, number: int) -> list[tuple[object, ...]] | str:
        request, faults = requests[number % len(requests)], Faults(seed + number, 0.1)
        try:
            stream = runner.stream(request, faults, ALL)  # type: ignore[arg-type]
            return [shown(answer) async for answer in stream]
        except asyncio.CancelledError:
            # A resolver may raise it as well.
            return "cancelled"

    async def run() -> None:
        reference, runner = OperationRunner(SCHEMA, replace(LIMITS, compiled=False)), OperationRunner(SCHEMA, LIMITS)
        expected = [await client(reference, number) for number in range(CLIENTS)]
        await settle()
        clients = [asyncio.create_task(client(runner, number)) for number in range(CLIENTS)]
        # when some of them give up, each at another time
        gave_up: set[int] = set()
        while not all(one.done() for one in clients):
            number = rng.randrange(CLIENTS * 2)
            if number < CLIENTS and not clients[number].done():
                gave_up.add(number)
                clients[number].cancel()
            await asyncio.sleep(0)
        # then the others have their answers, nothing is left running, and the document still works
        for number, one in enumerate(clients):
            allowed = [expected[number], "cancelled"] if number in gave_up else [expected[number]]
            assert one.cancelled() or one.result() in allowed
            assert number in gave_up or not one.cancelled()
        await settle()
        assert [await client(runner, number) for number in range(5)] == expected[:5]
        await settle()

    asyncio.run(run())


def test_unique_documents_do_not_accumulate() -> None:
    # given documents that differ by a comment, so that each is new, and caches that are full
    texts = [
        "{ owner { id name label } }",
        "{ entities { ... on Pet { weights page { total } } } }",
        "{ nothing { size } }",
    ]
    runner = OperationRunner(SCHEMA, LIMITS)

    async def run(numbers: range) -> int:
        for number in numbers:
            request = GraphQLRequest(f"# {number}\n{texts[number % len(texts)]}", {})
            for _ in range(2):
                await runner.run(request, Faults(number, 0), ALL)  # type: ignore[arg-type]
        gc.collect()
        return sys.getallocatedblocks()

    filled = DOCUMENT_CACHE_SIZE + COMPILED_CACHE_SIZE
    before = asyncio.run(run(range(filled)))
    # when
    after = asyncio.run(run(range(filled, 100_000 if LONG else 2 * filled)))
    # then
    assert after < before * 1.02
