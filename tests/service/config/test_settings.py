"""Settings: unknown names, and where values come from."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.access.authentication import configured_keys
from service.config import settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("KITH_MAX_DEPT", "KITH_MAX_DEPT (in the environment) is not a setting of Kith; did you mean KITH_MAX_DEPTH?"),
        ("KITH_KEYS", "did you mean KITH_API_KEYS?"),
        ("kith_stoer", "KITH_STOER (in the environment) is not a setting of Kith; did you mean KITH_STORE?"),
        ("KITH_SERVICE_HOST", "enableServiceLinks: false"),
        ("KITH_PORT_8000_TCP_ADDR", "enableServiceLinks: false"),
        ("KITH_XXXXXXXXXX", "KITH_XXXXXXXXXX (in the environment) is not a setting of Kith"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    # given
    monkeypatch.setenv(name, "secret-value")
    # when
    with pytest.raises(InvalidInput) as raised:
        settings.load()
    # then
    assert raised.value.code == "INVALID_SETTING"
    assert message in raised.value.message
    assert "secret-value" not in raised.value.message


def test_a_name_in_the_file_is_checked_too(folder: Path) -> None:
    (folder / ".env").write_text("KITH_MAX_DEPT=5\nEXTRAS=[predict]\n")
    with pytest.raises(InvalidInput, match=r"KITH_MAX_DEPT \(in \.env\) is not a setting.*KITH_MAX_DEPTH"):
        settings.load()


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITH_RULES", "")
    monkeypatch.setenv("KITH_PORT", "")
    assert (settings.load().rules, settings.load().port) == (None, 8000)


def test_the_environment_is_named_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.origin("api_keys") == ""
    (folder / ".env").write_text("KITH_API_KEYS=shop:0123456789abcdef\n")
    assert settings.origin("api_keys") == ".env"
    monkeypatch.setenv("KITH_API_KEYS", "till:fedcba9876543210")
    assert settings.origin("api_keys") == "the environment"
    assert settings.load().api_keys.get_secret_value() == "till:fedcba9876543210"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("KITH_STORE", "neo4j://neo4j:secret@db:7687", "KITH_STORE: an address must not contain a user or a password"),
        ("KITH_STORE", "postgres://me:secret@db/x", "KITH_STORE: an address must not contain a user or a password"),
        ("KITH_SHUTDOWN_SECONDS", "inf", "KITH_SHUTDOWN_SECONDS: Input should be a finite number"),
        ("KITH_DRAIN_SECONDS", "nan", "KITH_DRAIN_SECONDS: "),
        ("KITH_ALLOWED_HOSTS", "a.example, https://b.example", "KITH_ALLOWED_HOSTS: 'https://b.example' is not"),
        ("KITH_ALLOWED_HOSTS", "a.example:8000", "KITH_ALLOWED_HOSTS: 'a.example:8000' is not"),
        ("KITH_ALLOWED_HOSTS", "10.0.0.1:8000", "KITH_ALLOWED_HOSTS: '10.0.0.1:8000' is not"),
        ("KITH_ALLOWED_ORIGINS", "https://a.example/", "KITH_ALLOWED_ORIGINS: 'https://a.example/' is not"),
        ("KITH_ALLOWED_ORIGINS", "https://A.example", "KITH_ALLOWED_ORIGINS: 'https://A.example' is not"),
        ("KITH_ALLOWED_ORIGINS", "a.example", "KITH_ALLOWED_ORIGINS: 'a.example' is not"),
    ],
)
def test_a_value_that_could_have_no_effect_or_be_a_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    # given
    monkeypatch.setenv(name, value)
    # when
    with pytest.raises(InvalidInput) as raised:
        settings.load()
    # then
    assert raised.value.message.startswith(reason)
    assert "secret" not in raised.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KITH_STORE", "sqlite:////data/me@example.com/kith.db"),
        ("KITH_STORE", "neo4j://db:7687"),
        ("KITH_ALLOWED_HOSTS", "localhost, *.a.example,my_host, 10.0.0.1, ::1, [2001:DB8::1]"),
        ("KITH_ALLOWED_HOSTS", "*"),
        ("KITH_ALLOWED_ORIGINS", "https://a.example, http://localhost:3000,http://[::1]:3000"),
        ("KITH_ALLOWED_ORIGINS", "*"),
    ],
)
def test_names_in_the_form_that_requests_have_are_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(settings.load(), name.removeprefix("KITH_").lower()) == value


@pytest.mark.parametrize("key", ["é123456789abcdef", "0123456789 abcdef", "0123456789\tabcdef"])
def test_a_key_that_no_header_can_contain_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput, match="'shop' must be ASCII") as raised:
        configured_keys(f"shop:steward:{key}", developer_keys=False)
    assert key not in raised.value.message
