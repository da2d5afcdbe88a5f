"""What `kith serve` prints when it starts."""

from pathlib import Path

import pytest

from service.access.access_file import AccessFile
from service.cli import startup
from service.config import settings
from service.config.settings import Settings


def lines(chosen: Settings, port: int) -> list[str]:
    """What is printed when a service with these settings starts."""
    known = startup.known_keys(chosen)
    return startup.lines(known.apply(chosen), known, AccessFile(), port)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["Profile: development (only this machine can connect, without a key)", "API keys: none, every program"]),
        (
            {"api_keys": "shop:till:0123456789abcdef,till:till:fedcba9876543210"},
            ["Profile: production (there are API keys)"],
        ),
        (
            {"profile": "production"},
            [
                "Profile: production (KITH_PROFILE)",
                "Audit log: kith.db-audit",
                "Erasure: not available: KITH_ERASURE_KEYS",
            ],
        ),
        (
            {"profile": "development"},
            ["Audit log: none", "Erasure: keys kith.db-erasure-keys, ledger kith.db-erasures.ndjson"],
        ),
        ({"audit": "elsewhere"}, ["Audit log: elsewhere", "Retention: nothing expires: KITH_RETENTION names no file"]),
        ({"retention": "default"}, ["Retention: default"]),
        ({"audit": "elsewhere"}, ["Audit log: elsewhere"]),
        ({"connectors": "connectors.toml"}, ["Connectors: connectors.toml: /in/web, /in/crm"]),
        ({"destinations": "destinations.toml"}, ["Destinations: destinations.toml: letters"]),
        ({"opendsr": "opendsr.toml"}, ["OpenDSR: as opendsr.toml says"]),
        (
            {"host": "0.0.0.0", "api_keys": "shop:till:0123456789abcdef"},
            ["Profile: production (other machines can connect)"],
        ),
        ({"store": "sqlite:///shop.db", "port": 0}, ["Store: sqlite:///shop.db", "http://127.0.0.1:8100/graphql"]),
    ],
)
def test_the_lines_say_what_is_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, object], expected: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connectors.toml").write_text(
        '[[source]]\nname = "web"\nmapping = "segment"\n[[source]]\nname = "crm"\nmapping = "crm-contacts"\n'
    )
    (tmp_path / "destinations.toml").write_text('[[destination]]\nname = "letters"\ntype = "files"\nurl = "drop"\n')
    text = "\n".join(lines(settings.load(**values), 8100))
    assert all(line in text for line in expected)
    assert text.startswith("kith ")


def test_keys_are_named_with_their_origin_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KITH_API_KEYS", "shop:till:0123456789abcdef,till:till:fedcba9876543210")
    # when
    text = "\n".join(lines(settings.load(), 8000))
    # then
    assert "API keys: shop, till (from the environment)" in text
    assert "0123456789abcdef" not in text
