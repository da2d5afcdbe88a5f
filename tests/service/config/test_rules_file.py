"""`rules.toml`: the default is valid, and an error names the file, the key and what is allowed."""

from pathlib import Path

import pytest

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode
from service.config.rules_file import default_text, parse, read_text

DEFAULT = parse(default_text())


def test_crm_id_is_strongest_and_order_is_weakest() -> None:
    names = list(DEFAULT.by_name)
    assert names[0] == "crm_id"
    assert names[-1] == "order"


@pytest.mark.parametrize(
    ("namespace", "raw", "value"),
    [
        ("email", " Ann@Example.com ", "ann@example.com"),
        ("email", "JÖRG@EXÄMPLE.com", "jörg@exämple.com"),
        ("phone", "0171 / 234 56 78", "+491712345678"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("loyalty_card", "12-34 56x", "123456X"),
        ("crm_id", " 4711 ", "4711"),
        ("order", "a-1", "A-1"),
    ],
)
def test_values_are_normalized(namespace: str, raw: str, value: str) -> None:
    assert DEFAULT.normalize_value(namespace, raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "null",
        "NONE",
        "undefined",
        "NaN",
        "n/a",
        "anonymous",
        "Guest",
        "unknown",
        "test",
        "true",
        "false",
        "0",
        "000-000",
        "--",
        "[object Object]",
        "xxx",
        '"null"',
    ],
)
@pytest.mark.parametrize("namespace", list(DEFAULT.by_name))
def test_placeholders_are_blocked_in_every_namespace(namespace: str, raw: str) -> None:
    dropped = DEFAULT.normalize_value(namespace, raw)
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.BLOCKED


@pytest.mark.parametrize("raw", ["", "  ", "\t"])
def test_blank_values_are_empty(raw: str) -> None:
    dropped = DEFAULT.normalize_value("email", raw)
    assert isinstance(dropped, DroppedIdentifier)
    assert dropped.code is DroppedIdentifierCode.EMPTY


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("min_confidence = 2\n[[namespace]]\nname = 'a'", ["min_confidence", "less than or equal to 1", "2"]),
        ("", ["namespace", "Field required"]),
        ("namespace = []", ["namespace", "at least 1"]),
        ("[[namespace]]\nname = 'a'\nlimit = 0", ["namespace.1.limit", "greater than or equal to 1"]),
        ("[[namespace]]\nname = 'a'\nlimit = '1'", ["namespace.1.limit", "valid integer"]),
        ("[[namespace]]\nname = 'a'\nsize = 1", ["namespace.1.size", "not permitted"]),
        ("[[namespace]]\nname = 'A b'", ["'A b'", "a-z"]),
        ("[[namespace]]\nname = 'a'\n[[namespace]]\nname = 'a'", ["duplicate namespace 'a'"]),
        ("[[namespace]]\nname = 'a'\ncontested = 'last'", ["contested", "'newest' or 'first'"]),
        ("[[namespace]]\nname = 'a'\nnormalize = ['up']", ["'a'", "unknown step 'up'", "phone:XX"]),
        ("[[namespace]]\nname = 'a'\nnormalize = ['phone:QQ']", ["'QQ'", "ISO 3166"]),
        ("[[namespace]]\nname = 'a'\nshared_above = {b = 2}", ["'a'", "shared_above names 'b'"]),
        ("[[namespace]]\nname = 'a'\nblocked = {patterns = ['(']}", ["'a'", "unterminated"]),
        ("min_confidence = ", ["is not TOML"]),
    ],
)
def test_an_invalid_file_is_explained(text: str, names: list[str]) -> None:
    with pytest.raises(RulesError) as raised:
        parse(text, "rules.toml")
    for name in ["rules.toml", *names]:
        assert name in raised.value.message


def test_a_missing_file_is_named() -> None:
    with pytest.raises(RulesError, match=r"nowhere\.toml"):
        read_text(Path("nowhere.toml"))


def test_shared_above_and_blocked_take_both_forms() -> None:
    rules = parse(
        "[[namespace]]\nname='a'\nblocked=['x']\n[[namespace]]\nname='b'\nshared_above={stronger=2,a=1}\n"
        "[[namespace]]\nname='c'\nshared_above=3\n[namespace.blocked]\nvalues=['y']\npatterns=['z+']"
    )
    assert rules.is_shared("b", {"a": 2})
    assert not rules.is_shared("b", {"a": 1, "c": 9})
    assert rules.is_shared("c", {"a": 2, "b": 2})
    values = (("a", "x"), ("a", "X"), ("c", "y"), ("c", "zz"))
    accepted = [isinstance(rules.normalize_value(namespace, value), str) for namespace, value in values]
    assert accepted == [False, True, False, False]
