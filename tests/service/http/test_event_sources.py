"""Events that are made once for several callers are those that each of them would get alone, with its own rights."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from graph.domain.access.scopes import CHANGES_READ, CONTACT_READ, HISTORY_READ
from graph.domain.access.viewer import Viewer
from graph.ports import Store
from schema.execution.runner import ALL, GraphQLRequest
from schema.shared.context import Context
from schema.shared.cursors import encode
from service.access.signed_in import SignedIn
from tests.builders.clients import Client
from tests.builders.runs import Run, until
from tests.builders.viewers import viewer

FIELDS = "cursor kind customerId otherCustomerId identifiers { namespace value } reason summary cause { source }"
FEED = f"subscription Feed($after: String) {{ changes(after: $after) {{ {FIELDS} }} }}"
OF_MERGES = f"subscription {{ changes(filter: {{kinds: [CUSTOMERS_MERGED]}}) {{ {FIELDS} }} }}"
SEES_ALL = viewer("steward", CHANGES_READ, CONTACT_READ, HISTORY_READ, caller="sue")
SEES_NO_CONTACTS = replace(SEES_ALL, scopes=SEES_ALL.scopes - {CONTACT_READ}, caller="otto")
Message = dict[str, Any]


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run)
    for number in range(3):
        observe(client, number)
    return client


def observe(client: Client, number: int) -> None:
    """Two customers that merge: at least three changes."""
    email, card = {"namespace": "email", "value": f"ann{number}@example.com"}, f"card-{number}"
    crm, loyalty = {"namespace": "crm_id", "value": f"C-{number}"}, {"namespace": "loyalty_card", "value": card}
    for id, pair in enumerate([(email, crm), (loyalty, {"namespace": "cookie", "value": card}), (crm, loyalty)]):
        client.link({"source": "shop", "id": f"{number}-{id}", "identifiers": list(pair)})


def context_of(client: Client, caller: Viewer, holds: Callable[[], bool] = lambda: True) -> Context:
    return client.endpoint.context(SignedIn(caller, holds), {"type": "http"})


async def follow(client: Client, context: Context, text: str, count: int, **variables: Any) -> list[Message]:
    """The first messages of a subscription."""
    received: list[Message] = []
    batches = client.endpoint.event_sources.batches(GraphQLRequest(text, variables), context, ALL)
    async with asyncio.timeout(30), aclosing(batches):
        async for batch in batches:
            received += map(orjson.loads, batch.bodies)
            if len(received) >= count or not batch.executed:
                break
    return received[:count]


async def alone(client: Client, context: Context, text: str, count: int, **variables: Any) -> list[Message]:
    """The same, executed for this caller only."""
    answers = client.endpoint.operations.stream(GraphQLRequest(text, variables), context, ALL)
    received: list[Message] = []
    async with asyncio.timeout(30), aclosing(answers):
        async for answer in answers:
            received.append({"data": answer.data})
            if len(received) == count:
                break
    return orjson.loads(orjson.dumps(received))


def total(client: Client) -> int:
    return len(client.ask("{ changes(first: 100) { nodes { id } } }")["changes"]["nodes"])


def test_followers_with_any_rights_and_positions_get_what_they_get_alone(client: Client, run: Run) -> None:
    # given
    newest = total(client)
    cases = [(caller, after) for caller in (SEES_ALL, SEES_NO_CONTACTS) for after in (0, 2, newest - 1) for _ in "ab"]

    async def attempt() -> None:
        # when
        shared = await asyncio.gather(
            *(
                follow(client, context_of(client, caller), FEED, newest - after, after=encode(after))
                for caller, after in cases
            )
        )
        # then
        for (caller, after), received in zip(cases, shared, strict=True):
            expected = await alone(client, context_of(client, caller), FEED, newest - after, after=encode(after))
            assert received == expected
        assert shared[0] != shared[6]
        assert "ann0@example.com" in str(shared[0])
        assert "ann0@example.com" not in str(shared[6])

    run(attempt())


def test_a_filter_and_new_events_are_shared(client: Client, run: Run) -> None:
    async def attempt() -> list[list[Message]]:
        following = [
            asyncio.create_task(follow(client, context_of(client, caller), OF_MERGES, 1))
            for caller in (SEES_ALL, replace(SEES_ALL, caller="another"))
        ]
        await until(lambda: client.graph.broadcaster.subscribers == 2)
        (readings,) = client.endpoint.event_sources.feeds._readings.values()
        assert [reading.followers for reading in readings] == [2]
        body = {
            "query": "mutation($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { results { __typename } } }"
        }
        pairs = [[("crm_id", "C-77"), ("cookie", "ck-77")], [("loyalty_card", "card-77"), ("cookie", "ck-78")]]
        pairs.append([("crm_id", "C-77"), ("loyalty_card", "card-77")])
        for id, pair in enumerate(pairs):
            identifiers = [{"namespace": namespace, "value": value} for namespace, value in pair]
            observations = [{"source": "shop", "id": f"x-{id}", "identifiers": identifiers}]
            await client.http.post("/graphql", json={**body, "variables": {"i": {"observations": observations}}})
        return await asyncio.gather(*following)

    first, second = run(attempt())
    assert first == second
    assert [message["data"]["changes"]["kind"] for message in first] == ["CUSTOMERS_MERGED"]
    assert client.graph.broadcaster.subscribers == 0


def test_each_caller_has_accessed_what_it_was_shown(client: Client, run: Run) -> None:
    async def attempt() -> None:
        contexts = [context_of(client, SEES_ALL), context_of(client, SEES_ALL)]
        for context in contexts:
            batches = client.endpoint.event_sources.batches(GraphQLRequest(FEED, {"after": encode(0)}), context, ALL)
            async with aclosing(batches):
                batch = await anext(batches)
            shown = [answer.accessed for answer in batch.answers]
            ids = [orjson.loads(body)["data"]["changes"]["customerId"] for body in batch.bodies]
            assert [id in accessed.customers for id, accessed in zip(ids, shown, strict=True) if accessed] == [
                True for _ in ids
            ]

    run(attempt())


def test_a_follower_whose_right_ends_gets_an_error_and_the_others_go_on(client: Client, run: Run) -> None:
    newest = total(client)

    async def attempt() -> tuple[list[Message], list[Message]]:
        ended = context_of(client, SEES_ALL, lambda: False)
        return tuple(  # type: ignore[return-value]
            await asyncio.gather(
                follow(client, ended, FEED, newest, after=encode(0)),
                follow(client, context_of(client, SEES_ALL), FEED, newest, after=encode(0)),
            )
        )

    ended, other = run(attempt())
    assert [message["errors"][0]["extensions"]["code"] for message in ended] == ["UNAUTHENTICATED"]
    assert len(other) == newest


@pytest.mark.parametrize("cursor", ["no cursor", encode(10_000), encode(-1)])
def test_a_cursor_that_is_not_valid_is_reported(client: Client, run: Run, cursor: str) -> None:
    (message,) = run(follow(client, context_of(client, SEES_ALL), FEED, 1, after=cursor))
    assert message["errors"][0]["extensions"]["code"] == "INVALID_CURSOR"


def test_what_a_caller_may_not_select_is_refused_whoever_may(client: Client, run: Run) -> None:
    async def attempt() -> None:
        allowed = asyncio.create_task(follow(client, context_of(client, SEES_ALL), FEED, 1, after=encode(0)))
        (message,) = await follow(client, context_of(client, viewer("till")), FEED, 1, after=encode(0))
        assert message["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert "data" in (await allowed)[0]

    run(attempt())


def test_followers_are_told_that_the_service_ends(client: Client, run: Run) -> None:
    async def attempt() -> list[Message]:
        following = asyncio.create_task(follow(client, context_of(client, SEES_ALL), FEED, 1))
        await until(lambda: client.graph.broadcaster.subscribers == 1)
        await client.graph.broadcaster.close()
        return await following

    (message,) = run(attempt())
    assert message["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN"
