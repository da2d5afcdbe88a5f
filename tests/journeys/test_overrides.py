"""Nothing is final, everything is explained: marks, undo, history, why, simulate."""

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import UNDO, mark, remove
from tests.builders.runs import Run
from tests.builders.stores import Fresh

WHY = """query($a: IdentifierInput!, $b: IdentifierInput!) { why(a: $a, b: $b) {
  same sentence
  chains { steps { start { value } end { value } link { count sources tier } mark { actor } }
    weakest { end { value } } }
  obstacles { kind text link { state reason { code } } identifier { value } mark { id }
    against { steps { start { value } end { value } } } } } }"""
HISTORY = (
    "history { nodes { id kind customerId otherId identifiers { value } rule sentence cause { source party actor } } }"
)


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def why(client: Client, a: str, b: str) -> dict:
    one, other = identifiers(a, b)
    return client.ask(WHY, {"a": one, "b": other})["why"]


def feed(client: Client, first: int = 100) -> list[dict]:
    found, since = [], "null"
    while True:
        query = f"""{{ changes(since: {since}, first: {first}) {{
          nodes {{ cursor kind customerId otherId identifiers {{ namespace value }} }}
          pageInfo {{ hasNextPage }} }} }}"""
        page = client.ask(query)["changes"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        since = f'"{page["nodes"][-1]["cursor"]}"'


def test_the_story_of_a_family_tablet(client: Client) -> None:
    # given: two people, each with an e-mail address, and a tablet that both use
    (ann,) = client.link(seen("email=ann@example.com", "login=ann", at="2026-01-01T00:00:00Z"))
    (ben,) = client.link(seen("email=ben@example.com", "phone=030 1234567", at="2026-01-02T00:00:00Z"))
    client.link(seen("email=ann@example.com", "device=family-tablet", at="2026-02-01T00:00:00Z"))
    (merge,) = client.link(seen("email=ben@example.com", "device=family-tablet", at="2026-03-01T00:00:00Z"))
    assert merge["merges"][0]["retiredId"] == ben["customerId"]
    # when: why are they one?
    answer = why(client, "email=ann@example.com", "email=ben@example.com")
    # then
    assert answer["same"] is True
    (chain,) = answer["chains"]
    assert [step["end"]["value"] for step in chain["steps"]] == ["family-tablet", "ben@example.com"]
    assert "family-tablet" in answer["sentence"]
    # when: it is undone
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    change = next(node for node in nodes if node["kind"] == "MERGED")
    assert "were seen together" in change["rule"]
    assert change["cause"]["source"] == "web"
    undone = client.ask(UNDO, {"input": {"change": change["id"], "actor": "sue"}})["undoChange"]
    # then: both ids are back, the tablet went with its newest user
    assert undone["errors"] == []
    assert undone["mark"]["kind"] == "APART"
    assert {one["id"] for one in undone["customers"]} == {ann["customerId"], ben["customerId"]}
    assert client.customer("email=ben@example.com")["id"] == ben["customerId"]
    assert client.customer("email=ann@example.com")["id"] == ann["customerId"]
    (stayed,) = undone["stayed"]
    assert stayed["identifier"]["value"] == "family-tablet"
    assert (stayed["wasWith"], stayed["isWith"]) == (ann["customerId"], ben["customerId"])
    assert "saw" in stayed["reason"]
    # when: the next observation arrives
    client.link(seen("email=ann@example.com", "device=family-tablet", at="2026-04-01T00:00:00Z"))
    # then: they stay apart, and why says who keeps them so
    apart = why(client, "email=ann@example.com", "email=ben@example.com")
    assert apart["same"] is False
    assert apart["obstacles"][0]["kind"] == "APART"
    assert "sue keeps" in apart["sentence"]
    assert client.keys_of("email=ann@example.com")[-1] == "device=family-tablet"
    # when: the mark is removed, the merge is redone
    remove(client, undone["mark"]["id"])
    assert client.customer("email=ben@example.com")["id"] == ann["customerId"]


def test_an_undo_cannot_be_done_twice_and_only_to_merges(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    client.link(seen("device=ann-tablet"))
    client.link(seen("email=ann@example.com", "device=ann-tablet"))
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    merged = next(node["id"] for node in nodes if node["kind"] == "MERGED")
    created = next(node["id"] for node in nodes if node["kind"] == "CREATED")

    def undo(change: str) -> list[str]:
        return [one["code"] for one in client.ask(UNDO, {"input": {"change": change}})["undoChange"]["errors"]]

    # when, then
    assert undo(merged) == []
    assert undo(merged) == ["ALREADY_UNDONE"]
    assert undo(created) == ["NOT_A_MERGE"]
    assert undo("chg_999999") == ["UNKNOWN_CHANGE"]
    assert undo("nonsense") == ["UNKNOWN_CHANGE"]


def test_an_undo_of_what_later_changes_parted_says_so(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com"))
    client.link(seen("device=ann-tablet"))
    client.link(seen("email=ann@example.com", "device=ann-tablet", id="wrong"))
    nodes = client.customer("email=ann@example.com", HISTORY)["history"]["nodes"]
    merged = next(node["id"] for node in nodes if node["kind"] == "MERGED")
    client.ask(
        'mutation { revokeObservations(input: {observations: [{source: "web", id: "wrong"}]}) { errors { code } } }'
    )
    # when
    answer = client.ask(UNDO, {"input": {"change": merged}})["undoChange"]
    # then
    assert [one["code"] for one in answer["errors"]] == ["NOTHING_TO_UNDO"]


def test_a_block_makes_links_idle_and_unblocking_restores(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com", "phone=030 1234567"), seen("email=b@example.com", "phone=030 1234567"))
    assert len(client.keys_of("email=a@example.com")) == 3
    # when
    blocked = mark(client, "blockIdentifier", "phone=030 1234567", actor="sue", reason="switchboard")
    # then
    assert (blocked["created"], blocked["mark"]["kind"], blocked["mark"]["actor"]) == (True, "BLOCKED", "sue")
    assert client.keys_of("email=a@example.com") == ["email=a@example.com"]
    client.link(seen("email=a@example.com", "phone=030 1234567"))
    assert client.keys_of("email=a@example.com") == ["email=a@example.com"], "it holds against later data"
    reasons = client.customer("email=a@example.com", "links { nodes { state reason { code } } }")["links"]["nodes"]
    assert reasons == [{"state": "IDLE", "reason": {"code": "BLOCKED"}}]
    told = why(client, "email=a@example.com", "email=b@example.com")
    assert (told["obstacles"][0]["kind"], told["obstacles"][0]["identifier"]["value"]) == ("BLOCKED", "+49301234567")
    # when
    unblocked = mark(client, "unblockIdentifier", "phone=030 1234567")
    again = mark(client, "unblockIdentifier", "phone=030 1234567")
    # then
    assert unblocked["errors"] == []
    assert len(client.keys_of("email=a@example.com")) == 3
    assert [one["code"] for one in again["errors"]] == ["UNKNOWN_MARK"]


def test_marks_that_contradict_each_other_say_which_stands(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com"), seen("email=b@example.com"))
    together = mark(client, "keepTogether", "email=a@example.com", "email=b@example.com", actor="sue")
    assert together["note"] is None
    # when
    apart = mark(client, "keepApart", "email=a@example.com", "email=b@example.com")
    again = mark(client, "keepTogether", "email=b@example.com", "email=a@example.com")
    # then
    assert "apart stands" in apart["note"]
    assert "apart mark beats it" in again["note"]
    # when
    assert remove(client, apart["mark"]["id"])["errors"] == []
    # then: what would be without it is back
    assert len(client.keys_of("email=a@example.com")) == 2
    assert [one["code"] for one in remove(client, apart["mark"]["id"])["errors"]] == ["UNKNOWN_MARK"]


def test_marks_are_listed_in_pages(client: Client) -> None:
    # given
    for number in range(5):
        mark(client, "keepApart", "email=a@example.com", f"email=b{number}@example.com")
    mark(client, "blockIdentifier", "phone=030 1234567")
    # when
    query = "{ marks(first: 4%s) { nodes { kind b { value } } pageInfo { hasNextPage endCursor } } }"
    first = client.ask(query % "")["marks"]
    second = client.ask(query % f', after: "{first["pageInfo"]["endCursor"]}"')["marks"]
    one = client.ask(query % ', identifier: {namespace: "phone", value: "0301234567"}')["marks"]
    # then
    assert [len(page["nodes"]) for page in (first, second)] == [4, 2]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert one["nodes"] == [{"kind": "BLOCKED", "b": None}]


def test_why_not_tells_the_limit_and_the_stronger_links(client: Client) -> None:
    # given
    client.link(seen("crm_id=K1", "email=tom@example.com", at="2026-01-01T00:00:00Z"))
    client.link(seen("crm_id=K2", "email=sue@example.com", at="2026-01-01T00:00:00Z"))
    client.link(seen("email=tom@example.com", "cookie=shared-pc", at="2026-01-02T00:00:00Z"))
    client.link(seen("email=sue@example.com", "cookie=shared-pc", at="2026-01-03T00:00:00Z"))
    # when
    answer = why(client, "crm_id=K1", "crm_id=K2")
    # then
    (obstacle,) = answer["obstacles"]
    assert obstacle["kind"] == "LIMIT"
    assert obstacle["link"] == {"state": "SUSPENDED", "reason": {"code": "LIMIT"}}
    ends = {chain["steps"][-1]["end"]["value"] for chain in obstacle["against"]}
    assert ends == {"K1", "K2"}
    assert "2 values of crm_id" in answer["sentence"]


def test_why_not_tells_threshold_shared_and_nothing_at_all(client: Client) -> None:
    # given
    client.link(seen("email=a@example.com", "email=b@example.com", confidence=0.5))
    client.link(*(seen(f"login=user{n}", "device=till-1") for n in range(25)))
    # when
    guess = why(client, "email=a@example.com", "email=b@example.com")
    shared = why(client, "login=user1", "login=user2")
    nothing = why(client, "email=a@example.com", "login=user1")
    unseen = why(client, "email=a@example.com", "email=nobody@example.com")
    # then
    assert [one["kind"] for one in guess["obstacles"]] == ["BELOW_THRESHOLD"]
    assert "0.5 is below the threshold 0.9" in guess["sentence"]
    assert [(one["kind"], one["identifier"]["value"]) for one in shared["obstacles"]] == [("SHARED", "till-1")]
    assert [one["kind"] for one in nothing["obstacles"]] == ["NO_EVIDENCE"]
    assert [one["kind"] for one in unseen["obstacles"]] == ["NOT_SEEN"]


def test_why_of_one_identifier_with_itself_is_an_error(client: Client) -> None:
    query = """{ why(a: {namespace: "email", value: "a@example.com"},
      b: {namespace: "email", value: "A@example.com "}) { same } }"""
    (error,) = client.send(query).json()["errors"]
    assert error["extensions"]["code"] == "SAME_IDENTIFIER"


def test_the_strongest_chain_comes_first_and_names_its_weakest_step(client: Client) -> None:
    # given: two ways from the CRM number to the cookie
    client.link(
        seen("crm_id=K1", "email=a@example.com"),
        seen("email=a@example.com", "cookie=cookie-1"),
        seen("crm_id=K1", "device=device-1", party="THIRD"),
        seen("device=device-1", "cookie=cookie-1", party="THIRD"),
    )
    # when
    answer = why(client, "crm_id=K1", "cookie=cookie-1")
    # then
    assert len(answer["chains"]) == 2
    first, second = answer["chains"]
    assert [step["link"]["tier"] for step in first["steps"]] == ["FIRST", "FIRST"]
    assert first["weakest"]["end"]["value"] == "cookie-1"
    assert {step["link"]["tier"] for step in second["steps"]} == {"THIRD"}


def test_weakest_links_are_the_bridges(client: Client) -> None:
    # given: a triangle, and a cookie that hangs on it
    client.link(
        seen("crm_id=K1", "email=a@example.com", "phone=030 1234567"),
        seen("email=a@example.com", "cookie=cookie-1", party="SECOND"),
        seen("cookie=cookie-1", "device=device-1", party="THIRD"),
    )
    # when
    found = client.customer("crm_id=K1", "weakestLinks { a { value } b { value } tier }")["weakestLinks"]
    # then
    assert [(one["a"]["value"], one["b"]["value"]) for one in found] == [
        ("cookie-1", "device-1"),
        ("cookie-1", "a@example.com"),
    ]


def test_the_feed_has_no_gaps_and_resumes_from_any_cursor(client: Client) -> None:
    # given
    for number in range(6):
        client.link(seen(f"email=p{number}@example.com", f"cookie=cookie-{number}"))
    client.link(*(seen(f"email=p{number}@example.com", "device=shared-1") for number in range(3)))
    # when
    whole, pieces = feed(client), feed(client, first=2)
    # then
    assert whole == pieces
    assert len({one["cursor"] for one in whole}) == len(whole)
    assert sum(one["kind"] == "CREATED" for one in whole) == 6
    assert sum(one["kind"] == "MERGED" for one in whole) == 2
    (error,) = client.send('{ changes(since: "Wzk5OTk5OV0") { nodes { cursor } } }').json()["errors"]
    assert error["extensions"]["code"] == "BAD_CURSOR"


def test_who_this_was_at_a_time(client: Client, run: Run) -> None:
    # given
    (ann,) = client.link(seen("email=ann@example.com"))
    (tablet,) = client.link(seen("device=ann-tablet"))
    (entry,) = client.customer("device=ann-tablet", "history { nodes { kind customerId } }")["history"]["nodes"]
    assert entry["customerId"] == tablet["customerId"]
    before = client.ask("{ changes { nodes { at } } }")["changes"]["nodes"][-1]["at"]
    client.link(seen("email=ann@example.com", "device=ann-tablet"))
    query = """query($at: DateTime, $id: ID!) {
      tablet: customer(by: {identifier: {namespace: "device", value: "ann-tablet"}}, at: $at) {
        id identifiers { nodes { value } } }
      retired: customer(by: {id: $id}, at: $at) { id requestedId known } }"""
    # when
    then = client.ask(query, {"at": before, "id": tablet["customerId"]})
    now = client.ask(query, {"at": None, "id": tablet["customerId"]})
    # then
    assert then["tablet"] == {"id": tablet["customerId"], "identifiers": {"nodes": [{"value": "ann-tablet"}]}}
    assert then["retired"] == {"id": tablet["customerId"], "requestedId": None, "known": False}
    assert now["tablet"]["id"] == now["retired"]["id"] == ann["customerId"]
    early = client.ask(query, {"at": "2020-01-01T00:00:00Z", "id": tablet["customerId"]})
    assert early == {"tablet": None, "retired": None}
    wrong = client.send('{ customer(by: {identifier: {namespace: "device", value: "ann-tablet"}}, '
                        f'at: "{before}") {{ metrics {{ orders }} orders {{ nodes {{ number }} }} }} }}')  # fmt: skip
    assert wrong.json()["errors"][0]["extensions"]["code"] == "NOT_AT_A_TIME"


def test_simulate_tries_a_scenario_and_stores_nothing(client: Client) -> None:
    text = "rules\n  crm limit=1\n  cookie\nseen\n  e1 crm=Tom cookie=1\n  e2 crm=Sue cookie=1\n"
    text += "expect\n  crm=Sue cookie=1\n  crm=Tom\n"
    query = """query($s: String!) { simulate(scenario: $s) {
      customers asExpected suspended { a b reason } refused { reason } } }"""
    answer = client.ask(query, {"s": text})["simulate"]
    assert answer["customers"] == [["cookie=1", "crm=Sue"], ["crm=Tom"]]
    assert answer["asExpected"] is True
    assert answer["suspended"][0]["a"] == "cookie=1"
    (error,) = client.send(query, {"s": "nonsense"}).json()["errors"]
    assert error["extensions"]["code"] == "BAD_SCENARIO"
    assert client.ask("{ changes { nodes { cursor } } }")["changes"]["nodes"] == []


HEALTH = """{ graphHealth(first: 100) { nodes { kind text suggestion number identifier { value } customerId namespace
  link { a { value } b { value } } apart { namespace value } } } }"""


def test_health_finds_two_people_on_one_tablet_and_what_it_suggests_mends_it(client: Client) -> None:
    # given
    client.link(
        seen("email=ann@example.com", "login=ann"),
        seen("email=ben@example.com", "phone=030 1234567"),
        seen("email=ann@example.com", "device=family-tablet"),
        seen("email=ben@example.com", "device=family-tablet"),
    )
    # when
    (bridge,) = [one for one in client.ask(HEALTH)["graphHealth"]["nodes"] if one["kind"] == "BRIDGE"]
    # then
    assert {bridge["link"]["a"]["value"], bridge["link"]["b"]["value"]} & {"family-tablet"}
    assert "keepApart" in bridge["suggestion"]
    # when: a steward does what it suggests
    ends = [f"{one['namespace']}={one['value']}" for one in bridge["apart"]]
    mark(client, "keepApart", *ends)
    # then
    assert client.customer("email=ann@example.com")["id"] != client.customer("email=ben@example.com")["id"]
    assert [one for one in client.ask(HEALTH)["graphHealth"]["nodes"] if one["kind"] == "BRIDGE"] == []


def test_health_finds_shared_values_large_customers_and_useless_namespaces(client: Client) -> None:
    # given: a phone claimed by five, and a customer with very many cookies
    client.link(*(seen(f"crm_id=Key{n}", "phone=030 1234567", at=f"2026-01-0{n + 1}T00:00:00Z") for n in range(5)))
    client.link(*(seen("login=collector", f"cookie=cookie-{n}") for n in range(120)))
    # when
    found = {one["kind"]: one for one in client.ask(HEALTH)["graphHealth"]["nodes"]}
    # then
    assert found["SHARED_VALUE"]["identifier"]["value"] == "+49301234567"
    assert found["SHARED_VALUE"]["number"] == 5
    assert "blockIdentifier" in found["SHARED_VALUE"]["suggestion"]
    assert found["LARGE_CUSTOMER"]["number"] == 121
    assert found["LARGE_CUSTOMER"]["customerId"] == client.customer("login=collector")["id"]
    assert (found["NAMESPACE"]["namespace"], found["NAMESPACE"]["number"]) == ("cookie", 120)


def test_findings_come_in_pages_and_by_kind(client: Client) -> None:
    # given: two customers with very many cookies, and a phone claimed by five
    client.link(*(seen("login=first", f"cookie=first-{n}") for n in range(120)))
    client.link(*(seen("login=second", f"cookie=second-{n}") for n in range(110)))
    client.link(*(seen(f"crm_id=Key{n}", "phone=030 1234567", at=f"2026-01-0{n + 1}T00:00:00Z") for n in range(5)))
    query = """query($after: String) { graphHealth(first: 1, after: $after, kinds: [LARGE_CUSTOMER]) {
      nodes { number } pageInfo { hasNextPage endCursor } } }"""
    # when
    first = client.ask(query)["graphHealth"]
    second = client.ask(query, {"after": first["pageInfo"]["endCursor"]})["graphHealth"]
    # then
    assert [first["nodes"], second["nodes"]] == [[{"number": 121}], [{"number": 111}]]
    assert [first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]] == [True, False]
