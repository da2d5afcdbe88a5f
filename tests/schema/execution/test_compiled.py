"""The compiled executor compared with graphql-core's: the same data, errors and paths for random documents.

The fields of the schema return values, raise errors, return illegal nulls and are awaited at random.
"""

import asyncio
import random
import re
from enum import Enum
from operator import itemgetter
from typing import Annotated, Any

import pytest
import strawberry
from graphql import execute, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig

from graph.viewer_graph import ViewerGraph
from schema.execution.compiled import PLAN_CACHE_SIZE, CompiledExecutor, plans_of
from schema.execution.documents import COMPILED_CACHE_SIZE
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context
from schema.root import schema as kith
from schema.shared.derived_fields import Derived, derived_field
from schema.shared.scalars import SCALARS, Timestamp
from service.access.authentication import LOCAL
from tests.builders.unreliable_schema import IsolatedSchema

NO_GRAPH: Any = None
"""The graph of operations that read nothing from it."""


@strawberry.enum
class Color(Enum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


class Boom(Exception):
    """A resolver's error."""


class Randomness:
    """Random numbers by seed and path in the answer: the same for both executors."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def at(self, info: strawberry.Info) -> random.Random:
        return random.Random(f"{self._seed} {info.path.as_list()}")


def chance(rng: random.Random, odds: float = 0.12) -> Any:
    """Return None or raise with the given odds each, otherwise True."""
    roll = rng.random()
    if roll < odds:
        return None
    if roll < 2 * odds:
        raise Boom(f"boom {rng.randrange(3)}")
    return True


def random_node(rng: random.Random) -> "Node":
    node_type = rng.choice([Leafy, Branchy])
    return node_type(
        id=strawberry.ID(str(rng.randrange(9))),
        name=rng.choice(["a", None, 7]),
        count=rng.choice([1, None, 2**40, "x"]),
        size=rng.choice([1.5, 2, None, float("nan"), True]),
        on=rng.choice([True, False, None, "yes"]),
        color=rng.choice([Color.RED, Color.BLUE, None, "green"]),
        tags=rng.choice([["x", "y"], ["x", None], None, "not a list", 5, []]),
        must=rng.choice(["present", "present", "present", None]),
        fail=rng.choice([None, Boom("stored as a value")]),
    )


@strawberry.type
class TupleType:
    """A type that is never instantiated: its values are tuples."""

    first: str = Derived[tuple[Any, ...]]()(itemgetter(0), "The first.")
    second: int | None = Derived[tuple[Any, ...]]()(itemgetter(1), "The second, which may be missing.")


_of_plain = Derived["Plain"]()


@strawberry.type
class Plain:
    """Only attributes and derived fields, most of them valid: the fast path is for these."""

    word: str
    optional: str | None
    count: int
    color: Color | None
    at: Timestamp | None
    inner: "Plain | None"
    required: "Plain"
    inners: "list[Plain]"
    nullable_inners: "list[Plain | None] | None"
    words: list[str]
    flags: list[bool] | None

    twice: str = _of_plain(lambda plain: plain.word + plain.word, "Its word twice; fails if it has none.")
    pair: TupleType | None = _of_plain(
        lambda plain: None if plain.optional is None else (plain.word, plain.count), "A tuple."
    )
    short: TupleType = _of_plain(lambda plain: (plain.optional,), "A tuple that is too short.")

    @derived_field("The first letters of its word.")
    def letters(self, first: int = 1) -> str | None:
        """Fails if it has no word, or if too many are requested."""
        if first > 4:
            raise Boom("too many")
        return self.word[:first] or None

    @derived_field("The first of its inner objects.")
    def first_inner(self, first: int = 1) -> "list[Plain]":
        """Return the first."""
        return self.inners[:first]


def random_plain(rng: random.Random, depth: int = 3) -> Plain:
    unusual = rng.random() < 0.08

    def inner() -> Any:
        return None if depth == 0 or rng.random() < 0.05 else random_plain(rng, depth - 1)

    return Plain(
        word=rng.choice(["a", "a", None, Boom("stored"), 3]) if unusual else "word",
        optional=rng.choice(["m", None]),
        count=rng.choice([1, 2**40, "x", True]) if unusual else 7,
        color=rng.choice([Color.RED, None, "green"]) if unusual else Color.BLUE,
        at=rng.choice([1_700_000_000_000_000, None, "never", Boom("no time")])
        if unusual
        else Timestamp(rng.randrange(10**15)),
        inner=inner(),
        required=inner() if unusual or depth else plain_leaf(),
        inners=rng.choice([[inner(), inner()], (inner(),), None, "not a list"])
        if unusual
        else [plain_leaf() for _ in range(2)],
        nullable_inners=rng.choice([[inner(), None, inner()], None, []]),
        words=rng.choice([["x", None], ("y",), None, "not a list", ["x", 3], 5]) if unusual else ["x", "y"],
        flags=rng.choice([[True, None], ["yes"], None, [False]]) if unusual else [True],
    )


def plain_leaf() -> Plain:
    return Plain("w", None, 1, None, None, None, None, [], None, [], None)  # type: ignore[arg-type]


@strawberry.interface
class Node:
    """The interface of all nodes."""

    id: strawberry.ID
    name: str | None
    count: int | None
    size: float | None
    on: bool | None
    color: Color | None
    tags: list[str] | None
    must: str
    fail: str | None

    @strawberry.field
    def child(
        self, info: strawberry.Info, depth: int = 1
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None":
        """A nullable node, returned at once."""
        rng = info.context.at(info)
        return chance(rng) and random_node(rng)

    @strawberry.field
    def required_child(
        self, info: strawberry.Info
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]":
        """A non-null node."""
        rng = info.context.at(info)
        return chance(rng, 0.06) and random_node(rng)

    @strawberry.field
    async def late_child(
        self, info: strawberry.Info
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None":
        """A nullable node, returned later."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return chance(rng) and random_node(rng)

    @strawberry.field
    async def required_late_child(
        self, info: strawberry.Info
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]":
        """A non-null node, returned later."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return chance(rng, 0.06) and random_node(rng)

    @strawberry.field
    def children(
        self, info: strawberry.Info, first: int = 2, color: Color = Color.RED
    ) -> "list[Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]] | None":
        """A list whose items must not be null."""
        rng = info.context.at(info)
        if first > 4:
            raise Boom("too many")
        return chance(rng) and [random_node(rng) if rng.random() > 0.05 else None for _ in range(first)]

    @strawberry.field
    def nullable_children(
        self, info: strawberry.Info
    ) -> "list[Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None]":
        """A list whose items may be null or errors."""
        rng = info.context.at(info)
        return chance(rng, 0.05) and [rng.choice([random_node(rng), None, Boom("an item")]) for _ in range(3)]

    @strawberry.field
    def plain(self, info: strawberry.Info) -> Plain | None:
        """An object for the fast path."""
        rng = info.context.at(info)
        return chance(rng, 0.03) and random_plain(rng)

    @strawberry.field
    def plains(self, info: strawberry.Info) -> list[Plain]:
        """Objects for the fast path."""
        rng = info.context.at(info)
        return [random_plain(rng) for _ in range(rng.randrange(4))]

    @strawberry.field
    def either(self, info: strawberry.Info) -> "Annotated[Leafy | Branchy, strawberry.union('Either')] | None":
        """A member of a union; now and then another object."""
        rng = info.context.at(info)
        return chance(rng) and (random_node(rng) if rng.random() > 0.1 else object())


@strawberry.type
class Leafy(Node):
    """A kind."""

    leaf: str = "leaf"


@strawberry.type
class Branchy(Node):
    """Another kind."""

    branch: int = 3


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def root(self, info: strawberry.Info) -> Node | None:
        """The first node."""
        return random_node(info.context.at(info))

    @strawberry.field
    async def required(self, info: strawberry.Info) -> Node:
        """A non-null node."""
        rng = info.context.at(info)
        return chance(rng, 0.05) and random_node(rng)


@strawberry.type
class Mutation:
    """The mutations, which run one after the other."""

    @strawberry.mutation
    async def do(self, info: strawberry.Info) -> Node | None:
        """A nullable node, returned later."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return chance(rng) and random_node(rng)


SCHEMA = IsolatedSchema(
    query=Query, mutation=Mutation, types=[Leafy, Branchy], config=StrawberryConfig(scalar_map=SCALARS)
)
CORE = SCHEMA._schema
LEAVES = ["id", "name", "count", "size", "on", "color", "tags", "must", "fail", "__typename"]
OBJECTS = [
    "child",
    "requiredChild",
    "lateChild",
    "requiredLateChild",
    "nullableChildren",
    "children",
    "children(first: $n)",
    "children(first: 5)",
    "either",
    "child(depth: $n)",
]
CONDITIONS = [
    "",
    "",
    "",
    " @include(if: $yes)",
    " @skip(if: $no)",
    " @skip(if: true)",
    " @include(if: $no) @skip(if: $yes)",
]


PLAIN_LEAVES = [
    "word",
    "optional",
    "count",
    "color",
    "at",
    "w: word",
    "__typename",
    "words",
    "flags",
    "twice",
    "pair { first }",
    "letters",
    "more: letters(first: 3)",
    "l: letters(first: $n)",
    "b: pair { second first }",
    "short { second }",
]
PLAIN_OBJECTS = [
    "inner",
    "required",
    "inners",
    "nullableInners",
    "firstInner",
    "firstInner(first: 2)",
    "firstInner(first: $n)",
]
VARIABLES = "($n: Int! = 3, $yes: Boolean! = true, $no: Boolean!)"
FRAGMENT = "fragment Frag on Node { id count ... on Leafy { leaf } child { name } }"


def alias(name: str) -> str:
    """Add an alias to a field with arguments: the same field with other arguments could not be merged."""
    return f"{re.sub('[^a-zA-Z0-9]', '_', name)}: {name}" if "(" in name else name


@st.composite
def selections(draw: st.DrawFn, depth: int, on: str = "Node") -> str:
    parts: list[str] = []
    if on != "Either":
        parts += [
            leaf + draw(st.sampled_from(CONDITIONS))
            for leaf in draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5))
        ]
        if draw(st.booleans()):
            parts.append("again: name")
        if depth:
            for name in draw(st.lists(st.sampled_from(OBJECTS), max_size=3)):
                inner = draw(selections(depth - 1, "Either" if name == "either" else "Node"))
                parts.append(f"{alias(name)}{draw(st.sampled_from(CONDITIONS))} {{ {inner} }}")
        if draw(st.booleans()):
            parts.append(f"{draw(st.sampled_from(['plain', 'plains']))} {{ {draw(plain_selections(3))} }}")
        if draw(st.integers(0, 3)) == 0:
            parts.append("...Frag")
    if on == "Either" or draw(st.integers(0, 2)) == 0:
        parts.append(
            f"__typename ... on Leafy{draw(st.sampled_from(CONDITIONS))} {{ leaf id }} ... on Branchy {{ branch }}"
        )
    return " ".join(parts)


