"""The compiled executor against graphql-core's own: the same data, the same errors, the same paths, on random documents
over a schema whose fields answer, fail, are null where they must not be, and make one wait."""

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

from schema.execution.compiled import PLANS_KEPT, CompiledExecutor, plans_of
from schema.execution.documents import COMPILED_KEPT
from schema.execution.limits import Limits
from schema.execution.runner import ALL, Asked, Operations
from schema.root import schema as kith
from schema.shared.context import Caller, Context
from schema.shared.derived_fields import Derived, derived_field
from schema.shared.scalars import SCALARS, Timestamp


@strawberry.enum
class Colour(Enum):
    """A colour."""

    RED = "red"
    BLUE = "blue"


class Boom(Exception):
    """A resolver's error."""


class Chance:
    """What fields answer, by a seed and the place in the answer: the same for both executors."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def at(self, info: strawberry.Info) -> random.Random:
        return random.Random(f"{self._seed} {info.path.as_list()}")


def made(rng: random.Random, odds: float = 0.12) -> Any:
    """Whether a field is null or fails."""
    roll = rng.random()
    if roll < odds:
        return None
    if roll < 2 * odds:
        raise Boom(f"boom {rng.randrange(3)}")
    return True


def thing(rng: random.Random) -> "Node":
    kind = rng.choice([Leafy, Branchy])
    return kind(
        id=strawberry.ID(str(rng.randrange(9))),
        name=rng.choice(["a", None, 7]),
        count=rng.choice([1, None, 2**40, "x"]),
        size=rng.choice([1.5, 2, None, float("nan"), True]),
        on=rng.choice([True, False, None, "yes"]),
        colour=rng.choice([Colour.RED, Colour.BLUE, None, "green"]),
        tags=rng.choice([["x", "y"], ["x", None], None, "no list", 5, []]),
        must=rng.choice(["here", "here", "here", None]),
        fail=rng.choice([None, Boom("kept as a value")]),
    )


@strawberry.type
class Bare:
    """What is never made: over a tuple."""

    first: str = Derived[tuple[Any, ...]]()(itemgetter(0), "The first.")
    second: int | None = Derived[tuple[Any, ...]]()(itemgetter(1), "The second, which may not be there.")


_of_calm = Derived["Calm"]()


@strawberry.type
class Calm:
    """Nothing but attributes and what follows from them, most of which fits: what the quick way is for."""

    word: str
    maybe: str | None
    count: int
    colour: Colour | None
    at: Timestamp | None
    inner: "Calm | None"
    sure: "Calm"
    inners: "list[Calm]"
    perhaps: "list[Calm | None] | None"
    words: list[str]
    marks: list[bool] | None

    twice: str = _of_calm(lambda one: one.word + one.word, "Its word twice; fails where it has none.")
    bare: Bare | None = _of_calm(lambda one: None if one.maybe is None else (one.word, one.count), "Over a tuple.")
    short: Bare = _of_calm(lambda one: (one.maybe,), "Over one that is too short.")

    @derived_field("The first letters of its word.")
    def letters(self, first: int = 1) -> str | None:
        """Fails where it has no word, and where too many are asked for."""
        if first > 4:
            raise Boom("too many")
        return self.word[:first] or None

    @derived_field("The first of those inside.")
    def kin(self, first: int = 1) -> "list[Calm]":
        """Some of them."""
        return self.inners[:first]


def calm(rng: random.Random, depth: int = 3) -> Calm:
    odd = rng.random() < 0.08

    def one() -> Any:
        return None if depth == 0 or rng.random() < 0.05 else calm(rng, depth - 1)

    return Calm(
        word=rng.choice(["a", "a", None, Boom("kept"), 3]) if odd else "word",
        maybe=rng.choice(["m", None]),
        count=rng.choice([1, 2**40, "x", True]) if odd else 7,
        colour=rng.choice([Colour.RED, None, "green"]) if odd else Colour.BLUE,
        at=rng.choice([1_700_000_000_000_000, None, "never", Boom("no time")])
        if odd
        else Timestamp(rng.randrange(10**15)),
        inner=one(),
        sure=one() if odd or depth else calm_leaf(),
        inners=rng.choice([[one(), one()], (one(),), None, "no list"]) if odd else [calm_leaf() for _ in range(2)],
        perhaps=rng.choice([[one(), None, one()], None, []]),
        words=rng.choice([["x", None], ("y",), None, "no list", ["x", 3], 5]) if odd else ["x", "y"],
        marks=rng.choice([[True, None], ["yes"], None, [False]]) if odd else [True],
    )


def calm_leaf() -> Calm:
    return Calm("w", None, 1, None, None, None, None, [], None, [], None)  # type: ignore[arg-type]


@strawberry.interface
class Node:
    """Whatever has an id."""

    id: strawberry.ID
    name: str | None
    count: int | None
    size: float | None
    on: bool | None
    colour: Colour | None
    tags: list[str] | None
    must: str
    fail: str | None

    @strawberry.field
    def one(
        self, info: strawberry.Info, depth: int = 1
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None":
        """A nullable one, at once."""
        rng = info.context.at(info)
        return made(rng) and thing(rng)

    @strawberry.field
    def sure(self, info: strawberry.Info) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]":
        """One that must be there."""
        rng = info.context.at(info)
        return made(rng, 0.06) and thing(rng)

    @strawberry.field
    async def late(
        self, info: strawberry.Info
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None":
        """A nullable one, later."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return made(rng) and thing(rng)

    @strawberry.field
    async def surely_late(
        self, info: strawberry.Info
    ) -> "Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]":
        """One that must come."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return made(rng, 0.06) and thing(rng)

    @strawberry.field
    def many(
        self, info: strawberry.Info, first: int = 2, colour: Colour = Colour.RED
    ) -> "list[Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')]] | None":
        """Some, of which none may be missing."""
        rng = info.context.at(info)
        if first > 4:
            raise Boom("too many")
        return made(rng) and [thing(rng) if rng.random() > 0.05 else None for _ in range(first)]

    @strawberry.field
    def some(
        self, info: strawberry.Info
    ) -> "list[Annotated[Node, strawberry.lazy('tests.schema.execution.test_compiled')] | None]":
        """Some that may be missing, errors among them."""
        rng = info.context.at(info)
        return made(rng, 0.05) and [rng.choice([thing(rng), None, Boom("an item")]) for _ in range(3)]

    @strawberry.field
    def calm(self, info: strawberry.Info) -> Calm | None:
        """A calm one."""
        rng = info.context.at(info)
        return made(rng, 0.03) and calm(rng)

    @strawberry.field
    def calms(self, info: strawberry.Info) -> list[Calm]:
        """Calm ones."""
        rng = info.context.at(info)
        return [calm(rng) for _ in range(rng.randrange(4))]

    @strawberry.field
    def either(self, info: strawberry.Info) -> "Annotated[Leafy | Branchy, strawberry.union('Either')] | None":
        """One of a union; now and then something else."""
        rng = info.context.at(info)
        return made(rng) and (thing(rng) if rng.random() > 0.1 else object())


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
        """Where it begins."""
        return thing(info.context.at(info))

    @strawberry.field
    async def sure(self, info: strawberry.Info) -> Node:
        """One that must be there."""
        rng = info.context.at(info)
        return made(rng, 0.05) and thing(rng)


@strawberry.type
class Mutation:
    """What is done in turn."""

    @strawberry.mutation
    async def do(self, info: strawberry.Info) -> Node | None:
        """Something, later."""
        rng = info.context.at(info)
        await asyncio.sleep(0)
        return made(rng) and thing(rng)


SCHEMA = strawberry.Schema(
    query=Query, mutation=Mutation, types=[Leafy, Branchy], config=StrawberryConfig(scalar_map=SCALARS)
)
CORE = SCHEMA._schema
LEAVES = ["id", "name", "count", "size", "on", "colour", "tags", "must", "fail", "__typename"]
OBJECTS = [
    "one",
    "sure",
    "late",
    "surelyLate",
    "some",
    "many",
    "many(first: $n)",
    "many(first: 5)",
    "either",
    "one(depth: $n)",
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


CALM = ["word", "maybe", "count", "colour", "at", "w: word", "__typename", "words", "marks", "twice", "bare { first }"]
CALM += ["letters", "more: letters(first: 3)", "l: letters(first: $n)", "b: bare { second first }", "short { second }"]
CALM_INSIDE = ["inner", "sure", "inners", "perhaps", "kin", "kin(first: 2)", "kin(first: $n)"]
VARIABLES = "($n: Int! = 3, $yes: Boolean! = true, $no: Boolean!)"
FRAGMENT = "fragment Frag on Node { id count ... on Leafy { leaf } one { name } }"


def alias(name: str) -> str:
    """A name of its own for each field with arguments: the same field with others could not be merged."""
    return f"{re.sub('[^a-zA-Z0-9]', '_', name)}: {name}" if "(" in name else name


@st.composite
def selections(draw: st.DrawFn, depth: int, on: str = "Node") -> str:
    parts: list[str] = []
    if on != "Either":
        parts += [
            one + draw(st.sampled_from(CONDITIONS))
            for one in draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5))
        ]
        if draw(st.booleans()):
            parts.append("again: name")
        if depth:
            for name in draw(st.lists(st.sampled_from(OBJECTS), max_size=3)):
                below = draw(selections(depth - 1, "Either" if name == "either" else "Node"))
                parts.append(f"{alias(name)}{draw(st.sampled_from(CONDITIONS))} {{ {below} }}")
        if draw(st.booleans()):
            parts.append(f"{draw(st.sampled_from(['calm', 'calms']))} {{ {draw(calm_selections(3))} }}")
        if draw(st.integers(0, 3)) == 0:
            parts.append("...Frag")
    if on == "Either" or draw(st.integers(0, 2)) == 0:
        parts.append(
            f"__typename ... on Leafy{draw(st.sampled_from(CONDITIONS))} {{ leaf id }} ... on Branchy {{ branch }}"
        )
    return " ".join(parts)


@st.composite
def calm_selections(draw: st.DrawFn, depth: int) -> str:
    """Selections of what is calm."""
    parts = draw(st.lists(st.sampled_from(CALM), min_size=1))
    for name in draw(st.lists(st.sampled_from(CALM_INSIDE), max_size=3)) if depth else ():
        below = draw(calm_selections(depth - 1))
        parts.append(f"{alias(name)}{draw(st.sampled_from(CONDITIONS))} {{ {below} }}")
    return " ".join(parts)


@st.composite
def documents(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 5)) == 0:
        body = f"a: do {{ {draw(selections(2))} }} b: do {{ {draw(selections(1))} }}"
        return f"mutation Q{VARIABLES} {{ {body} }} {FRAGMENT}"
    roots = [f"root {{ {draw(selections(3))} }}", f"sure {{ {draw(selections(2))} }}", "__typename"]
    chosen = draw(st.lists(st.sampled_from(roots), min_size=1, max_size=2, unique=True))
    return f"query Q{VARIABLES} {{ {' '.join(chosen)} }} {FRAGMENT}"


def told(result: Any) -> tuple[Any, list[Any]]:
    errors = [
        (error.message, error.path, [(one.line, one.column) for one in error.locations or ()])
        for error in result.errors or ()
    ]
    return result.data, errors


async def both(text: str, variables: dict[str, Any], seed: int, plans: Any = None) -> tuple[Any, Any]:
    """What graphql-core and the compiled executor answer, each asked twice by the same plan."""
    document = parse(text)
    chosen = {"context_value": Chance(seed), "is_awaitable": optimized_is_awaitable}
    expected = execute(
        CORE, document, variable_values=variables, executor_class=SCHEMA.execution_context_class, **chosen
    )
    if asyncio.iscoroutine(expected):
        expected = await expected
    plans = plans or plans_of(document)
    for _ in range(2):
        executor = CompiledExecutor.of(plans, CORE, document, variables, **chosen)
        if isinstance(executor, list):
            return (None, [(error.message, error.path) for error in executor]), (
                None,
                [(e.message, e.path) for e in expected.errors],
            )
        found = executor.execute_operation()
        if asyncio.iscoroutine(found):
            found = await found
    # What a failure left behind is settled in the background.
    await asyncio.sleep(0.001)
    return told(expected), told(found)


def same(expected: tuple[Any, list[Any]], found: tuple[Any, list[Any]]) -> None:
    assert found[0] == expected[0]
    assert repr(found[0]) == repr(expected[0])
    assert sorted(found[1], key=repr) == sorted(expected[1], key=repr)


@settings(max_examples=400)
@given(text=documents(), seed=st.integers(0, 10_000), n=st.integers(0, 5), yes=st.booleans(), no=st.booleans())
def test_it_answers_as_graphql_core_does(text: str, seed: int, n: int, yes: bool, no: bool) -> None:
    assert [error for error in validate(CORE, parse(text)) if "never used" not in error.message] == []
    same(*asyncio.run(both(text, {"n": n, "yes": yes, "no": no}, seed)))


@pytest.mark.parametrize("variables", [{}, {"no": None}, {"no": "yes"}, {"no": True, "n": 1.5}, {"no": False, "n": 2}])
def test_variables_that_do_not_fit_are_told_the_same(variables: dict[str, Any]) -> None:
    text = "query Q($n: Int! = 3, $no: Boolean!) { root { id @skip(if: $no) many(first: $n) { id } } }"
    expected, found = asyncio.run(both(text, variables, 1))
    assert found == expected


def test_conditions_choose_the_plan_and_plans_are_bounded() -> None:
    names = [f"v{n}" for n in range(6)]
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    text = f"query({' '.join(f'${name}: Boolean!' for name in names)}) {{ root {{ id {fields} }} }}"
    plans = plans_of(parse(text))
    for bits in range(64):
        variables = {name: bool(bits >> place & 1) for place, name in enumerate(names)}
        same(*asyncio.run(both(text, variables, 3, plans)))
        assert len(plans.by_values) <= PLANS_KEPT


def test_a_document_is_compiled_when_it_comes_again_and_not_where_that_is_off() -> None:
    asked = Asked("{ __typename __schema { queryType { name fields { name } } } }", {})

    async def run(limits: Limits, times: int) -> tuple[list[Any], Any]:
        operations = Operations(kith, limits)
        context = Context.__new__(Context)
        context.graph, context.caller = None, Caller("test")
        answers = [await operations.run(asked, context, ALL) for _ in range(times)]
        return [answer.data for answer in answers], operations.documents.get(asked.query).operation(None).plans

    found, plans = asyncio.run(run(Limits(), 3))
    assert found[0] == found[1] == found[2]
    assert plans is not None
    assert asyncio.run(run(Limits(), 1))[1] is None
    assert asyncio.run(run(Limits(compiled=False), 3))[1] is None


def test_only_what_ran_last_is_kept_compiled() -> None:
    async def run() -> int:
        operations = Operations(kith, Limits())
        context = Context.__new__(Context)
        context.graph, context.caller = None, Caller("test")
        asked = [Asked(f"# {n}\n{{ __typename }}", {}) for n in range(COMPILED_KEPT + 5)]
        for one in asked:
            for _ in range(2):
                assert (await operations.run(one, context, ALL)).data == {"__typename": "Query"}
        found = [operations.documents.get(one.query).operation(None).plans is not None for one in asked]
        assert not any(found[:5])
        return sum(found)

    assert asyncio.run(run()) == COMPILED_KEPT
