"""`retention.toml`: what can be declared, and errors that name the file and the reason."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Party
from graph.domain.model.retention import Retention
from service.config import retention_file
from tests.builders.retention import rule

REASON = 'reason = "the law says so"'


def test_nothing_expires_without_a_file() -> None:
    assert retention_file.read("") == Retention()


def test_the_default_file_ends_cookies_addresses_texts_and_bought_segments_with_reasons() -> None:
    retention = retention_file.read("default")
    assert {rule.label: rule.days for rule in retention.rules} == {
        "kind external_segment, party third": 90,
        "namespace cookie": 395,
        "namespace ip": 30,
        "kind text": 180,
    }
    assert all(rule.reason for rule in retention.rules)
    assert not retention.holds


def test_a_file_declares_rules_and_holds(tmp_path: Path) -> None:
    # given
    path = tmp_path / "retention.toml"
    path.write_text(
        f"""[[retention]]
        party = "second"
        kind = "observation"
        source = "loyalty-partner"
        days = 30
        {REASON}
        [[retention]]
        namespace = "device"
        days = 395
        {REASON}
        [[retention]]
        kind = "text"
        days = 180
        {REASON}
        [[hold]]
        kind = "order"
        days = 3650
        {REASON}
        """
    )
    # then
    assert retention_file.read(str(path)) == Retention(
        (
            rule(30, party=Party.SECOND_PARTY, kind=FactKind.NONE, source="loyalty-partner"),
            rule(395, namespace="device"),
            rule(180, text=True),
        ),
        (rule(3650, kind=FactKind.ORDER),),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[retention]]\ndays = 30", "retention.0.reason: Field required"),
        (f"[[retention]]\ndays = 0\n{REASON}", "retention.0.days: Input should be greater than or equal to 1"),
        (f"[[retention]]\n{REASON}", "retention.0.days: Field required"),
        (f"[[retention]]\ndays = 1\nkinds = 'order'\n{REASON}", "retention.0.kinds: Extra inputs are not permitted"),
        (f"[[retention]]\ndays = 1\nkind = 'orders'\n{REASON}", "retention.0.kind: Input should be 'observation'"),
        (f"[[retention]]\ndays = 1\nparty = 'third_party'\n{REASON}", "retention.0.party: Input should be 'first'"),
        (f"[[retention]]\ndays = 1\nnamespace = 'A b'\n{REASON}", "retention 1: 'A b' cannot be the name of a"),
        (f"[[hold]]\ndays = 1\nnamespace = 'order'\n{REASON}", "hold 1: an order cannot lose its number"),
        (
            f"[[retention]]\ndays = 1\nkind = 'text'\nnamespace = 'cookie'\n{REASON}",
            "retention 1: kind text has no identifiers",
        ),
        (
            f"[[retention]]\ndays = 1\nsource = 'web'\n{REASON}\n" * 2,
            "retention 2: an entry before is about the same (source web)",
        ),
        ("[[retention", "Expected ']]'"),
    ],
)
def test_an_error_names_the_file_and_the_entry(tmp_path: Path, text: str, message: str) -> None:
    # given
    path = tmp_path / "retention.toml"
    path.write_text(text)
    # when
    with pytest.raises(InvalidInput) as invalid:
        retention_file.read(str(path))
    # then
    assert invalid.value.message.startswith(f"KITH_RETENTION: {path}: {message}")
    assert invalid.value.code == "INVALID_SETTING"


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        retention_file.read(str(tmp_path / "missing.toml"))
