"""Records of all kinds become statements, and the problems of those that are invalid say what is required."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation, Party
from graph.domain.model.orders import Order, OrderLine, OrderStatement, OrderStatus
from graph.domain.model.products import Product
from graph.domain.model.times import TimeNote
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from service.ingest.record_kinds import FIELDS
from service.ingest.records import ParsedRecord, parse_record
from tests.builders.input_files import read_file

GOOD = b'{"source": "web", "identifiers": [{"namespace": "email", "value": "a@example.com"}]}\n'
EMAIL = [{"namespace": "email", "value": "a@example.com"}]
PAIRS = (("email", "a@example.com"),)
NOON = "2026-03-01T12:00:00Z"
AT = 1_772_366_400_000_000


def parsed(**fields: Any) -> Any:
    result = parse_record({"source": "crm", **fields}).statement
    assert not isinstance(result, Problem), result
    return result


def problem(**fields: Any) -> Problem:
    result = parse_record({"source": "crm", **fields}).statement
    assert isinstance(result, Problem), result
    return result


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"source": "caf\xe9"}\n', "is not UTF-8"),
        (b"{nope}\n", "is not JSON"),
        (b"[1]\n", "is not a JSON object"),
        (b'{"source": "web", "identifierz": []}\n', "identifierz: is not a field of an observation; did you mean iden"),
        (b'{"source": "web", "identifiers": [{"value": "a"}]}\n', "identifiers.0.namespace is required"),
        (b'{"source": "web", "seenAt": "gestern", "identifiers": []}\n', "seenAt: 'gestern' is not an ISO 8601 date"),
        (b'{"source": "web", "number": "1", "total": "9"}\n', "placedAt is required"),
        (b'{"source": "web", "confidence": NaN, "identifiers": []}\n', "is not JSON"),
        (b'{"source": "we', "is not JSON"),
    ],
)
def test_an_invalid_line_of_ndjson_does_not_affect_other_lines(tmp_path: Path, line: bytes, reason: str) -> None:
    # when: letters beyond ASCII show that the file is UTF-8
    good = GOOD.replace(b"web", "café".encode())
    file = read_file(tmp_path / "f.ndjson", good + line + (GOOD if line.endswith(b"\n") else b""))
    # then
    assert sorted(file.accepted) == ([1, 3] if line.endswith(b"\n") else [1])
    assert reason in file.rejected[2]


def test_every_kind_of_record_is_read() -> None:
    # given
    common: dict[str, Any] = {"party": "second_party", "identifiers": EMAIL}
    # then
    assert parsed(**common, id="1", seenAt=NOON, confidence=0.5, evidence="e") == Observation(
        "crm", PAIRS, "1", Party.SECOND_PARTY, AT, 0.5, "e"
    )
    attributes = {
        "given_name": "Ann",
        "age": 42,
        "size": 1.5,
        "address": {"city": "Bonn", "region": None},
        "gender": None,
    }
    stated = parsed(**common, reportedAt=NOON, attributes=attributes)
    assert isinstance(stated, AttributesStatement)
    assert stated.values == {
        "given_name": "Ann",
        "age": "42",
        "size": "1.5",
        "address": {"city": "Bonn"},
        "gender": None,
    }
    assert parsed(
        **common, purpose="newsletter", decision="Given", channel="email", decidedAt=NOON
    ) == ConsentStatement("crm", PAIRS, "newsletter", Decision.GIVEN, "EMAIL", party=Party.SECOND_PARTY, decided_at=AT)
    assert parsed(**common, type="page_viewed", occurredAt=NOON, sku="A", properties={"n": 1}) == InteractionStatement(
        Interaction("crm", "page_viewed", AT, sku="A", properties={"n": 1}), PAIRS, Party.SECOND_PARTY
    )
    assert parsed(identifiers=EMAIL, segment="s", isMember="no", expiresAt=NOON) == ExternalSegmentStatement(
        "crm", PAIRS, "s", AT, is_member=False
    )
    lines = [{"sku": "A", "quantity": 2, "total": -1.5}]
    assert parsed(
        **common, number=1001, placedAt=NOON, reportedAt=NOON, total="12.50", refunded=2, status="PAID", lines=lines
    ) == OrderStatement(
        Order(
            "1001",
            "crm",
            AT,
            AT,
            "",
            Decimal("12.50"),
            OrderStatus.PAID,
            (OrderLine("A", Decimal(2), Decimal("-1.5")),),
            Decimal(2),
        ),
        PAIRS,
        Party.SECOND_PARTY,
    )
    assert parsed(sku="A", name="Kettle", reportedAt=NOON, categories=["a", "b", "a"]) == Product(
        "A", "Kettle", "crm", AT, categories=("a", "b")
    )


def test_a_record_without_a_source_gets_the_one_of_the_run() -> None:
    assert parse_record({"identifiers": EMAIL}, "web") == ParsedRecord(Observation("web", PAIRS))
    assert parse_record({"source": None, "identifiers": EMAIL}, "web") == ParsedRecord(Observation("web", PAIRS))


@pytest.mark.parametrize("identifiers", [None, ...])
def test_an_order_can_leave_out_its_identifiers(identifiers: Any) -> None:
    # given
    order = {"number": "1", "placedAt": NOON, "reportedAt": NOON, "currency": "EUR", "total": 1, "country": "CH"}
    left_out = {} if identifiers is ... else {"identifiers": identifiers}
    # then
    assert parsed(**order, **left_out).identifiers is None
    assert parsed(**order, identifiers=[]).identifiers == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"decision": "MAYBE", "purpose": "p"}, 'decision: must be one of GIVEN, REFUSED, WITHDRAWN, not "MAYBE"'),
        ({"party": 1}, "party: must be one of FIRST_PARTY, SECOND_PARTY, THIRD_PARTY, not 1"),
        ({"confidence": "high"}, 'confidence: must be a number such as 12.50, not "high"'),
        ({"confidence": True}, "confidence: must be a number such as 12.50, not true"),
        ({"confidence": "1_0"}, 'confidence: must be a number such as 12.50, not "1_0"'),
        ({"evidence": ["a"]}, "evidence: must be a text, not a list"),
        ({"evidence": 1.5}, "evidence: must be a text, not 1.5"),
        (
            {"id": 2**60},
            "id: must be a text, because a number of this size is rounded by many programs, not 1152921504",
        ),
        ({"identifiers": "a"}, 'identifiers: must be a list of identifiers, not "a"'),
        ({"identifiers": ["a"]}, 'identifiers.0: must be an object, not "a"'),
        ({"identifiers": [{"namespace": "email", "value": True}]}, "identifiers.0.value: must be a text, not true"),
        ({"identifiers": [{"namespace": "email", "value": 0.5}]}, "identifiers.0.value: must be a text, not 0.5"),
        (
            {"identifiers": [{"namespace": "email", "valeu": ""}]},
            "identifiers.0.valeu: is not a field of an identifier; d",
        ),
        (
            {"country": "Schweiz"},
            "country: must be a country code of ISO 3166 such as CH, or a calling code such as +41",
        ),
        ({"attributes": {"name": [1]}}, "attributes.name: must be a text, not a list"),
        ({"type": "t", "occurredAt": NOON, "properties": "x"}, 'properties: must be a JSON object, not "x"'),
        (
            {"type": "t", "occurredAt": NOON, "properties": '{"a": 1, "a": 2}'},
            "properties: must be a JSON object; this one has the key 'a' twice",
        ),
        ({"type": "t", "occurredAt": 46115.4}, "occurredAt: 46115.4 looks like the day number of a spreadsheet"),
        ({"segment": "s", "isMember": "maybe"}, "isMember: must be one of true, false, 1, 0, yes, no"),
        ({"number": "1", "lines": [{"sku": "A"}]}, "lines.0.quantity is required"),
        ({"number": "1", "lines": [{"sku": "A", "quantity": "x", "total": 1}]}, "lines.0.quantity: must be a number"),
        ({"number": "1", "total": 1e300}, "total: must be a number within 64 bits, not 1e"),
        ({"sku": "A", "categories": [[]]}, "categories.0: must be a text, not a list"),
        ({"sku": "A", "images": [1.5]}, "images.0: must be a text, not 1.5"),
        ({"sku": "A", "price": "12.50"}, 'price: must be an amount and a currency, such as 12.50 EUR, not "12.50"'),
        ({"sku": "A", "price": {"amount": 1}}, "price: must be an amount and a currency, such as 12.50 EUR, not an"),
        ({"sku": "A", "price": {"value": 1}}, "price.value: is not a field of an amount of money; known are amount"),
        ({"sku": "A", "salePrice": "much EUR"}, "salePrice: must be an amount and a currency, such as 12.50 EUR"),
        ({"sku": "A", "availability": "soon"}, "availability: must be one of IN_STOCK, OUT_OF_STOCK, PREORDER"),
        ({"sku": "A", "attributes": ["M"]}, "attributes: must be an object, not a list"),
        ({"sku": "A", "attributes": {"size": {}}}, "attributes.size: must be a text, a number, true, false or a list"),
        ({"sku": "A", "attributes": {"size": [[]]}}, "attributes.size: must be a list of texts"),
        ({"sku": "A", "identifiers": []}, "identifiers: is not a field of a product"),
        ({"seenAt": NOON, "timestamp": NOON}, "timestamp: is not a field of an observation"),
        ({"timestamp": "soon"}, "timestamp (seenAt): 'soon' is not an ISO 8601"),
        ({"lines": []}, "number is required"),
        ({"purpose": "p", "decision": "GIVEN", "channel": ""}, "channel: must not be empty; without the field"),
        ({"purpose": "p", "decision": "GIVEN", "channel": " \u200b"}, "channel: must not be empty"),
    ],
)
def test_a_problem_names_the_field_what_is_required_and_the_value(fields: dict[str, Any], message: str) -> None:
    found = problem(**fields)
    assert found.code == "INVALID_FIELD"
    assert found.message.startswith(message)
    assert found.path[0] == next(name for name in re.split("[.: ]", message))


@pytest.mark.parametrize("time", ["03.02.2026", "3/2/26 10:00", "03-02-2026"])
def test_a_date_with_the_day_first_is_rejected_with_the_order_that_is_read(time: str) -> None:
    assert "write year-month-day, such as 2026-02-03" in problem(seenAt=time, identifiers=EMAIL).message
    assert "year-month-day" not in problem(seenAt="soon", identifiers=EMAIL).message


def test_a_status_has_two_spellings() -> None:
    # given
    order = {"number": "1", "placedAt": NOON, "reportedAt": NOON, "total": 1}
    # then
    for status in ("canceled", "Cancelled"):
        assert parsed(**order, status=status).order.status is OrderStatus.CANCELLED
    assert "CANCELED" not in problem(**order, status="lost").message


def test_an_empty_cell_is_a_channel_that_is_left_out(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "source,email,purpose,decision,channel\ncrm,a@example.com,news,given, \n")
    # then
    assert file.accepted[2].channel == ""


def test_a_record_without_any_source_says_how_to_add_one(tmp_path: Path) -> None:
    # given
    message = "source is missing: add {} source, or --source NAME"
    # then
    for record in ({"identifiers": EMAIL}, {"type": "t", "occurredAt": NOON}, {"source": "", "identifiers": EMAIL}):
        assert parse_record(record).statement == Problem("INVALID_FIELD", message.format("a column"), ("source",))
        assert parse_record(orjson.dumps(record)).statement.message == message.format("the key")


def test_problems_of_a_table_name_its_columns(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "Seen At,email\n03.02.2026,a@example.com\n")
    # then
    assert file.rejected[2].startswith("Seen At (seenAt): '03.02.2026' is not")


@pytest.mark.parametrize("value", [None, ..., ""])
def test_an_identifier_without_a_value_costs_itself(value: Any) -> None:
    # given
    empty = {"namespace": "cookie"} if value is ... else {"namespace": "cookie", "value": value, "country": "CH"}
    # then
    assert parsed(identifiers=[*EMAIL, empty]).identifiers == (*PAIRS, ("cookie", ""))


def test_a_whole_number_is_its_digits() -> None:
    identifiers = [{"namespace": "crm_id", "value": 4711}, {"namespace": "crm_id", "value": 2.0**53}]
    assert parsed(identifiers=identifiers).identifiers == (("crm_id", "4711"), ("crm_id", "9007199254740992"))


def test_the_country_of_an_identifier_takes_precedence_over_that_of_the_record() -> None:
    # given
    phone = {"namespace": "phone", "value": "044 668 18 00"}
    # when
    record = parsed(country="us", identifiers=[phone, {**phone, "country": "+41"}])
    # then
    assert record.identifiers == (
        ("phone", "044 668 18 00;phone-context=US"),
        ("phone", "044 668 18 00;phone-context=+41"),
    )


@pytest.mark.parametrize("name", ["seenAt", "reportedAt", "decidedAt", "occurredAt", "timestamp"])
def test_the_only_time_of_a_record_is_the_time_of_its_kind(name: str) -> None:
    assert parsed(identifiers=EMAIL, **{name: NOON}).seen_at == AT
    assert parsed(identifiers=EMAIL, purpose="p", decision="given", **{name: NOON}).decided_at == AT
    assert parsed(identifiers=EMAIL, type="t", **{name: NOON}).interaction.occurred_at == AT
    assert parsed(number="1", total=1, placedAt=NOON, **{name: NOON}).order.reported_at == AT


def test_what_is_assumed_about_times_is_noted() -> None:
    # given
    order = {"source": "s", "number": "1", "total": 1}
    # then
    assert parse_record({**order, "placedAt": "2026-03-01", "reportedAt": AT // 1000}).notes == (
        TimeNote.DATE_ALONE,
        TimeNote.EPOCH_MILLISECONDS,
    )
    assert parse_record({**order, "placedAt": "2026-03-01T12:00:00", "reportedAt": NOON}).notes == ()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["namespace", "value", "sku"]), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), values, max_size=8))
def test_no_record_ends_a_run(fields: dict[str, Any]) -> None:
    # when
    result = parse_record(orjson.dumps(fields)).statement
    # then
    assert not isinstance(result, Problem) or result.code in ("INVALID_FIELD", "INVALID_LINE")
