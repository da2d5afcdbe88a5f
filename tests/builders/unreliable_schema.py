"""A schema whose resolvers fail in every way, for comparing executors.

It has interfaces of interfaces, unions, lists of lists, recursive inputs, attributes, derived fields, and resolvers
that are synchronous or not. What a resolver does follows from the seed of `Faults` and from its place, so each executor
meets the same failures.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from schema.shared.derived_fields import Derived, derived_field
from schema.shared.scalars import SCALARS, Amount, Timestamp


class Boom(Exception):
    """An error of a resolver."""


class Later:
    """An awaitable that is no coroutine: its value comes after some turns of the event loop."""

    def __init__(self, turns: int, result: Callable[[], Any]) -> None:
        self._turns, self._result = turns, result

    def __await__(self) -> Generator[Any, None, Any]:
        for _ in range(self._turns):
            yield from asyncio.sleep(0).__await__()
        return self._result()


class Faults:
    """The context: decides what resolvers do, and records their calls."""

    def __init__(self, seed: int, rate: float = 0.12) -> None:
        self.seed, self.rate = seed, rate
        self.calls: list[str] = []

    def at(self, place: object) -> random.Random:
        """Random numbers for one place."""
        return random.Random(f"{self.seed} {place}")

    def called(self, place: object, *arguments: object) -> random.Random:
        """Record a call."""
        self.calls.append(f"{place} {arguments!r}")
        return self.at(place)


def _raise(error: BaseException) -> Any:
    raise error


WRONG: list[Callable[[], Any]] = [
    lambda: None,
    lambda: _raise(Boom("raised")),
    lambda: _raise(GraphQLError("raised with a code", extensions={"code": "BOOM"})),
    lambda: Boom("returned"),
    lambda: 2**40,
    lambda: float("nan"),
    lambda: "text",
    lambda: [1, None, "x"],
    lambda: [],
    lambda: {},
    lambda: True,
    lambda: Pet(id=strawberry.ID("stray"), seed=0, rate=0, name="stray", grid=[], born=None, price=None),
    lambda: (number for number in range(2)),
    lambda: _failing_iterator(),
    lambda: LateItems([1, 2, Boom("no more items")]),
    lambda: LateItems([Pet(id=strawberry.ID("late"), seed=0, rate=0, name="x", grid=[], born=None, price=None), None]),
]
"""What goes wrong in a resolver, and values of other types."""


def _failing_iterator() -> Iterator[int]:
    yield 1
    raise Boom("the iterator failed")


class LateItems:
    """A list whose items come later; like a list, it can be read again and again."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __repr__(self) -> str:
        return f"LateItems({self._items})"

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self._items:
            await asyncio.sleep(0)
            if isinstance(item, Boom):
                raise item
            yield item


def outcome(rng: random.Random, rate: float, right: Callable[[], Any]) -> Any:
    """The right value, a wrong one, or an awaitable of either; or raise."""
    roll = rng.random()
    if roll < rate / 40:
        return _raise(asyncio.CancelledError())
    result = rng.choice(WRONG) if roll < rate else right
    if rng.random() < 0.1:
        return Later(rng.randrange(3), result)
    return result()


@strawberry.enum
class Size(Enum):
    """An enum."""

    SMALL = "small"
    LARGE = "large"


@strawberry.input
class Range:
    """An input without recursion."""

    low: int
    high: int | None = 9
    tags: list[str] = strawberry.field(default_factory=lambda: ["x"])

    def __post_init__(self) -> None:
        if self.low > 2:
            raise Boom("low is above 2")


@strawberry.input
class Filter:
    """A recursive input."""

    ranges: list[list[Range | None]] | None = None
    size: Size = Size.SMALL
    name: str | None = strawberry.UNSET
    ratio: float = 0.5
    inner: "Filter | None" = None
    since: Timestamp | None = None


