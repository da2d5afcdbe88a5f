"""TC strings state decisions at the cookie that they came with."""

import pytest

from graph.ports import Store
from tests.builders.clients import Client, identifiers
from tests.builders.operations import CONSENTS, REVOKE, proof
from tests.builders.runs import Run
from tests.builders.tc_strings import NONE, SOME, TCF_2_3, VERSION_1

COOKIE, ANN = "cookie=ck-4711", "email=ann@example.com"
JANUARY, FEBRUARY = "2026-02-01T08:00:00Z", "2026-02-02T08:00:00Z"
ATTRIBUTES = """
[tcf]
%s
[[purpose]]
name = "newsletter"
[[purpose]]
name = "profiling"
tcf = [3, 5]
[[purpose]]
name = "personalized_offers"
tcf = [2, 4]
"""


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    return Client(store, run, attributes=ATTRIBUTES % "")


def send(client: Client, *keys: str, text: str = SOME, at: str = JANUARY, **more: object) -> dict:
    """The result of a consent record with a TC string."""
    item = {"source": "web", "identifiers": identifiers(*keys), "tcString": text, "decidedAt": at, **more}
    data = client.ask(CONSENTS, {"input": {"consents": [item]}})["recordConsents"]
    return data["results"][0]


def decisions(client: Client, key: str = COOKIE) -> dict[str, str]:
    """The decision in effect at an identifier by purpose."""
    query = "query($i: IdentifierInput!, $p: String!) { consent(identifier: $i, purpose: $p) { decision } }"
    return {
        purpose: client.ask(query, {"i": identifiers(key)[0], "p": purpose})["consent"]["decision"]
        for purpose in ("newsletter", "profiling", "personalized_offers")
    }


def test_a_string_states_a_decision_on_each_purpose_that_has_tcf_purposes(client: Client) -> None:
    # when
    result = send(client, COOKIE, id="1")
    # then: it consents to 1, 3, 4, 5 and 6
    assert result["status"] == "VALID"
    assert decisions(client) == {"newsletter": "NONE", "profiling": "GIVEN", "personalized_offers": "REFUSED"}
    (shown,) = proof(client, COOKIE, "profiling")["decisions"]
    assert (shown["id"], shown["method"], shown["tcString"]) == ("1", "CMP", SOME)
    # when: everything is consented to, then nothing
    send(client, COOKIE, text=TCF_2_3, at=FEBRUARY)
    assert set(decisions(client).values()) == {"NONE", "GIVEN"}
    send(client, COOKIE, text=NONE, at="2026-02-03T08:00:00Z")
    # then
    assert set(decisions(client).values()) == {"NONE", "REFUSED"}


def test_a_string_can_be_read_for_one_purpose_alone(client: Client) -> None:
    # when
    send(client, COOKIE, purpose="profiling")
    # then
    assert decisions(client) == {"newsletter": "NONE", "profiling": "GIVEN", "personalized_offers": "NONE"}


@pytest.mark.parametrize(("vendor", "decision"), [(2, "REFUSED"), (28, "GIVEN")])
def test_the_operators_own_vendor_must_be_consented_to(store: Store, run: Run, vendor: int, decision: str) -> None:
    # given
    client = Client(store, run, attributes=ATTRIBUTES % f"vendor = {vendor}")
    # when
    send(client, COOKIE)
    # then: the string consents to the vendors 11, 28 and 29
    assert decisions(client)["profiling"] == decision


def test_the_same_string_again_is_a_repeat_and_revoking_it_revokes_all_its_decisions(client: Client) -> None:
    # given
    send(client, COOKIE, id="1")
    # when
    again = send(client, COOKIE, id="1")
    client.ask(REVOKE, {"o": [{"source": "web", "id": "1"}]})
    # then
    assert again["duplicate"]
    assert set(decisions(client).values()) == {"NONE"}


@pytest.mark.parametrize(
    ("keys", "more", "code", "path"),
    [
        ([COOKIE], {"text": VERSION_1}, "INVALID_TC_STRING", "tcString"),
        ([COOKIE], {"text": "nonsense"}, "INVALID_TC_STRING", "tcString"),
        ([COOKIE], {"text": "C" * 8_001}, "INVALID_LENGTH", "tcString"),
        ([COOKIE], {"decision": "GIVEN"}, "UNKNOWN_PURPOSE", "purpose"),
        ([COOKIE], {"decision": "REFUSED", "purpose": "profiling"}, "INVALID_VALUE", "decision"),
        ([COOKIE], {"method": "PAPER"}, "INVALID_VALUE", "method"),
        ([COOKIE], {"purpose": "newsletter"}, "UNKNOWN_PURPOSE", "purpose"),
        ([COOKIE], {"purpose": "spam"}, "UNKNOWN_PURPOSE", "purpose"),
        ([COOKIE, ANN], {}, "INVALID_VALUE", "identifiers"),
        ([ANN], {}, "INVALID_VALUE", "identifiers"),
    ],
)
def test_what_a_string_cannot_state_is_a_problem(
    client: Client, keys: list[str], more: dict[str, str], code: str, path: str
) -> None:
    # when
    result = send(client, *keys, **more)
    # then
    assert (result["problem"]["code"], result["problem"]["path"]) == (code, [path])
    assert client.customer(COOKIE) is None


def test_without_a_purpose_for_it_a_string_is_a_problem(store: Store, run: Run) -> None:
    # given
    client = Client(store, run)
    # when
    result = send(client, COOKIE)
    # then
    assert result["problem"]["code"] == "UNKNOWN_PURPOSE"
    assert result["problem"]["message"] == (
        "tcString states no decision on any purpose without `tcf` in attributes.toml, and no purpose has it"
    )
