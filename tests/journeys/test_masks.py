"""Who may not read values is shown masks, in fields and in prose."""

import base64
import re
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from graphql import get_named_type

from graph.domain.access.roles import BUILT_IN, DEVELOPER, ROLES, Role
from graph.domain.access.scopes import BEHAVIOR_TEXT, CONTACT_READ, PROFILE_UNMASKED
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.identifiers import MASK
from graph.ports import Store
from graph.viewer_graph import ViewerGraph
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from schema.shared.cursors import encode
from service.config import rules_file
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.operations import UNDO, decide, interaction, record, set_override, state
from tests.builders.runs import Run
from tests.builders.selections import CORE, SCOPES, selection

WHY = """query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) { sameCustomer summary } }"""
UNBLOCK = """mutation($input: UnblockIdentifierInput!) { unblockIdentifier(input: $input) {
  errors { code message } } }"""
KEEP_APART = """mutation($input: KeepApartInput!) { keepApart(input: $input) {
  override { a { value } b { value } } conflict errors { code message } } }"""
RULES = """
[[guard]]
attribute = "birth_date"
compare = "date"

[[namespace]]
name = "crm_id"
known = true
limit = 1

[[namespace]]
name = "loyalty_card"
known = true

[[namespace]]
name = "email"
known = true
normalize = ["lower", "email"]

[[namespace]]
name = "phone"
known = true
normalize = ["phone:DE"]

[[namespace]]
name = "cookie"
"""
EMAIL, OTHER_EMAIL, PHONE, CARD = (
    "email=canaryanna@canarydomain.com",
    "email=canaryben@canarydomain.com",
    "phone=+4915117654321",
    "loyalty_card=CARDCANARY77001",
)
CRM, OTHER_CRM, COOKIE, SHARED = (
    "crm_id=CRMCANARY0011",
    "crm_id=CRMCANARY0022",
    "cookie=cookiecanary123456",
    "cookie=kioskcanary998877",
)
COOKIES = (COOKIE, "cookie=tabletcanary445566")
CONTACTS = ("canary", "15117654321", "77001", "7654321")
"""Parts of values that no mask shows. The names of people are canaries of their own."""
NAMES = ("Zephyrine", "Quackenbush", "1980-05-04", "2010-11-23", "Plumstreet", "98765", "Whimsyville")
"""Values of attributes, which `profile:unmasked` shows."""
ARGUMENTS = {
    "Customer.consent": '(purpose: "newsletter")',
    "Customer.identifiers": "(first: 2)",
    "Customer.links": "(first: 2)",
}
MASKED_ROLES = [role for role in BUILT_IN if CONTACT_READ not in role.scopes]


def viewer_of(role: Role) -> Viewer:
    """A viewer with the scopes of a role that reaches everybody, so that masks alone hide values."""
    return Viewer(f"a {role.name}", role.name, role.scopes, Reach.ANY)


