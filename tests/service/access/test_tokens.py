"""Access tokens: which are accepted, for how long, and what is remembered."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.access.roles import ROLES
from graph.domain.model.rules import Rules
from service.access import tokens as module
from service.access.access_file import Issuer
from service.access.authentication import Authenticator
from service.access.tokens import Tokens
from service.config import rules_file
from tests.builders.key_servers import KeyServer, Seconds, ec_key, public, rsa_key
from tests.builders.oidc import claims_of, segment, signed
from tests.builders.runs import Run

K1, K2, OTHER = ec_key("k1"), ec_key("k2"), ec_key("k1")
RULES = rules_file.parse(rules_file.default_text())


@pytest.fixture
def server() -> Iterator[KeyServer]:
    made = KeyServer(K1)
    yield made
    made.stop()


def issuer_of(server: KeyServer, **more: Any) -> Issuer:
    issuer = Issuer(
        server.issuer,
        ("https://kith.test",),
        ("ES256",),
        role_claim=("kith_roles",),
        roles={"till": ROLES["till"]},
        subject_claim=("kith_subject",),
    )
    return replace(issuer, **more)


def tokens_of(server: KeyServer, clock: Seconds | None = None, rules: Rules = RULES, **more: Any) -> Tokens:
    issuer = issuer_of(server, **more)
    return Tokens({issuer.issuer: issuer}, lambda: rules, clock or Seconds(), Seconds())


def test_a_token_makes_a_viewer(server: KeyServer, run: Run) -> None:
    # given
    claims = claims_of(server.issuer, kith_subject={"namespace": "email", "value": "Ann@Example.com"})
    # when
    signed_in = run(tokens_of(server).sign_in(signed(claims, K1)))
    # then
    assert signed_in is not None
    viewer = signed_in.viewer
    assert (viewer.caller, viewer.role) == (f"{server.issuer}|till|till", "till")
    assert viewer.subject == "email=ann@example.com"
    assert signed_in.holds()


def test_a_verified_token_is_not_verified_again_for_a_minute(server: KeyServer, run: Run) -> None:
    # given
    clock = Seconds()
    tokens = tokens_of(server, clock)
    token = signed(claims_of(server.issuer), K1)
    first = run(tokens.sign_in(token))
    # when: its key is gone
    tokens._keys.clear()
    # then
    clock.pass_(59)
    assert run(tokens.sign_in(token)) is first
    clock.pass_(1)
    with pytest.raises(KeyError):
        run(tokens.sign_in(token))


def test_a_token_ends_exactly_at_its_end(server: KeyServer, run: Run) -> None:
    # given
    clock = Seconds()
    tokens = tokens_of(server, clock)
    claims = claims_of(server.issuer, exp=int(clock.now) + 40)
    signed_in = run(tokens.sign_in(signed(claims, K1)))
    # when
    clock.now = claims["exp"] - 0.5
    # then
    assert signed_in.holds()
    assert run(tokens.sign_in(signed(claims, K1)))
    # when
    clock.now = claims["exp"]
    # then: though PyJWT's leeway is not over
    assert not signed_in.holds()
    assert run(tokens.sign_in(signed(claims, K1))) is None


@pytest.mark.parametrize("published", [(K2,), ()])
def test_a_stream_ends_once_the_key_of_its_token_is_known_to_be_withdrawn(
    server: KeyServer, run: Run, published: tuple[dict[str, Any], ...]
) -> None:
    # given: streams of tokens that two keys have signed
    server.keys = [public(K1), public(K2)]
    tokens = tokens_of(server)
    first, second = (run(tokens.sign_in(signed(claims_of(server.issuer, sub=key["kid"]), key))) for key in (K1, K2))
    assert first.holds()
    assert second.holds()
    # when: the issuer withdraws one or both, and the keys are fetched for an unknown one
    server.keys = [public(key) for key in published]
    assert run(tokens.sign_in(signed(claims_of(server.issuer), ec_key("k3")))) is None
    # then
    assert (first.holds(), second.holds()) == (False, K2 in published)


def test_no_more_tokens_are_remembered_than_the_limit(
    server: KeyServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(module, "CACHE_SIZE", 3)
    tokens = tokens_of(server)
    # when
    for number in range(5):
        assert run(tokens.sign_in(signed(claims_of(server.issuer, sub=f"u-{number}"), K1)))
    # then
    assert len(tokens._verified) == 3


def test_tokens_that_are_refused_are_not_remembered(server: KeyServer, run: Run) -> None:
    # given
    tokens = tokens_of(server)
    # when
    assert run(tokens.sign_in(signed(claims_of(server.issuer), OTHER))) is None
    # then
    assert tokens._verified == {}


def test_the_subject_follows_rules_that_change(server: KeyServer, run: Run) -> None:
    # given
    rules = [rules_file.parse('[[namespace]]\nname = "login"')]
    issuer = issuer_of(server)
    tokens = Tokens({issuer.issuer: issuer}, lambda: rules[0])
    token = signed(claims_of(server.issuer, kith_subject={"namespace": "login", "value": "Ann"}), K1)
    assert run(tokens.sign_in(token)).viewer.subject == "login=Ann"
    # when
    rules[0] = rules_file.parse('[[namespace]]\nname = "login"\nnormalize = ["lower"]')
    # then
    assert run(tokens.sign_in(token)).viewer.subject == "login=ann"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": None},
        {"iss": ["x"]},
        {"aud": None},
        {"aud": "https://other.test"},
        {"aud": "https://kith.test.evil"},
        {"aud": [7]},
        {"exp": None},
        {"exp": 1},
        {"exp": "4000000000"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": {}},
        {"nbf": 4_000_000_000},
        {"nbf": "soon"},
        {"iat": 4_000_000_000},
        {"iat": None},
        {"sub": None},
        {"client_id": None},
        {"cnf": {"jkt": "thumbprint"}},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"token_use": "id"},
    ],
)
def test_a_token_with_wrong_claims_is_refused(server: KeyServer, run: Run, changed: dict[str, Any]) -> None:
    token = signed(claims_of(server.issuer, **changed), K1)
    assert run(tokens_of(server).sign_in(token)) is None


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "k2"},
        {"kid": ""},
        {"typ": "id+jwt"},
        {"typ": "logout+jwt"},
        {"typ": ""},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"jku": "http://127.0.0.1:1/keys"},
        {"jwk": {"kty": "EC"}},
        {"x5u": "http://127.0.0.1:1/keys"},
    ],
)
def test_a_token_with_a_wrong_header_is_refused(server: KeyServer, run: Run, header: dict[str, Any]) -> None:
    # given: a valid signature
    assert run(tokens_of(server).sign_in(signed(claims_of(server.issuer), K1, **header))) is None


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT"])
def test_types_of_access_tokens_are_accepted(server: KeyServer, run: Run, typ: str) -> None:
    assert run(tokens_of(server).sign_in(signed(claims_of(server.issuer), K1, typ=typ)))


@pytest.mark.parametrize(
    "marks", [{"nonce": "n"}, {"at_hash": "h"}, {"c_hash": "h"}, {"events": {}}, {"aud": ["till", "https://kith.test"]}]
)
def test_what_has_the_marks_of_an_id_token_is_refused_unless_its_type_says_otherwise(
    server: KeyServer, run: Run, marks: dict[str, Any]
) -> None:
    # given
    claims = claims_of(server.issuer, **marks)
    # then
    assert run(tokens_of(server).sign_in(signed(claims, K1, typ="JWT"))) is None
    assert run(tokens_of(server).sign_in(signed(claims, K1, typ="at+jwt")))


def test_an_issuer_may_require_typed_tokens(server: KeyServer, run: Run) -> None:
    tokens = tokens_of(server, token_types=("at+jwt",))
    assert run(tokens.sign_in(signed(claims_of(server.issuer), K1, typ="JWT"))) is None
    assert run(tokens.sign_in(signed(claims_of(server.issuer), K1)))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "\udcff.\udcff.\udcff",
        "é.é.é",
        f"{segment([])}.{segment({})}.x",
        f"{segment({'alg': 'ES256'})}.{segment([])}.x",
        f"{segment({'alg': ['ES256']})}.{segment({})}.x",
        "[" * 20_000 + ".e30.e30",
        f"{'W1' * 7_000}.e30.e30",
    ],
)
def test_what_is_not_a_token_is_refused(server: KeyServer, run: Run, token: str) -> None:
    assert run(tokens_of(server).sign_in(token)) is None
    assert server.fetches == {}


def test_keys_of_one_issuer_do_not_sign_for_another(run: Run) -> None:
    # given: two issuers whose keys have the same id
    first, second = KeyServer(K1), KeyServer(OTHER)
    issuers = {server.issuer: issuer_of(server) for server in (first, second)}
    tokens = Tokens(issuers, lambda: RULES)
    # then
    assert run(tokens.sign_in(signed(claims_of(first.issuer), K1)))
    assert run(tokens.sign_in(signed(claims_of(first.issuer), OTHER))) is None
    assert run(tokens.sign_in(signed(claims_of(second.issuer), OTHER)))
    assert run(tokens.sign_in(signed(claims_of(f"{first.issuer}/"), K1))) is None
    first.stop()
    second.stop()


def test_a_key_is_used_for_its_own_algorithm_only(run: Run) -> None:
    # given: a key for RS256
    key = rsa_key("k1", alg="RS256")
    server = KeyServer(key)
    tokens = tokens_of(server, algorithms=("PS256", "RS256"))
    # then
    assert run(tokens.sign_in(signed(claims_of(server.issuer), key, alg="RS256")))
    assert run(tokens.sign_in(signed(claims_of(server.issuer), key, alg="PS256"))) is None
    server.stop()


def test_a_reason_opens_what_the_token_allows(server: KeyServer, run: Run) -> None:
    # given
    tokens = tokens_of(server, roles={"till": ROLES["desk"]}, scope_claim=("scope",))
    authenticator = Authenticator("", False, tokens=tokens)
    wide = f"Bearer {signed(claims_of(server.issuer, scope='contact:read order:read'), K1)}"
    narrow = f"Bearer {signed(claims_of(server.issuer, scope='order:read'), K1)}"
    # then
    assert not run(authenticator.sign_in(wide)).viewer.sees_contacts
    assert run(authenticator.sign_in(wide, "a complaint")).viewer.sees_contacts
    assert not run(authenticator.sign_in(narrow, "a complaint")).viewer.sees_contacts
    assert run(authenticator.sign_in("Bearer a.b.c")) is None
    assert run(authenticator.sign_in("")) is None
