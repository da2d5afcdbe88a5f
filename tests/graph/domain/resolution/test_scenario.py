"""Scenario files in the pure core: their expectations hold, and invalid files are reported."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.resolution.scenario import parse, simulate
from tests.builders.scenarios import FILES, each_scenario, read_scenario


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 66


@each_scenario
def test_the_scenario_holds(file: Path) -> None:
    # given
    scenario = read_scenario(file)
    # when
    result = simulate(scenario)
    # then
    assert scenario.expect is not None
    assert result.customers == scenario.expect


def test_the_result_reports_suspended_links_and_rejected_observations() -> None:
    # given
    text = """rules
  crm limit=1
  cookie
seen
  e1 crm=Tom cookie=1
  e2 crm=Sue cookie=1
  e3 crm=Tom crm=Sue
"""
    # when
    result = simulate(parse(text)).as_json()
    # then
    assert result["customers"] == [["cookie=1", "crm=Sue"], ["crm=Tom"]]
    assert result["suspended"][0]["link"] == ["cookie=1", "crm=Tom"]
    assert "rules allow 1" in result["suspended"][0]["reason"]
    assert result["rejected"] == [{"observation": "e3", "reason": "names 2 values of crm; a customer has at most 1"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crm", "line 1: expected 'rules', 'seen' or 'expect'"),
        ("rules\n  crm limit=x", "line 2: limit='x' is not a whole number"),
        ("rules\n  crm contested=last", "line 2: contested='last'"),
        ("rules\n  crm size=3", "line 2: unknown word 'size=3'"),
        ("rules\n  crm\n  crm", "duplicate namespace 'crm'"),
        ("rules reject=1", "line 1: unknown word 'reject=1' after rules"),
        ("rules\n  crm shared_above={mail=2}", "shared_above names 'mail'"),
        ("rules\n  crm\nseen\n  e1 mail=a", "line 4: namespace 'mail' is not among the rules"),
        ("rules\n  crm\nseen\n  e1 crm=a\n  e1 crm=a", "line 5: duplicate name 'e1'"),
        ("rules\n  crm\nseen\n  e1", "line 4: identifiers holds 0 entries"),
        ("rules\n  crm\nseen\n  apart crm=a", "line 4: apart takes two keys"),
        ("rules\n  crm\nseen\n  apart crm=a crm=a", "line 4: apart names 'crm=a' twice"),
        ("rules\n  crm\nseen\n  e1 crm=a statistical=2", "line 4: confidence is 2.0"),
        ("rules\n  crm\nseen\n  e1 crm=a statistical=nan", "line 4: confidence is nan"),
        ("rules\n  crm\nseen\n  e1 @x crm=a", "line 4: @='x' is not a number"),
        ("rules\n  crm\nseen\n  e1 @inf crm=a", "line 4: @inf is not a time in seconds"),
        ("rules\n  crm\nseen\n  e1 @nan crm=a", "line 4: @nan is not a time in seconds"),
        ("rules\n  crm\nseen\n  e1 @1e300 crm=a", "line 4: @1e300 is not a time in seconds"),
        ("rules\n  crm\nseen\n  e1 crm=a party=fourth", "line 4: party='fourth'"),
        ("rules\n  crm\n  composite crm name", "line 3: composite takes a namespace and two or more attributes"),
        ("rules\n  crm\n  composite mail name city", "composite 'mail' is not a namespace"),
        ("rules\n  crm\nexpect\n  crm", "line 4: 'crm' is not namespace=value"),
    ],
)
def test_the_error_of_an_invalid_file_names_the_line(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(text)
    assert message in raised.value.message


def test_without_expect_nothing_is_compared() -> None:
    assert parse("rules\n  crm\nseen\n  e1 crm=a # a comment\n").expect is None