@st.composite
def plain_selections(draw: st.DrawFn, depth: int) -> str:
    """Selections of what is plain."""
    parts = draw(st.lists(st.sampled_from(PLAIN_LEAVES), min_size=1))
    for name in draw(st.lists(st.sampled_from(PLAIN_OBJECTS), max_size=3)) if depth else ():
        inner = draw(plain_selections(depth - 1))
        parts.append(f"{alias(name)}{draw(st.sampled_from(CONDITIONS))} {{ {inner} }}")
    return " ".join(parts)


@st.composite
def documents(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 5)) == 0:
        body = f"a: do {{ {draw(selections(2))} }} b: do {{ {draw(selections(1))} }}"
        return f"mutation Q{VARIABLES} {{ {body} }} {FRAGMENT}"
    roots = [f"root {{ {draw(selections(3))} }}", f"required {{ {draw(selections(2))} }}", "__typename"]
    fields = draw(st.lists(st.sampled_from(roots), min_size=1, max_size=2, unique=True))
    return f"query Q{VARIABLES} {{ {' '.join(fields)} }} {FRAGMENT}"


def comparable(result: Any) -> tuple[Any, list[Any]]:
    errors = [
        (error.message, error.path, [(location.line, location.column) for location in error.locations or ()])
        for error in result.errors or ()
    ]
    return result.data, errors