@strawberry.input(one_of=True)
class By:
    """Exactly one field."""

    id: strawberry.ID | None = strawberry.UNSET
    range: Range | None = strawberry.UNSET


_of_tuple = Derived[tuple[Any, ...]]()


@strawberry.type
class Receipt:
    """A type that is never instantiated: its values are tuples."""

    number: str = _of_tuple(lambda receipt: receipt[0], "An attribute.")
    total: Amount | None = _of_tuple(lambda receipt: receipt[1], "It may be missing or of another type.")
    size: Size = _of_tuple(lambda receipt: receipt[2], "It may be missing.")
    parts: "list[Receipt]" = _of_tuple(lambda receipt: receipt[3], "Receipts in the receipt.")
    sizes: "list[Size | None] | None" = _of_tuple(lambda receipt: [receipt[2], None], "A list of an enum.")
    gaps: "list[Receipt | None]" = _of_tuple(lambda receipt: [*receipt[3], None], "A list with a null.")
    gone: "Receipt" = _of_tuple(lambda receipt: None, "An illegal null.")
    rows: "list[list[Receipt] | None]" = _of_tuple(lambda receipt: [receipt[3], None], "Lists of lists.")

    @derived_field("Derived from arguments, too.")
    def short(self: Any, length: int = 2, range: Range | None = None) -> str | None:
        """Fails for a negative length."""
        if length < 0:
            raise Boom("negative")
        return (self[0] + (str(range.low) + repr(range.tags) if range else ""))[:length] or None


def receipt(rng: random.Random, rate: float, depth: int = 2) -> Any:
    """A receipt, rarely with something wrong in it."""
    wrong = rng.random() < rate / 4
    parts = [receipt(rng, rate, depth - 1) for _ in range(rng.randrange(3))] if depth else []
    size = rng.choice([None, "huge", Size.LARGE]) if wrong else rng.choice(list(Size))
    number = rng.choice([None, 5, Boom("stored")]) if wrong else f"r{rng.randrange(9)}"
    if wrong:
        parts = rng.choice([parts, [*parts, None], LateItems(parts), deque(parts), tuple(parts)])
    return number, rng.choice([None, Boom("amount") if wrong else 5, 1.5]), size, parts


T = TypeVar("T")


@strawberry.type
class Page(Generic[T]):
    """A generic type: its objects alone do not determine the type in the schema."""

    nodes: list[T]
    total: int


@strawberry.interface
class Entity:
    """The interface of everything."""

    id: strawberry.ID
    seed: strawberry.Private[int]
    rate: strawberry.Private[float]

    @strawberry.field
    def label(
        self, info: strawberry.Info, size: Size = Size.SMALL, filter: Filter | None = None, ids: list[int] | None = None
    ) -> str:
        """A non-null text of the arguments."""
        rng = info.context.called(info.path.as_list(), size, filter, ids)
        return outcome(rng, self.rate, lambda: f"{size} {filter} {ids}")

    @strawberry.field
    def plain_label(self, range: Range, other: list[Range] | None = None) -> str | None:
        """A resolver without the info."""
        return outcome(random.Random(f"{self.seed} {self.id} {range}"), self.rate, lambda: f"{range} {other}")


