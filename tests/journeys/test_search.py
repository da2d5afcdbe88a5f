"""Finding a customer by what somebody at a desk knows: parts, in any order, without accents, with a typing error."""

import pytest

from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, did, mark, record, remove, state
from tests.builders.runs import Run
from tests.builders.stores import Fresh

SEARCH = """query($text: String!, $first: Int! = 10, $after: String, $fields: [SearchField!]) {
  searchCustomers(text: $text, first: $first, after: $after, fields: $fields) { nodes {
    customer { emails { value } } matched { field value } } pageInfo { hasNextPage endCursor } } }"""


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


def found(client: Client, text: str, **more: object) -> list[str]:
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
        ("secret-cookie", []),
        ("anna nobody", []),
    ],
)
def test_words_in_any_order_whole_or_begun_or_misspelt(client: Client, text: str, expected: list[str]) -> None:
    assert sorted(found(client, text)) == sorted(expected)


def test_what_matched_is_told_and_the_best_comes_first(client: Client) -> None:
    # given: one whose name only begins like it
    state(client, "email=zoe@example.com", givenName="Annabel", familyName="Schmidt")
    # when
    hits = client.ask(SEARCH, {"text": "schmidt anna"})["searchCustomers"]["nodes"]
    # then
    assert [hit["customer"]["emails"][0]["value"] for hit in hits] == ["ann@work.example", "zoe@example.com"]
    assert {"field": "given_name", "value": "Annabel"} in hits[1]["matched"]
    (order_hit,) = client.ask(SEARCH, {"text": "W-7781"})["searchCustomers"]["nodes"]
    assert {"field": "order", "value": "W-7781"} in order_hit["matched"]
    assert len(found(client, "schmidt", first=1)) == 1


def test_the_search_follows_merges_splits_and_revocations(client: Client) -> None:
    # given
    state(client, "cookie=ck-9", id="s-9", familyName="Wandering")
    client.link(seen("email=ann@work.example", "cookie=ck-9"))
    assert found(client, "anna wandering") == ["ann"]
    # when
    apart = mark(client, "keepApart", "email=ann@work.example", "cookie=ck-9")
    # then
    assert found(client, "anna wandering") == []
    remove(client, apart["mark"]["id"])
    assert found(client, "anna wandering") == ["ann"]
    # when
    client.ask(REVOKE, {"o": [{"source": "crm", "id": "s-9"}]})
    # then
    assert found(client, "wandering") == []


def test_what_was_said_is_searched_only_when_it_is_asked_for(client: Client) -> None:
    record(
        client,
        did("ticket", "email=ann@work.example", at="2026-01-01T10:00:00Z", text="The zipper broke on the first day"),
        did("review", "login=anna.schmidt", at="2026-01-02T10:00:00Z", text="Nice boots"),
    )
    assert found(client, "zipper") == []
    assert found(client, "zipper broke", fields=["INTERACTION"]) == ["ann"]
    hits = client.ask(SEARCH, {"text": "boots", "fields": ["INTERACTION", "ATTRIBUTES"]})["searchCustomers"]["nodes"]
    assert hits[0]["matched"] == [{"field": "text", "value": "Nice boots"}]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "BAD_LENGTH"), ("x" * 10_000, "BAD_LENGTH"), ("@ . -", "BAD_LENGTH"), ("a b c d e f g h i", "BAD_COUNT")],
)
def test_a_search_that_is_none_is_told_so(client: Client, text: str, code: str) -> None:
    (error,) = client.send(SEARCH, {"text": text}).json()["errors"]
    assert error["extensions"]["code"] == code


@pytest.mark.parametrize(
    "text", ['"anna', "anna*", "anna OR 1", "NEAR(a b)", "field:anna", "a^b", "(((", "anna~", "\\"]
)
def test_signs_of_query_languages_are_only_signs(client: Client, text: str) -> None:
    assert client.send(SEARCH, {"text": text}).status_code == 200
    for answer in (client.send(SEARCH, {"text": text}).json(),):
        assert "INTERNAL" not in str(answer)


def test_pages_of_a_search_go_on_behind_the_cursor(client: Client) -> None:
    # given: four customers that match
    client.link(*(seen(f"email=erika{n}@example.com", f"login=erika-{n}") for n in range(4)))
    for n in range(4):
        state(client, f"email=erika{n}@example.com", givenName="Erika", familyName="Beispiel")
    whole = found(client, "erika beispiel")
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
    assert pages[0] + pages[1] == whole
    assert sorted(whole) == [f"erika{n}" for n in range(4)]
