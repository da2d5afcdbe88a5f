"""Search for customers: words in any order, without accents, prefixes, with a typing error."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graph.commands.search_texts import SEARCH_TEXTS_KEY
from graph.domain.profile import search
from graph.domain.profile.search import MIN_BEGINNING
from graph.ports import Store
from graph.stores.neo4j import Neo4jStore
from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, interaction, record, remove_override, set_override, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.strategies import SETTINGS

SEARCH = """query($text: String!, $first: Int! = 10, $after: String, $fields: [SearchField!]) {
  searchCustomers(text: $text, first: $first, after: $after, fields: $fields) { nodes {
    customer { emails { value } } matches { field value } } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.link(
        seen("email=renee.mueller@example.com", "phone=030 1234567", "loyalty_card=KC-2001", "cookie=secret-cookie"),
        seen("email=ann@work.example", "login=anna.schmidt"),
    )
    state(client, "email=renee.mueller@example.com", givenName="Renée", familyName="Müller", address={"city": "Köln"})
    state(client, "email=ann@work.example", givenName="Anna", familyName="Schmidt", address={"city": "Köln-Deutz"})
    client.record(order("W-7781", "email=ann@work.example"))
    return client


async def forget_texts(store: Store) -> None:
    """Remove the texts of all identifiers, as if an earlier version had stored others."""
    if isinstance(store, Neo4jStore):
        await store._read("MATCH (i:Identifier) REMOVE i.words")
    else:
        await store._alter(lambda db: db.execute("DELETE FROM search WHERE observation = 0"))


def hits_of(client: Client, text: str, **more: object) -> list[str]:
    hits = client.ask(SEARCH, {"text": text, **more})["searchCustomers"]["nodes"]
    return [hit["customer"]["emails"][0]["value"].split("@")[0] for hit in hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("renée müller", ["renee.mueller"]),
        ("Muller RENEE", ["renee.mueller"]),
        ("renee.mueller@example.com", ["renee.mueller"]),
        ("mueller", ["renee.mueller"]),
        ("mül", ["renee.mueller"]),
        ("KC-2001", ["renee.mueller"]),
        ("kc2001", ["renee.mueller"]),
        ("+49 30 1234567", ["renee.mueller"]),
        ("030/1234567", ["renee.mueller"]),
        ("030 123", ["renee.mueller"]),
        ("W-7781", ["ann"]),
        ("schmitd anna", ["ann"]),
        ("schmdt", ["ann"]),
        ("shcmidt", ["ann"]),
        ("anna köln", ["ann"]),
        ("koln", ["renee.mueller", "ann"]),
        ("renee schmidt", []),
        ("secret-cookie", ["renee.mueller"]),
        ("secret-c", ["renee.mueller"]),
        ("cookie", []),
        ("4567", ["renee.mueller"]),
        ("23 45 67", ["renee.mueller"]),
        ("567", []),
        ("3456", []),
        ("anna nobody", []),
    ],
)
def test_words_in_any_order_whole_prefixes_or_misspelled(client: Client, text: str, expected: list[str]) -> None:
    assert sorted(hits_of(client, text)) == sorted(expected)


def test_a_hit_shows_its_matches_and_the_best_hit_is_first(client: Client) -> None:
    # given: a customer whose name only has the word as a prefix
    state(client, "email=zoe@example.com", givenName="Annabel", familyName="Schmidt")
    # when
    hits = client.ask(SEARCH, {"text": "schmidt anna"})["searchCustomers"]["nodes"]
    # then
    assert [hit["customer"]["emails"][0]["value"] for hit in hits] == ["ann@work.example", "zoe@example.com"]
    assert {"field": "given_name", "value": "Annabel"} in hits[1]["matches"]
    (order_hit,) = client.ask(SEARCH, {"text": "W-7781"})["searchCustomers"]["nodes"]
    assert {"field": "order", "value": "W-7781"} in order_hit["matches"]
    assert len(hits_of(client, "schmidt", first=1)) == 1


def test_the_search_follows_merges_splits_and_revocations(client: Client) -> None:
    # given
    state(client, "cookie=ck-9", id="s-9", familyName="Wandering")
    client.link(seen("email=ann@work.example", "cookie=ck-9"))
    assert hits_of(client, "anna wandering") == ["ann"]
    # when
    apart = set_override(client, "keepApart", "email=ann@work.example", "cookie=ck-9")
    # then
    assert hits_of(client, "anna wandering") == []
    remove_override(client, apart["override"]["id"])
    assert hits_of(client, "anna wandering") == ["ann"]
    # when
    client.ask(REVOKE, {"o": [{"source": "crm", "id": "s-9"}]})
    # then
    assert hits_of(client, "wandering") == []


def test_texts_of_interactions_are_searched_only_on_request(client: Client) -> None:
    record(
        client,
        interaction("ticket", "email=ann@work.example", at="2026-01-01T10:00:00Z", text="The zipper broke on day one"),
        interaction("review", "login=anna.schmidt", at="2026-01-02T10:00:00Z", text="Nice boots"),
    )
    assert hits_of(client, "zipper") == []
    assert hits_of(client, "zipper broke", fields=["INTERACTIONS"]) == ["ann"]
    hits = client.ask(SEARCH, {"text": "boots", "fields": ["INTERACTIONS", "ATTRIBUTES"]})["searchCustomers"]["nodes"]
    assert hits[0]["matches"] == [{"field": "text", "value": "Nice boots"}]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "INVALID_LENGTH"),
        ("x" * 10_000, "INVALID_LENGTH"),
        ("@ . -", "INVALID_LENGTH"),
        ("a b c d e f g h i", "INVALID_COUNT"),
    ],
)
def test_an_invalid_search_is_an_error(client: Client, text: str, code: str) -> None:
    (error,) = client.send(SEARCH, {"text": text}).json()["errors"]
    assert error["extensions"]["code"] == code