async def run_both(text: str, variables: dict[str, Any], seed: int, plans: Any = None) -> tuple[Any, Any]:
    """Return the results of graphql-core and of the second run of a compiled plan."""
    document = parse(text)
    options = {"context_value": Randomness(seed), "is_awaitable": optimized_is_awaitable}
    expected = execute(
        CORE, document, variable_values=variables, executor_class=SCHEMA.execution_context_class, **options
    )
    if asyncio.iscoroutine(expected):
        expected = await expected
    plans = plans or plans_of(document)
    for _ in range(2):
        executor = CompiledExecutor.of(plans, CORE, document, variables, **options)
        if isinstance(executor, list):
            return (None, [(error.message, error.path) for error in executor]), (
                None,
                [(error.message, error.path) for error in expected.errors],
            )
        result = executor.execute_operation()
        if asyncio.iscoroutine(result):
            result = await result
    # Awaitables that a failure left behind are settled in the background.
    await asyncio.sleep(0.001)
    return comparable(expected), comparable(result)


def assert_same(expected: tuple[Any, list[Any]], compiled: tuple[Any, list[Any]]) -> None:
    assert compiled[0] == expected[0]
    assert repr(compiled[0]) == repr(expected[0])
    assert sorted(compiled[1], key=repr) == sorted(expected[1], key=repr)


