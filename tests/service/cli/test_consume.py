"""`kith consume`: what is wrong with its options is said before any broker is asked."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graph.domain.model.errors import InvalidInput
from service.cli.main import app

MAPPING = 'title = "T"\n[[statement]]\nkind = "observation"\nidentifiers = { login = "u" }\n'
SOURCES = '[[source]]\nname = "shop"\nmapping = "visits.toml"\n'
KAFKA = ("kafka", "--brokers", "127.0.0.1:1", "--topic", "t", "--group", "g")
NATS = ("nats", "--servers", "nats://127.0.0.1:1", "--stream", "s", "--durable", "d")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_logging: None) -> None:
    (tmp_path / "visits.toml").write_text(MAPPING)
    (tmp_path / "connectors.toml").write_text(SOURCES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KITH_CONNECTORS", "connectors.toml")


def problem_of(*words: str) -> InvalidInput:
    result = CliRunner().invoke(app, ["consume", *words])
    assert isinstance(result.exception, InvalidInput), result.output
    return result.exception


@pytest.mark.parametrize("broker", [KAFKA, NATS])
@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("--source", "other"), "INVALID_VALUE", "no source 'other' in connectors.toml, so --as MAPPING is needed"),
        (("--source", "a source"), "INVALID_VALUE", "'a source' is not a source"),
        (("--source", "other", "--as", "none"), "UNKNOWN_MAPPING", "'none' is not a mapping"),
        (("--source", "other", "--as", "none.toml"), "INVALID_MAPPING", "none.toml cannot be read"),
    ],
)
def test_a_source_needs_a_mapping(broker: tuple[str, ...], words: tuple[str, ...], code: str, reason: str) -> None:
    # when
    problem = problem_of(*broker, *words)
    # then
    assert problem.code == code
    assert reason in problem.message


@pytest.mark.parametrize(
    ("broker", "addresses", "reason"),
    [
        (KAFKA, "127.0.0.1", "'127.0.0.1' is not HOST:PORT"),
        (KAFKA, "a:1,b", "'b' is not HOST:PORT"),
        (KAFKA, "", "'' is not HOST:PORT"),
        (KAFKA, "user:secret@a:1", "must not contain a user or a password"),
        (NATS, "127.0.0.1:1", "is not nats://HOST:PORT or tls://HOST:PORT"),
        (NATS, "nats://user:secret@a:1", "must not contain a user or a password"),
    ],
)
def test_an_address_is_checked(broker: tuple[str, ...], addresses: str, reason: str) -> None:
    # when
    problem = problem_of(*broker, broker[1], addresses, "--source", "shop")
    # then
    assert problem.code == "INVALID_VALUE"
    assert reason in problem.message
    assert "secret" not in problem.message


@pytest.mark.parametrize(("broker", "module"), [(KAFKA, "aiokafka"), (NATS, "nats")])
def test_a_broker_requires_its_extra(broker: tuple[str, ...], module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.delitem(sys.modules, f"service.brokers.{broker[0]}", raising=False)
    for name in (module, *(name for name in sys.modules if name.startswith(f"{module}."))):
        monkeypatch.setitem(sys.modules, name, None)
    # when
    problem = problem_of(*broker, "--source", "shop")
    # then
    assert problem.code == "MISSING_EXTRA"
    assert f"requires the extra `{broker[0]}`" in problem.message
