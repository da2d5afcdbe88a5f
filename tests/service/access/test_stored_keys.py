"""Keys are made for what a role allows, and keep their rights when they are rotated."""

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from service.access import stored_keys
from service.access.stored_keys import KeyAdministration
from tests.builders.access import Clock, Values
from tests.builders.runs import Run


@pytest.mark.parametrize(
    ("name", "role", "sources", "purposes", "message"),
    [
        ("", "feed", [], [], "the name ''"),
        ("a b", "feed", [], [], "the name 'a b'"),
        ("a|b", "feed", [], [], "the name 'a|b'"),
        ("cli:ann", "feed", [], [], "the name 'cli:ann'"),
        ("a", "boss", [], [], "the role is 'boss'; allowed are storefront, till"),
        ("a", "developer", [], [], "for the development profile only"),
        ("a", "partner", [], [], "needs its sources"),
        ("a", "partner", ["x\n"], [], "the source 'x\\n'"),
        ("a", "partner", [" "], [], "the source ' '"),
        ("a", "partner", ["x" * 101], [], "1 to 100 printable characters"),
        ("a", "partner", ["shop:claimed"], [], "'shop:claimed' ends in ':claimed'"),
        ("a", "partner", ["x" * 101], [], "is not 1 to 100 printable characters"),
        ("a", "storefront", ["web:claimed"], [], "the source 'web:claimed' ends in ':claimed'"),
        ("a", "feed", [], ["Marketing"], "the purpose 'Marketing'"),
    ],
)
def test_a_key_that_no_caller_can_have_is_refused(
    run: Run, name: str, role: str, sources: list[str], purposes: list[str], message: str
) -> None:
    values = Values()
    with pytest.raises(InvalidInput) as raised:
        run(KeyAdministration(values, Clock().now).add(name, role, sources, purposes))
    assert message in raised.value.message
    assert not values.texts


def test_a_rotated_key_has_the_rights_and_the_lifetime_of_the_one_before(run: Run) -> None:
    # given
    clock, values = Clock(), Values()
    admin = KeyAdministration(values, clock.now)
    first, _ = run(admin.add("till", "till", ["b", "a", "a"], ["checkout", "service"], 90 * DAY))
    # when: it has expired meanwhile
    clock.at += 100 * DAY
    rotated, _, before = run(admin.rotate("till"))
    # then
    assert before == first
    assert (rotated.sources, rotated.purposes) == (("a", "b"), ("checkout", "service"))
    assert rotated.expires == clock.at + 90 * DAY
    assert first.state(clock.at) == "expired"


def test_the_development_profile_has_the_role_that_may_do_everything(run: Run) -> None:
    added, _ = run(KeyAdministration(Values(), Clock().now, allow_developer=True).add("ann", "developer"))
    assert added.role == "developer"


def test_keys_that_ended_long_ago_are_forgotten(run: Run) -> None:
    # given
    clock, values = Clock(), Values()
    admin = KeyAdministration(values, clock.now)
    run(admin.add("old", "feed"))
    run(admin.revoke("old"))
    # when
    clock.at += (stored_keys.KEPT_DAYS + 1) * DAY
    run(admin.add("new", "feed"))
    # then
    assert [key.name for key in run(admin.keys())] == ["new"]


def test_the_number_of_keys_is_limited(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_keys, "MAX_KEYS", 2)
    admin = KeyAdministration(Values(), Clock().now)
    for name in "ab":
        run(admin.add(name, "feed"))
    with pytest.raises(InvalidInput) as raised:
        run(admin.add("c", "feed"))
    assert raised.value.code == "TOO_MANY_KEYS"


@pytest.mark.parametrize("text", ["", "{}", '{"keys": [{"id": 1}]}', '{"keys": [{"digest": "xy"}]}'])
def test_a_document_that_somebody_damaged_is_reported(text: str) -> None:
    with pytest.raises(StoreUnavailable, match="the keys in the store cannot be read"):
        stored_keys.parse(text)