@settings(max_examples=400)
@given(text=documents(), seed=st.integers(0, 10_000), n=st.integers(0, 5), yes=st.booleans(), no=st.booleans())
def test_compiled_results_equal_those_of_graphql_core(text: str, seed: int, n: int, yes: bool, no: bool) -> None:
    assert [error for error in validate(CORE, parse(text)) if "never used" not in error.message] == []
    assert_same(*asyncio.run(run_both(text, {"n": n, "yes": yes, "no": no}, seed)))


@pytest.mark.parametrize("variables", [{}, {"no": None}, {"no": "yes"}, {"no": True, "n": 1.5}, {"no": False, "n": 2}])
def test_invalid_variables_are_reported_identically(variables: dict[str, Any]) -> None:
    text = "query Q($n: Int! = 3, $no: Boolean!) { root { id @skip(if: $no) children(first: $n) { id } } }"
    expected, compiled = asyncio.run(run_both(text, variables, 1))
    assert compiled == expected


def test_conditions_choose_the_plan_and_plans_are_bounded() -> None:
    names = [f"v{number}" for number in range(6)]
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    text = f"query({' '.join(f'${name}: Boolean!' for name in names)}) {{ root {{ id {fields} }} }}"
    plans = plans_of(parse(text))
    for bits in range(64):
        variables = {name: bool(bits >> position & 1) for position, name in enumerate(names)}
        assert_same(*asyncio.run(run_both(text, variables, 3, plans)))
        assert len(plans.by_values) <= PLAN_CACHE_SIZE


def test_a_document_is_compiled_on_its_second_run_unless_disabled() -> None:
    request = GraphQLRequest("{ __typename __schema { queryType { name fields { name } } } }", {})

    async def run(limits: Limits, times: int) -> tuple[list[Any], Any]:
        runner = OperationRunner(kith, limits)
        context = new_context(ViewerGraph(NO_GRAPH, LOCAL))
        answers = [await runner.run(request, context, ALL) for _ in range(times)]
        return [answer.data for answer in answers], runner.documents.get(request.query).operation(None).plans

    answers, plans = asyncio.run(run(Limits(), 3))
    assert answers[0] == answers[1] == answers[2]
    assert plans is not None
    assert asyncio.run(run(Limits(), 1))[1] is None
    assert asyncio.run(run(Limits(compiled=False), 3))[1] is None


def test_only_the_most_recent_operations_stay_compiled() -> None:
    async def run() -> int:
        runner = OperationRunner(kith, Limits())
        context = new_context(ViewerGraph(NO_GRAPH, LOCAL))
        requests = [GraphQLRequest(f"# {number}\n{{ __typename }}", {}) for number in range(COMPILED_CACHE_SIZE + 5)]
        for request in requests:
            for _ in range(2):
                assert (await runner.run(request, context, ALL)).data == {"__typename": "Query"}
        compiled = [runner.documents.get(request.query).operation(None).plans is not None for request in requests]
        assert not any(compiled[:5])
        return sum(compiled)

    assert asyncio.run(run()) == COMPILED_CACHE_SIZE
