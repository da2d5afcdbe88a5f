"""Broken values as systems send them: what is meant is found, what is not meant links nobody."""

import pytest

from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    run(client.wiring.prepare())
    return client


def test_invisible_characters_make_nobody_another_person(client: Client) -> None:
    # given
    client.link(
        seen("crm_id=4711", "email=ann@example.com"),
        seen("crm_id=4711\u200b", "cookie=ck-0001"),
        seen("email=ann@example.com\u200b", "cookie=ck-0002"),
        seen("email=Ann Lee <ann@example.com>", "cookie=ck-0003"),
        seen("login=\ufeffann", "cookie=ck-0004"),
        seen("login=ann", "cookie=ck-0005"),
    )
    # when, then
    assert client.keys_of("crm_id=\u200e4711") == [
        "crm_id=4711",
        "email=ann@example.com",
        "cookie=ck-0001",
        "cookie=ck-0002",
        "cookie=ck-0003",
    ]
    assert client.keys_of("login=ann") == ["login=ann", "cookie=ck-0004", "cookie=ck-0005"]


def test_a_null_value_is_dropped_alone(client: Client) -> None:
    # given
    batch = [seen(f"crm_id=B{number}", f"cookie=batch-{number}") for number in range(999)]
    broken = seen("crm_id=BX")
    broken["identifiers"].append({"namespace": "cookie", "value": None})
    # when
    results = client.link(*batch, broken)
    # then
    assert {result["__typename"] for result in results} == {"ObservationAccepted"}
    dropped = results[-1]["droppedIdentifiers"]
    assert dropped == [{"namespace": "cookie", "value": "", "code": "EMPTY", "reason": "is empty"}]
    assert client.keys_of("crm_id=B5") == ["crm_id=B5", "cookie=batch-5"]


def test_a_phone_number_is_read_in_the_country_that_comes_with_it(client: Client) -> None:
    # given
    swiss = {"namespace": "phone", "value": "044 668 18 00", "country": "CH"}
    client.link({**seen("email=cid@example.com"), "identifiers": [{"namespace": "crm_id", "value": "C-1"}, swiss]})
    client.link(seen("crm_id=C-2", "phone=+49 44 6681800"))
    query = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { identifiers { nodes { value } } } }"
    # when
    found = client.ask(query, {"i": swiss})["customer"]["identifiers"]["nodes"]
    # then
    assert [node["value"] for node in found] == ["C-1", "+41446681800"]
    assert client.keys_of("crm_id=C-2") == ["crm_id=C-2", "phone=+49446681800"]


@pytest.mark.parametrize("namespace", ["login", "crm_id", "loyalty_card"])
@pytest.mark.parametrize(("people", "together"), [(20, 5), (21, 0), (30, 0)])
def test_an_identifier_of_too_many_people_links_nobody(
    client: Client, namespace: str, people: int, together: int
) -> None:
    # given: a broken login page, or a cashier's card
    shared = f"{namespace}=EVERYBODY"
    client.link(
        *(seen(shared, f"email=p{number}@example.com", at=f"2026-03-01T10:{number:02}:00Z") for number in range(people))
    )
    # when
    emails = [key for key in client.keys_of(shared) if key.startswith("email=")]
    # then: up to 20 people, the five seen last are one customer, as `limit` of email allows
    assert len(emails) == together
    customers = {client.customer(f"email=p{number}@example.com")["id"] for number in range(people)}
    assert len(customers) == people - max(together - 1, 0)


def test_the_shared_ids_of_devices_link_nobody(client: Client) -> None:
    # given
    device = "device=9774D56D682E549C"
    results = client.link(
        seen("email=ann@example.com", device),
        seen("email=bob@example.com", device),
        seen("email=cid@example.com", "cookie={{cookie}}"),
        seen("email=dan@example.com", "cookie={{cookie}}"),
    )
    # then
    assert [result["droppedIdentifiers"][0]["code"] for result in results] == ["BLOCKED"] * 4
    assert len({result["customerId"] for result in results}) == 4


def test_a_value_that_a_spreadsheet_has_damaged_is_dropped_by_name_or_restored(client: Client) -> None:
    # given
    results = client.link(
        seen("email=ann@example.com", "loyalty_card=4.05E+12"),
        seen("email=bob@example.com", "loyalty_card=4.05E+12"),
        seen("email=cid@example.com", "loyalty_card=40500001"),
        seen("crm_id=C-3", 'loyalty_card="40500001.0"'),
    )
    # then
    reason = "is in scientific notation: a spreadsheet has cut off digits"
    assert [result["droppedIdentifiers"][0]["reason"] for result in results[:2]] == [reason] * 2
    assert client.keys_of("crm_id=C-3") == ["crm_id=C-3", "loyalty_card=40500001", "email=cid@example.com"]


def test_the_forms_of_an_ip_address_are_one_identifier(client: Client) -> None:
    # given
    forms = ["2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:DB8::1]:443"]
    client.link(*(seen("cookie=home-1", f"ip={form}") for form in forms))
    # when, then
    assert client.keys_of("cookie=home-1") == ["cookie=home-1", "ip=2001:db8::1"]


def test_attributes_are_cleaned_like_identifiers(client: Client) -> None:
    # given
    record = """mutation($input: RecordAttributesInput!) { recordAttributes(input: $input) { results {
      ... on Rejected { problem { code message path } } ... on ObservationAccepted { status } } } }"""
    person = {"source": "crm", "identifiers": seen("crm_id=C-1")["identifiers"]}
    names = ["\ufeffAnn\u00a0\u200b  Lee ", "#REF!", "4.05E+12"]
    # when
    answer = client.ask(record, {"input": {"attributes": [{**person, "name": name} for name in names]}})
    results = answer["recordAttributes"]["results"]
    # then
    assert results[0] == {"status": "VALID"}
    for name, result in zip(names[1:], results[1:], strict=True):
        assert (result["problem"]["code"], result["problem"]["path"]) == ("INVALID_VALUE", ["name"])
        assert repr(name) in result["problem"]["message"]
    assert client.customer("crm_id=C-1", "profile { name { value } }") == {"profile": {"name": {"value": "Ann Lee"}}}
