"""What `kith serve` prints when it starts."""

from pathlib import Path

import pytest

from service.access.access_file import AccessFile
from service.cli import startup
from service.config import settings


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ["Profile: development (only this machine can connect, without a key)", "API keys: none, every program"]),
        (
            {"api_keys": "shop:0123456789abcdef,till:fedcba9876543210"},
            ["Profile: production (callers need keys or tokens)"],
        ),
        ({"profile": "production"}, ["Profile: production (KITH_PROFILE)"]),
        ({"host": "0.0.0.0"}, ["Profile: production (other machines can connect)"]),
        ({"store": "sqlite:///shop.db", "port": 0}, ["Store: sqlite:///shop.db", "http://127.0.0.1:8100/graphql"]),
    ],
)
def test_the_lines_say_what_is_in_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, object], expected: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(startup.lines(settings.load(**values), AccessFile(), 8100))
    assert all(line in text for line in expected)
    assert text.startswith("kith ")


def test_keys_are_named_with_their_origin_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KITH_API_KEYS", "shop:0123456789abcdef,till:fedcba9876543210")
    # when
    text = "\n".join(startup.lines(settings.load(), AccessFile(), 8000))
    # then
    assert "API keys: shop, till (from the environment)" in text
    assert "0123456789abcdef" not in text
