"""Who signs in with which key, and what a request may state."""

import pytest

from graph.domain.access.roles import ROLES, Role, Roles
from graph.domain.access.scopes import CONTACT_READ, CUSTOMER_READ
from graph.domain.access.viewer import Reach
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from service.access.authentication import LOCAL, Authenticator
from service.access.keys import KeyRing, viewer_of
from service.access.signed_in import SignedIn
from service.access.stored_keys import KeyAdministration
from service.observability.metrics import SIGN_IN_FAILURES
from tests.builders.access import Clock, Values
from tests.builders.runs import Run

OLD, NEW = "0123456789abcdef", "fedcba9876543210"
TOKEN = "eyJhbGciOiJub25lIn0.e30."


class OneToken:
    """Accepts one token."""

    async def sign_in(self, token: str) -> SignedIn | None:
        return SignedIn(viewer_of("issuer|ann", ROLES["desk"])) if token == TOKEN else None


def test_two_keys_of_one_name_and_role_are_one_caller(run: Run) -> None:
    authenticator = Authenticator(f"till:till:{OLD}, till:till:{NEW}")
    callers = [run(authenticator.sign_in(f"{scheme} {key}")) for scheme, key in (("Bearer", OLD), ("bearer", NEW))]
    assert [found.viewer.caller for found in callers] == ["till", "till"]
    assert callers[0].viewer.sources == {"till"}, "an entry has no place for sources"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {OLD}", f"Bearer {OLD}x", "Bearer \ud800"])
def test_others_do_not_sign_in(run: Run, header: str) -> None:
    assert run(Authenticator(f"till:till:{OLD}").sign_in(header)) is None


def test_a_service_without_keys_is_open_until_it_has_had_one(run: Run) -> None:
    # given
    values, clock = Values(), Clock()
    ring = KeyRing(values, clock.now)
    authenticator = Authenticator(ring=ring)
    local = run(authenticator.sign_in(""))
    assert local.viewer is LOCAL
    assert local.holds()
    # when
    admin = KeyAdministration(values, clock.now)
    _, text = run(admin.add("till", "till", ["till"]))
    run(ring.read())
    # then
    assert run(authenticator.sign_in("")) is None
    assert not local.holds()
    assert run(authenticator.sign_in(f"Bearer {text}")).viewer.caller == "till"
    # when: the last key is revoked
    run(admin.revoke("till"))
    run(ring.read())
    # then
    assert run(authenticator.sign_in("")) is None
    assert run(authenticator.sign_in(f"Bearer {text}")) is None


def test_keys_may_have_the_roles_of_a_file(run: Run) -> None:
    # given
    values, clock = Values(), Clock()
    roles = Roles([Role("branch", "The manager of a branch.", Reach.HELD, frozenset({CUSTOMER_READ}))])
    _, text = run(KeyAdministration(values, clock.now, roles=roles).add("ann", "branch"))
    # when
    with_file = Authenticator(f"ben:branch:{OLD}", ring=KeyRing(values, clock.now, roles=roles), roles=roles)
    without = Authenticator(ring=KeyRing(values, clock.now))
    # then
    for key in (OLD, text):
        assert run(with_file.sign_in(f"Bearer {key}")).viewer.role == "branch"
    assert run(without.sign_in(f"Bearer {text}")) is None
    with pytest.raises(InvalidInput, match="KITH_API_KEYS"):
        Authenticator(f"ben:branch:{OLD}")


def test_nobody_is_local_at_an_address_that_others_can_reach(run: Run) -> None:
    assert run(Authenticator(ring=KeyRing(Values(), Clock().now), open_without_keys=False).sign_in("")) is None


def test_nobody_signs_in_while_it_is_not_known_whether_there_are_keys(run: Run) -> None:
    values = Values()
    values.available = False
    with pytest.raises(StoreUnavailable):
        run(Authenticator(ring=KeyRing(values, Clock().now)).sign_in(""))


def test_tokens_are_verified_by_their_own_part_and_close_a_service(run: Run) -> None:
    authenticator = Authenticator(tokens=OneToken())
    assert run(authenticator.sign_in("")) is None
    assert run(authenticator.sign_in(f"Bearer {TOKEN}")).viewer.caller == "issuer|ann"
    assert run(authenticator.sign_in(f"Bearer {TOKEN}x")) is None
    assert run(authenticator.sign_in(f"Bearer {OLD}")) is None


def test_a_request_chooses_among_the_purposes_of_its_key(run: Run) -> None:
    # given
    values, clock = Values(), Clock()
    _, text = run(KeyAdministration(values, clock.now).add("shop", "feed", purposes=["contract", "marketing"]))
    authenticator = Authenticator(ring=KeyRing(values, clock.now))

    def purpose(stated: str) -> str:
        return run(authenticator.sign_in(f"Bearer {text}", purpose=stated)).viewer.purpose

    # then
    assert (purpose(""), purpose("marketing")) == ("contract", "marketing")
    with pytest.raises(InvalidInput, match="'profiling' is not one of the caller: allowed are contract, marketing"):
        purpose("profiling")


def test_a_reason_opens_what_the_role_says(run: Run) -> None:
    # given
    authenticator = Authenticator(f"desk:desk:{OLD},steward:steward:{NEW}")

    def sees_contacts(key: str, reason: str) -> bool:
        viewer = run(authenticator.sign_in(f"Bearer {key}", reason)).viewer
        assert viewer.reason == reason.strip()
        return CONTACT_READ in viewer.scopes

    # then
    assert [sees_contacts(OLD, reason) for reason in ("", " ", "ticket 7")] == [False, False, True]
    assert not sees_contacts(NEW, "ticket 7")


@pytest.mark.parametrize("reason", ["x" * 201, "a\nb", "\x00"])
def test_a_reason_that_cannot_be_shown_is_refused(run: Run, reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        run(Authenticator(f"desk:desk:{OLD}").sign_in(f"Bearer {OLD}", reason))
    assert raised.value.code == "INVALID_REASON"


def test_failures_are_counted_by_reason(run: Run) -> None:
    # given
    values, clock, counted = Values(), Clock(), list[str]()
    admin = KeyAdministration(values, clock.now)
    _, revoked = run(admin.add("till", "till", ["till"]))
    run(admin.revoke("till"))
    ring = KeyRing(values, clock.now)
    run(ring.read())
    authenticator = Authenticator(ring=ring, on_failure=counted.append)
    # when
    for header in ("", "Basic x", f"Bearer {revoked}", f"Bearer {revoked[:-1]}", f"Bearer {OLD}", f"Bearer {TOKEN}"):
        authenticator.failed(header, "192.0.2.1")
    # then
    assert counted == ["missing", "malformed", "revoked", "malformed", "unknown", "token"]
    assert set(counted) < set(SIGN_IN_FAILURES)


def test_who_sends_no_key_is_not_told_to_wait() -> None:
    authenticator = Authenticator(f"till:till:{OLD}")
    failures = [authenticator.failed("", "192.0.2.1") for _ in range(20)]
    assert {failure.retry_after for failure in failures} == {None}
    assert authenticator.failed("Bearer x", "192.0.2.1").retry_after is not None