@strawberry.interface
class Owner(Entity):
    """An interface that implements another."""

    name: str | None

    @strawberry.field
    async def pets(self, info: strawberry.Info, first: int = 2) -> "list[Pet | None]":
        """A non-null list, later."""
        rng = info.context.called(info.path.as_list(), first)
        await asyncio.sleep(0)
        return outcome(rng, self.rate, lambda: [new_pet(rng, self.rate) for _ in range(min(first, 3))])

    @strawberry.field
    def friend(self, info: strawberry.Info) -> "Owner | None":
        """An interface, nullable."""
        rng = info.context.called(info.path.as_list())
        return outcome(rng, self.rate, lambda: new_owner(rng, self.rate))

    @strawberry.field
    def boss(self, info: strawberry.Info) -> "Owner":
        """An interface, non-null."""
        rng = info.context.called(info.path.as_list())
        return outcome(rng, self.rate / 2, lambda: new_owner(rng, self.rate))

    @strawberry.field
    def anything(self, info: strawberry.Info) -> "list[Annotated[Person | Pet | Receiptless, _ANYTHING]] | None":
        """A list of a union."""
        rng = info.context.called(info.path.as_list())
        make = [new_person, new_pet, lambda rng, rate: Receiptless(note="n", size=Size.LARGE)]
        return outcome(rng, self.rate, lambda: [rng.choice(make)(rng, self.rate) for _ in range(3)])

    @strawberry.field
    def receipts(self, info: strawberry.Info, by: By | None = None) -> "list[Receipt] | None":
        """Objects for the fast path."""
        rng = info.context.called(info.path.as_list(), by)
        return outcome(rng, self.rate, lambda: [receipt(rng, self.rate) for _ in range(rng.randrange(4))])


_ANYTHING = strawberry.union("Anything")


@strawberry.type
class Pet(Entity):
    """Attributes of many types."""

    name: str
    grid: list[list[int | None]]
    born: Timestamp | None
    price: Amount | None
    weights: list[float] | None = None

    @strawberry.field
    def numbers(self) -> list[int]:
        """A list of a resolver without the info."""
        return outcome(random.Random(f"{self.seed} {self.id}"), self.rate, lambda: [1, 2])

    @strawberry.field
    def page(self, info: strawberry.Info, first: int = 1) -> "Page[Receiptless] | None":
        """A generic type."""
        rng = info.context.called(info.path.as_list(), first)
        nodes = [Receiptless(note="n", size=rng.choice([Size.LARGE, Size.SMALL])) for _ in range(first)]
        return outcome(rng, self.rate, lambda: Page(nodes=nodes, total=len(nodes)))

    @strawberry.field
    def owner(self, info: strawberry.Info) -> "Person | None":
        """An object type."""
        rng = info.context.called(info.path.as_list())
        return outcome(rng, self.rate, lambda: new_person(rng, self.rate))


@strawberry.type
class Receiptless:
    """A member of the union that implements no interface, all of its fields plain."""

    note: str | None
    size: Size


@strawberry.type
class Person(Owner):
    """An owner."""

    twice: str = Derived["Person"]()(lambda person: person.name + person.name, "Fails without a name.")

    @strawberry.field
    async def boards(self, info: strawberry.Info, by: By) -> "list[list[Pet | None] | None] | None":
        """Lists of lists, later."""
        rng = info.context.called(info.path.as_list(), by)

        def row() -> Any:
            return outcome(rng, self.rate, lambda: [new_pet(rng, self.rate) for _ in range(2)])

        await asyncio.sleep(0)
        return outcome(rng, self.rate, lambda: [row(), None, row()])


@strawberry.type
class Company(Owner):
    """Another owner."""

    size: Size | None = None

    @strawberry.field
    def strict_rows(self, info: strawberry.Info) -> list[list[Person]]:
        """Lists of lists without nulls."""
        rng = info.context.called(info.path.as_list())
        return outcome(rng, self.rate / 2, lambda: [[new_person(rng, self.rate)], []])


def new_pet(rng: random.Random, rate: float) -> Any:
    """A pet, rarely with attributes of other types."""
    wrong = rng.random() < rate
    return Pet(
        id=strawberry.ID(f"pet{rng.randrange(99)}"),
        seed=rng.randrange(99),
        rate=rate,
        name=rng.choice([None, 3, Boom("stored"), Later(1, lambda: "late")]) if wrong else "Rex",  # type: ignore[arg-type]
        grid=rng.choice([None, [None], [["x"]], "grid", ([1], (2,))]) if wrong else [[1, None], []],  # type: ignore[arg-type]
        born=rng.choice(["never", None, 2**70]) if wrong else Timestamp(1_700_000_000_000_000),  # type: ignore[arg-type]
        price=rng.choice([None, Amount(5)]),  # type: ignore[arg-type]
        weights=rng.choice([[1.5, None], ["x"], [float("inf")], LateItems([1.5, 2]), [Later(1, lambda: 1.5)]])
        if wrong
        else [1.5, 2.0],
    )