@pytest.mark.parametrize(
    "text", ['"anna', "anna*", "anna OR 1", "NEAR(a b)", "field:anna", "a^b", "(((", "anna~", "\\"]
)
def test_operators_of_query_languages_have_no_meaning(client: Client, text: str) -> None:
    response = client.send(SEARCH, {"text": text})
    assert response.status_code == 200
    assert "INTERNAL_SERVER_ERROR" not in response.text


NUMBERS = [
    "S1/2026-0001",
    "2026/0001-7",
    "12.34-5 A",
    "§§§7§",
    "a-b-c-d-e-f-g-h-i-j",
    "z" * 499,
    "中文/7",
    "ÄÖ_ß 1",
    "0001 0002",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_an_identifier_is_found_by_its_own_text_and_by_its_beginning(client: Client, number: str) -> None:
    # given: besides others that begin alike
    client.link(seen(f"login={number}", "email=zoe@example.com"), seen("login=S1/2026-00", "email=eve@example.com"))
    for text in (number, f" {number} ", number[: len(number) // 2 + 2]):
        # when
        found = hits_of(client, text)
        # then
        assert "zoe" in found
    # then: the identifier itself comes before those that only begin with it
    client.link(seen(f"login={number}1", "email=abe@example.com"))
    assert hits_of(client, number)[0] == "zoe"


def test_each_stored_identifier_is_found(client: Client) -> None:
    names = sorted(client.graph.rules.names)
    values = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.from_regex(r"[a-zA-Z0-9 ./-]{3,40}")

    @given(namespace=st.sampled_from(names), value=values, length=st.integers(min_value=MIN_BEGINNING))
    @settings(SETTINGS, max_examples=60)
    def found(namespace: str, value: str, length: int) -> None:
        # given
        stored = client.graph.rules.normalize_value(namespace, value)
        assume(isinstance(stored, str))
        client.link(seen(f"{namespace}={stored}"))
        for text in {stored, stored[:length]}:
            # when
            response = client.send(SEARCH, {"text": text, "first": 100}).json()
            # then: other identifiers may begin with few characters too
            matches = [hit["matches"] for hit in response["data"]["searchCustomers"]["nodes"]]
            assert [{"field": namespace, "value": stored}] in matches or len(matches) == 100

    found()


def test_texts_of_an_earlier_version_are_replaced_once(client: Client, run: Run) -> None:
    # given: a store without the texts that searches need now
    store = client.wiring.store
    run(store.put_value(SEARCH_TEXTS_KEY, "1"))
    run(forget_texts(store))
    assert hits_of(client, "1234567") == []
    # when
    run(client.wiring.prepare())
    # then
    assert hits_of(client, "1234567") == ["renee.mueller"]
    assert hits_of(client, "müller") == ["renee.mueller"]
    assert run(store.get_value(SEARCH_TEXTS_KEY)) == search.VERSION


def test_pages_of_a_search_continue_after_the_cursor(client: Client) -> None:
    # given: four customers that match
    client.link(*(seen(f"email=erika{n}@example.com", f"login=erika-{n}") for n in range(4)))
    for n in range(4):
        state(client, f"email=erika{n}@example.com", givenName="Erika", familyName="Beispiel")
    unpaged = hits_of(client, "erika beispiel")
    # when
    after, pages = None, []
    while True:
        page = client.ask(SEARCH, {"text": "erika beispiel", "first": 3, "after": after})["searchCustomers"]
        pages.append([hit["customer"]["emails"][0]["value"].split("@")[0] for hit in page["nodes"]])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    # then
    assert [len(page) for page in pages] == [3, 1]
    assert pages[0] + pages[1] == unpaged
    assert sorted(unpaged) == [f"erika{n}" for n in range(4)]