class Asked:
    """Asks as viewers of any role."""

    def __init__(self, client: Client, run: Run) -> None:
        self._client, self._run = client, run
        self._runner = OperationRunner(
            schema, Limits(seconds=600, cost=10**9, tokens=10**6, fields=10**6, aliases=10**6, length=10**7)
        )

    def __call__(self, role: Role, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data and the errors of the answer."""
        context = new_context(ViewerGraph(self._client.graph, viewer_of(role)), lambda: True)
        answer = self._run(self._runner.run(GraphQLRequest(text, variables or {}), context, ALL))
        errors = [str(error) for error in answer.errors or ()]
        # As it is sent: in memory, a masked value equals what it stands for.
        return orjson.loads(orjson.dumps({"data": answer.data, "errors": errors}))


@pytest.fixture
def shop(store: Store, run: Run) -> Client:
    """A shop whose values are canaries, with everything that quotes them: reasons, overrides, findings, texts."""
    client = Client(store, run, rules_file.parse(RULES))
    client.link(seen(CRM, EMAIL, at="2026-01-01T00:00:00Z", source="crm"))
    client.link(seen(CARD))
    client.link(seen(EMAIL, PHONE, COOKIE), seen(CARD, COOKIE), seen(OTHER_CRM, OTHER_EMAIL, at="2026-01-02T00:00:00Z"))
    client.link(seen(OTHER_CRM, EMAIL), seen(COOKIE, OTHER_EMAIL, confidence=0.5))
    for key, name, born in ((CRM, "Zephyrine", "1980-05-04"), (OTHER_CRM, "Quackenbush", "2010-11-23")):
        address = {"street": "Plumstreet 5", "postalCode": "98765", "city": "Whimsyville", "country": "DE"}
        state(client, key, name=name, givenName=name, birthDate=born, address=address)
    state(client, CRM, source="web", name=f"{NAMES[1]} {NAMES[0]}")
    decide(client, EMAIL, decision="GIVEN", at="2026-01-03T00:00:00Z")
    decide(client, OTHER_EMAIL, decision="REFUSED", at="2026-01-03T00:00:00Z")
    text = f"please write to {EMAIL[6:]} or call +49 1511 7654321"
    properties = {"to": EMAIL[6:], "nested": [{"phone": "+49-1511-7654321"}]}
    record(client, interaction("support_call", EMAIL, at="2026-01-04T00:00:00Z", text=text, properties=properties))
    client.record(order("W-1", EMAIL))
    for number in range(6):
        client.link(seen(f"crm_id=CRMCANARY9{number}00", SHARED))
    set_override(client, "keepApart", CRM, OTHER_CRM, actor="sue", reason=f"{EMAIL[6:]} called from +49 1511 7654321")
    set_override(client, "keepTogether", CARD, EMAIL, actor="sue", reason=f"{CARD} is hers")
    set_override(client, "blockIdentifier", SHARED, actor="sue", reason="a kiosk")
    return client


def documents(role: Role, client: Client) -> list[str]:
    """Documents that select every field that a role may select, through every root that returns personal data.

    Identifiers are not sent as values: a caller is shown these as they are.
    """
    fields = "id history(first: 100) { nodes { id } } identifiers(first: 100) { nodes { namespace value ref } }"
    customers = [client.customer(key, fields) for key in (CRM, OTHER_CRM)]
    overrides = client.ask("{ overrides { nodes { id } } }")["overrides"]["nodes"]
    histories = [node for customer in customers for node in customer["history"]["nodes"]]
    ids = [node["id"] for node in (*customers, *overrides, *histories)]
    a, b = (_by_reference(customer, key) for customer, key in zip(customers, (CRM, OTHER_CRM), strict=True))
    texts = ", INTERACTIONS" if BEHAVIOR_TEXT in role.scopes else ""
    roots = {
        "customer": [f'(by: {{id: "{customer["id"]}"}})' for customer in customers],
        "order": ['(number: "W-1")'],
        "changes": ["(first: 100)"],
        "overrides": ["(first: 100)"],
        "graphHealth": ["(first: 100)"],
        "nodes": [f"(ids: {orjson.dumps(ids[:100]).decode()})"],
        "searchCustomers": [
            f'(text: "{text}", fields: [IDENTIFIERS, ATTRIBUTES{texts}])'
            for text in ("canary", "canarydomain", "zephyrine", "whimsyville", "4321", "please")
        ],
        "why": [f"(a: {a}, b: {b})", f"(b: {a}, a: {b})"],
    }
    query: Any = CORE.query_type
    return [
        f"{{ {name}{arguments} {{ {inner} }} }}"
        for name, variants in roots.items()
        for arguments in variants
        if SCOPES[f"Query.{name}"] in role.scopes
        and (inner := selection(get_named_type(query.fields[name].type), role.scopes, ARGUMENTS, 6))
    ]


def _by_reference(customer: dict[str, Any], key: str) -> str:
    namespace, _, value = key.partition("=")
    (node,) = (node for node in customer["identifiers"]["nodes"] if node["value"].lower() == value.lower())
    return f'{{namespace: "{namespace}", value: "{node["ref"]}"}}'


def _reference(client: Client, key: str) -> str:
    customer = client.customer(key, "identifiers(first: 100) { nodes { namespace value ref } }")
    return next(node["ref"] for node in customer["identifiers"]["nodes"] if node["value"] == key.partition("=")[2])


def shown(answer: Any) -> str:
    """All texts of an answer, and what those hold that are base64."""
    text = orjson.dumps(answer).decode()
    decoded: list[str] = []
    for word in set(re.findall(r"[A-Za-z0-9_-]{8,}", text)):
        for part in (word[cut:] for cut in range(4)):
            decoded.append(base64.urlsafe_b64decode(part[: len(part) // 4 * 4]).decode(errors="replace"))
    return " ".join([text, *decoded]).lower()


@pytest.mark.parametrize("role", MASKED_ROLES, ids=lambda role: role.name)
def test_no_answer_contains_a_value_that_the_viewer_may_not_read(shop: Client, run: Run, role: Role) -> None:
    # given
    ask = Asked(shop, run)
    hidden = [*CONTACTS, *(() if PROFILE_UNMASKED in role.scopes else NAMES)]
    # when: each document runs interpreted, and then compiled
    for text in documents(role, shop):
        for _ in range(2):
            answer = ask(role, text)
            # then
            assert not answer["errors"], (text[:100], answer["errors"])
            texts = shown(answer)
            assert [canary for canary in hidden if canary.lower() in texts] == [], (text[:100], _around(texts, hidden))


def _around(text: str, hidden: list[str]) -> list[str]:
    found = [text.find(canary.lower()) for canary in hidden]
    return [text[max(0, at - 80) : at + 40] for at in found if at >= 0]


def test_a_viewer_with_the_scopes_is_shown_every_value(shop: Client, run: Run) -> None:
    # when
    texts = "".join(shown(Asked(shop, run)(DEVELOPER, text)) for text in documents(DEVELOPER, shop))
    # then: the canaries would be found
    assert [canary for canary in (*CONTACTS, *NAMES) if canary.lower() not in texts] == []
    assert MASK not in texts


def test_a_till_is_shown_the_card_that_it_presented_and_masks_of_the_rest(shop: Client, run: Run) -> None:
    # when
    text = """query($i: IdentifierInput!) { customer(by: {identifier: $i}) {
      identifiers { nodes { namespace value } } } }"""
    (card,) = identifiers(CARD)
    data = Asked(shop, run)(ROLES["till"], text, {"i": card})["data"]
    # then
    values = [(node["namespace"], node["value"]) for node in data["customer"]["identifiers"]["nodes"]]
    assert ("loyalty_card", "CARDCANARY77001") in values
    assert ("phone", "•••21") in values
    assert ("email", "c•••@c•••.com") in values


def test_a_masked_value_finds_nobody_and_is_not_recorded(shop: Client, run: Run) -> None:
    # when
    text = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id } }"
    (masked,) = identifiers("email=c•••@c•••.com")
    answer = Asked(shop, run)(ROLES["steward"], text, {"i": masked})
    # then
    assert "is masked" in answer["errors"][0]
    # when: a client sends back what it was shown
    (result,) = shop.link(seen("email=c•••@c•••.com", "cookie=another"))
    # then: it links nobody
    assert [dropped["reason"] for dropped in result["droppedIdentifiers"]] == ["is masked"]


def test_a_steward_acts_by_references(shop: Client, run: Run) -> None:
    # given: a steward that sees masks only
    ask, steward = Asked(shop, run), ROLES["steward"]
    read = (
        """query($id: ID!) { customer(by: {id: $id}) { identifiers(first: 100) { nodes { namespace value ref } } } }"""
    )
    id = shop.customer(EMAIL)["id"]
    nodes = ask(steward, read, {"id": id})["data"]["customer"]["identifiers"]["nodes"]
    refs = {node["namespace"]: {"namespace": node["namespace"], "value": node["ref"]} for node in nodes}
    assert all(MASK in node["value"] for node in nodes if node["namespace"] != "order")
    # when: it asks why, and keeps two of them apart
    why = ask(steward, WHY, {"a": refs["email"], "b": refs["loyalty_card"]})
    override = ask(steward, KEEP_APART, {"input": {"a": refs["email"], "b": refs["phone"], "reason": "two people"}})
    # then
    assert why["data"]["why"]["sameCustomer"] is True
    assert override["data"]["keepApart"]["errors"] == []
    assert override["data"]["keepApart"]["override"]["a"]["value"] == "c•••@c•••.com"
    assert "canary" not in shown([why, override])
    assert shop.customer(EMAIL)["id"] != shop.customer(PHONE)["id"]
    # when: others send the reference
    till = ask(ROLES["till"], read.replace("ref", ""), {"id": id})
    by = "query($i: IdentifierInput!) { customer(by: {identifier: $i}) { id } }"
    # then: it is a value like any other to them
    assert till["errors"] == []
    assert ask(ROLES["till"], by, {"i": refs["loyalty_card"]})["data"]["customer"] is None


def test_a_refusal_does_not_quote_what_a_reference_stands_for(shop: Client, run: Run) -> None:
    # given
    ask, steward = Asked(shop, run), ROLES["steward"]
    email = {"namespace": "email", "value": _reference(shop, EMAIL)}
    pair = {"a": email, "b": email, "reason": "a mistake"}
    # when
    answers = [
        ask(steward, WHY, {"a": email, "b": email}),
        ask(steward, KEEP_APART, {"input": pair}),
        ask(steward, UNBLOCK, {"input": {"identifier": email}}),
    ]
    # then
    assert "DUPLICATE_IDENTIFIER" in str(answers[1])
    assert "OVERRIDE_NOT_FOUND" in str(answers[2])
    assert "canary" not in shown(answers)


def test_a_steward_undoes_a_merge_that_it_sees_behind_masks(shop: Client, run: Run) -> None:
    # given
    ask, steward = Asked(shop, run), ROLES["steward"]
    shop.link(seen("crm_id=CRMCANARY7711", at="2026-02-01T00:00:00Z"))
    shop.link(seen("email=canaryzoe@canarydomain.com", COOKIES[1], at="2026-02-01T00:00:00Z"))
    shop.link(seen("crm_id=CRMCANARY7711", COOKIES[1], at="2026-02-02T00:00:00Z"))
    changes = ask(steward, "{ changes(first: 100) { nodes { id kind summary } } }")["data"]["changes"]["nodes"]
    *_, separated, merge = (change for change in changes if change["kind"] == "CUSTOMERS_MERGED")
    undo = {"input": {"changeId": merge["id"], "reason": f"{EMAIL[6:]} is her mother's"}}
    # when: it undoes the merge, and then again
    undone, again = (ask(steward, UNDO, undo) for _ in range(2))
    refused = ask(steward, UNDO, {"input": {"changeId": separated["id"], "reason": "too late"}})
    # then
    assert undone["data"]["undoMerge"]["errors"] == []
    assert MASK in undone["data"]["undoMerge"]["override"]["a"]["value"]
    assert [error["code"] for error in again["data"]["undoMerge"]["errors"]] == ["ALREADY_UNDONE"]
    assert [error["code"] for error in refused["data"]["undoMerge"]["errors"]] == ["NOTHING_TO_UNDO"]
    assert "canary" not in shown([undone, again, refused])


def test_the_stream_of_changes_is_masked(shop: Client, run: Run) -> None:
    # given
    graph = ViewerGraph(shop.graph, viewer_of(ROLES["steward"]))

    async def first() -> Any:
        async with aclosing(graph.new_changes(0)) as entries:
            return await anext(entries)

    # when
    change = run(first()).change
    # then
    assert [str(key) for key in change.keys] == ["crm_id=CR•••11", "email=c•••@c•••.com"]


def test_pages_of_masked_lists_are_complete_and_their_cursors_cannot_be_made(shop: Client, run: Run) -> None:
    # given
    ask, steward, id = Asked(shop, run), ROLES["steward"], shop.customer(EMAIL)["id"]
    read = """query($id: ID!, $after: String) { customer(by: {id: $id}) {
      identifiers(first: 1, after: $after) { nodes { namespace ref } pageInfo { endCursor hasNextPage } } } }"""
    refs: list[str] = []
    after = None
    while True:
        page = ask(steward, read, {"id": id, "after": after})["data"]["customer"]["identifiers"]
        refs += [node["ref"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    # then: each identifier is there once
    total = len(shop.keys_of(EMAIL))
    assert len(refs) == len(set(refs)) == total
    # when: it makes a cursor of a guess, to learn on which side of it a value is
    guess = encode(0, "crm_id=CRMCANARY0005")
    answer = ask(steward, read, {"id": id, "after": guess})
    # then
    assert "not a valid cursor" in answer["errors"][0]


def test_the_consent_in_effect_is_the_same_behind_masks_that_are_equal(shop: Client, run: Run) -> None:
    # given: two addresses with one mask, of one customer
    set_override(shop, "keepTogether", EMAIL, "email=canaryeve@canarydomain.com", actor="sue", reason="hers")
    decide(shop, "email=canaryeve@canarydomain.com", decision="WITHDRAWN", at="2026-01-05T00:00:00Z")
    text = """query($id: ID!) { customer(by: {id: $id}) { consents { identifier { value } decision }
      consent(purpose: "newsletter") { decision identifier { value } } } }"""
    id = shop.customer(EMAIL)["id"]
    # when
    unmasked, masked = (Asked(shop, run)(role, text, {"id": id})["data"] for role in (DEVELOPER, ROLES["storefront"]))
    # then
    decisions = [each["decision"] for each in unmasked["customer"]["consents"]]
    assert decisions == [each["decision"] for each in masked["customer"]["consents"]] != []
    assert len(decisions) == 3
    assert masked["customer"]["consent"]["decision"] == unmasked["customer"]["consent"]["decision"] == "WITHDRAWN"


def test_messages_have_codes_and_parameters(shop: Client, run: Run) -> None:
    # when
    text = """{ changes(first: 100) { nodes { kind reasonParts { ...Parts } summaryParts { ...Parts } } } }
      fragment Parts on MessageParts { code parameters { name value identifier { namespace value } } }"""
    nodes = Asked(shop, run)(ROLES["steward"], text)["data"]["changes"]["nodes"]
    # then: the reason of a merge has its identifiers, which are masked
    merge = next(node for node in nodes if node["kind"] == "CUSTOMERS_MERGED")
    assert merge["reasonParts"]["code"] == "SEEN_TOGETHER"
    parameters = {parameter["name"]: parameter for parameter in merge["reasonParts"]["parameters"]}
    assert list(parameters) == ["a", "b", "sources", "party"]
    assert parameters["party"]["value"] == "first"
    assert MASK in parameters["a"]["identifier"]["value"]
    assert merge["summaryParts"]["code"] == "MERGED"