def new_person(rng: random.Random, rate: float) -> Any:
    """A person, rarely without a name."""
    return Person(id=strawberry.ID("p"), seed=rng.randrange(99), rate=rate, name=rng.choice(["Ann", "Ben", None]))


def new_owner(rng: random.Random, rate: float) -> Any:
    """A person, a company, rarely something that is no owner."""
    if rng.random() < rate / 4:
        return new_pet(rng, rate)
    if rng.random() < 0.5:
        return new_person(rng, rate)
    return Company(id=strawberry.ID("c"), seed=rng.randrange(99), rate=rate, name="Inc", size=rng.choice([None, *Size]))


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    def owner(self, info: strawberry.Info, by: By | None = None) -> Owner | None:
        """Nullable."""
        rng, rate = info.context.called(info.path.as_list(), by), info.context.rate
        return outcome(rng, rate, lambda: new_owner(rng, rate))

    @strawberry.field
    async def person(self, info: strawberry.Info, filter: Filter) -> Person:
        """Non-null, later."""
        rng, rate = info.context.called(info.path.as_list(), filter), info.context.rate
        await asyncio.sleep(0)
        return outcome(rng, rate / 2, lambda: new_person(rng, rate))

    @strawberry.field
    def entities(self, info: strawberry.Info, filters: list[Filter | None] | None = None) -> list[Entity | None] | None:
        """A list of an interface."""
        rng, rate = info.context.called(info.path.as_list(), filters), info.context.rate
        make = [new_owner, new_pet]
        return outcome(rng, rate, lambda: [rng.choice(make)(rng, rate) for _ in range(3)])

    @strawberry.field
    def nothing(self) -> Receipt | None:
        """An object that is always null, so its selection is never collected."""
        return None


@strawberry.type
class Mutation:
    """Root fields that run one after the other."""

    @strawberry.mutation
    async def rename(self, info: strawberry.Info, name: str, range: Range | None = None) -> Owner | None:
        """Nullable, later."""
        rng, rate = info.context.called(info.path.as_list(), name, range), info.context.rate
        for _ in range_of(rng):
            await asyncio.sleep(0)
        info.context.calls.append(f"done {info.path.as_list()}")
        return outcome(rng, rate, lambda: new_owner(rng, rate))

    @strawberry.mutation
    def adopt(self, info: strawberry.Info) -> Pet:
        """Non-null, at once."""
        rng, rate = info.context.called(info.path.as_list()), info.context.rate
        return outcome(rng, rate, lambda: new_pet(rng, rate))


def range_of(rng: random.Random) -> range:
    """Some turns of the event loop."""
    return range(rng.randrange(3))


@strawberry.type
class Subscription:
    """Events."""

    @strawberry.subscription
    async def owners(self, info: strawberry.Info, filter: Filter | None = None) -> AsyncIterator[Owner | None]:
        """Three events of owners."""
        rate = info.context.rate
        for number in range(3):
            await asyncio.sleep(0)
            rng = info.context.called(f"event {number}", filter)
            owner = new_owner(rng, rate)
            yield rng.choice([owner, None, "no owner"]) if rng.random() < rate else owner


class IsolatedSchema(strawberry.Schema):
    """A schema that leaves the introspection types as they are: all schemas of a process share them."""

    def _extend_introspection(self) -> None:
        pass


SCHEMA = IsolatedSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Person, Company, Pet],
    config=StrawberryConfig(scalar_map=SCALARS),
)
"""The schema; the context of an operation is a `Faults`."""
