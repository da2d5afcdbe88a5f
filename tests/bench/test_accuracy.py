"""The accuracy benchmark: its scores, how it maps public data sets, and its generated families."""

from collections import defaultdict

import pytest

from bench import febrl, senzing
from bench.accuracy import CONTACTS, EVERYTHING, RULES, RuleSet, resolve_over_arrays, rule_sets
from bench.households import Households
from bench.records import Record, customers_of, statements_of
from bench.scores import score
from service.config.rules_file import default_text, parse

SHIPPED = parse(RULES.read_text("utf-8"))


def test_pairs_records_and_exact_customers_are_scored() -> None:
    # given: a is in two customers, one of which also holds b; c is exact
    customers = [{"1": "a", "2": "a", "3": "b"}, {"4": "a"}, {"5": "c", "6": "c"}]
    # when
    result = score(customers)
    # then: 4 pairs are together, 2 of them correctly; 4 pairs are of one entity
    assert (result.precision, result.recall, result.f1) == (0.5, 0.5, 0.5)
    # records 1, 2, 3: 2/3, 2/3, 1/3 of their customer is of their entity; 4, 5, 6: all of it
    assert result.b3_precision == pytest.approx((5 / 3 + 3) / 6)
    # records 1, 2, 4 find 2, 2 and 1 of the 3 records of a
    assert result.b3_recall == pytest.approx((5 / 3 + 3) / 6)
    assert (result.exact, result.entities) == (1, 3)


def test_records_that_nobody_joined_have_full_precision() -> None:
    result = score([{"1": "a"}, {"2": "a"}])
    assert (result.precision, result.recall, result.f1, result.exact) == (1.0, 0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("12/11/1978", "1978-12-11"),
        ("20/8/1991", "1991-08-20"),
        ("8/20/91", "1991-08-20"),
        ("2/4/31", "1931-02-04"),
        ("Mar 1 1970", "1970-03-01"),
        ("24-May-11", "2011-05-24"),
        ("Current", None),
    ],
)
def test_dates_of_senzing_are_read_as_in_the_united_states(text: str, date: str | None) -> None:
    assert senzing.iso_date(text) == date


def test_senzing_has_159_records_of_85_entities() -> None:
    # when
    records = {record.own[1]: record for record in senzing.records()}
    # then
    assert (len(records), len({record.entity for record in records.values()})) == (159, 85)
    first = records["customers 1005"]
    assert first.identifiers == (("drivers_license", "NV 112233"),)
    assert first.attributes == {
        "given_name": "Robbie",
        "family_name": "Smith",
        "address": {"street": "123 E Main St", "postal_code": "89132", "city": "Henderson", "region": "NV"},
    }
    # the countries of a passport have one code, and a comma separates the names
    assert (
        records["customers 1083"].identifiers == records["customers 1084"].identifiers == (("passport", "CA 34543555"),)
    )
    assert records["reference 2102"].attributes == {"given_name": "Kaylee", "family_name": "Jones"}
    assert records["watchlist 2052"].identifiers == (("phone", "92-42-7925774;phone-context=PK"),)
    assert records["customers 1069"].attributes["name"] == "王杰"


def test_a_row_of_febrl_becomes_a_record() -> None:
    # given
    row = dict.fromkeys(("given_name", "surname", "street_number", "address_1", "address_2"), "")
    row |= {"rec_id": "rec-7-dup-1", "given_name": "ann", "street_number": "6", "address_1": "hay street"}
    row |= {
        "suburb": "st james",
        "postcode": "4011",
        "state": "wa",
        "date_of_birth": "19080231",
        "soc_sec_id": "6988048",
    }
    # when
    record = febrl.record(row)
    # then: there is no 31st of February
    address = {"street": "6 hay street", "postal_code": "4011", "city": "st james", "region": "wa"}
    attributes = {"given_name": "ann", "address": address}
    assert record == Record("febrl", ("record", "rec-7-dup-1"), "7", (("ssn", "6988048"),), attributes)


def test_the_same_seed_gives_the_same_families() -> None:
    first, same, other = (list(Households(300, seed)) for seed in (1, 1, 2))
    assert first == same != other


def test_families_share_what_families_share() -> None:
    # when
    records = list(Households(3000))
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    given_names: dict[str, set[str]] = defaultdict(set)
    born: dict[tuple[str, str], set[str]] = defaultdict(set)
    family_names: dict[str, set[str]] = defaultdict(set)
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        owners[record.own].add(record.entity)
        for identifier in record.identifiers:
            people[identifier].add(record.entity)
        given_names[record.entity].add(str(record.attributes["given_name"]).lower())
        family_names[record.entity].add(str(record.attributes["family_name"]).lower())
        if "birth_date" in record.attributes:
            born[str(record.attributes["family_name"]), str(record.attributes["birth_date"])].add(record.entity)
    # then: what a source gave to one person is of one person; what a family has is of several
    assert all(len(entities) == 1 for entities in owners.values())
    for namespace in ("email", "phone", "device"):
        assert any(len(entities) > 1 for (name, _), entities in people.items() if name == namespace)
    assert any(len(entities) > 1 for entities in born.values()), "twins"
    assert any(len(names) > 1 for names in given_names.values()), "nicknames and typing errors"
    assert any(len(names) > 1 for names in family_names.values()), "married names"


def test_arrays_give_the_customers_of_the_rule() -> None:
    records = list(Households(400))
    for rule_set in rule_sets(SHIPPED):
        prepared = statements_of(map(rule_set.sent, records), rule_set.rules)
        expected = customers_of(*prepared, rule_set.rules)
        found = customers_of(*prepared, rule_set.rules, resolve_over_arrays)
        assert sorted(map(sorted, found)) == sorted(map(sorted, expected)), rule_set.name


def test_a_record_that_kith_rejects_is_an_error() -> None:
    with pytest.raises(ValueError, match="birth_date"):
        statements_of([Record("crm", ("record", "1"), "1", (), {"birth_date": "5/4/80"})], SHIPPED)


def test_the_parts_of_rules_differ_and_have_the_rules_themselves() -> None:
    parts = {part.name: part.rules for part in rule_sets(SHIPPED)}
    assert parts[EVERYTHING] == SHIPPED
    assert len(parts) == 8 + len(SHIPPED.composites)
    default = parse(default_text())
    assert {part.name: part.rules for part in rule_sets(default)}["both guards"] == default


def test_identifiers_that_are_not_sent_are_left_out() -> None:
    record = Record("crm", ("record", "1"), "1", (("email", "ann@example.com"), ("ssn", "1234567")))
    assert RuleSet("", SHIPPED, CONTACTS).sent(record).identifiers == (("ssn", "1234567"),)
    assert RuleSet("", SHIPPED).sent(record) == record
