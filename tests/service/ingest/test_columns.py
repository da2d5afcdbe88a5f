"""A header is judged once: names in any writing, unknown and doubled names in one error, and what a row makes."""

import csv
import shlex
from decimal import Decimal
from pathlib import Path

import pytest

from graph.domain.commands import SourceStatement
from graph.domain.model.errors import InvalidInput
from graph.domain.model.money import Money
from graph.domain.model.observations import Observation
from graph.domain.model.products import Availability, Product
from graph.domain.model.rules import Composite, NamespaceRule, Rules
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from service.ingest.columns import Columns, KnownColumns, match_header
from service.ingest.raw_lines import ReadOptions
from tests.builders.input_files import RULES, read_file

FILES = Path(__file__).parent / "files"


def columns(*names: str, ignored: tuple[str, ...] = ()) -> Columns:
    return match_header(names, KnownColumns(RULES), ReadOptions(ignored_columns=frozenset(ignored)), Path("f.csv"))


def statements(path: Path, content: str) -> list[SourceStatement]:
    file = read_file(path, content)
    assert not file.rejected, file.rejected
    return list(file.accepted.values())


@pytest.mark.parametrize("name", ["seenAt", "SeenAt", "seen_at", "Seen At", "SEEN-AT", "\ufeffseenAt", " seenAt "])
def test_names_match_regardless_of_their_writing(name: str) -> None:
    assert columns(name, "E-Mail").record(["2026-03-01", "a@example.com"]) == {
        "seenAt": "2026-03-01",
        "identifiers": [{"namespace": "email", "value": "a@example.com"}],
    }


def test_a_cell_of_a_composite_namespace_is_one_value() -> None:
    # given
    composite = Composite("name_birth", ("family_name", "birth_date"))
    known = KnownColumns(Rules((NamespaceRule("name_birth"), NamespaceRule("email")), composites=(composite,)))
    # when
    record = match_header(["name_birth", "email"], known, ReadOptions(), Path("f.csv")).record(
        ["Lee|1980-05-04", "a@example.com|b@example.com"]
    )
    # then
    assert [identifier["value"] for identifier in record["identifiers"]] == [
        "Lee|1980-05-04",
        "a@example.com",
        "b@example.com",
    ]


def test_all_unknown_columns_are_in_one_error_with_the_nearest_known_names() -> None:
    with pytest.raises(InvalidInput) as caught:
        columns("source", "emial", "seenAT", "Remark")
    assert caught.value.code == "INVALID_FILE"
    assert str(caught.value) == (
        "f.csv: the header has unknown columns: 'emial' (did you mean email?), 'Remark'; "
        "--ignore-columns 'emial,Remark' leaves them out"
    )


@pytest.mark.parametrize("name", ["Vorname", "zip", "Datum", "Kundennummer", "ix"])
def test_only_a_name_that_is_really_near_is_suggested(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        columns("source", name)
    assert "did you mean" not in str(caught.value)


def test_the_option_for_unknown_columns_can_be_pasted_into_a_shell() -> None:
    # when
    with pytest.raises(InvalidInput) as caught:
        columns("source", "Umsatz, EUR", 'Kunde\'s "Nr"', "Notiz")
    # then
    option = shlex.split(str(caught.value).rpartition("; ")[2])
    assert option[0] == "--ignore-columns"
    names = next(csv.reader([option[1]]))
    assert names == ["Umsatz, EUR", 'Kunde\'s "Nr"', "Notiz"]
    assert columns("source", *names, ignored=tuple(names)).header.fields == {"source": "source"}


def test_ignored_columns_are_left_out() -> None:
    # given
    table = columns("source", "Remark", "crm_id", ignored=("remark",))
    # then
    assert table.record(["crm", "x", "C-1"]) == {
        "source": "crm",
        "identifiers": [{"namespace": "crm_id", "value": "C-1"}],
    }
    assert table.findings() == ["columns source, crm_id", "ignored columns Remark"]


def test_a_column_to_ignore_that_is_not_there_is_reported() -> None:
    # when, then
    assert columns("source", ignored=("nope",)).findings() == [
        "columns source",
        "columns to ignore that are not there: nope",
    ]


def test_columns_that_occur_twice_are_an_error() -> None:
    with pytest.raises(InvalidInput, match="columns that are the same: 'phone', 'Phone'; several values go into one"):
        columns("crm_id", "phone", "Phone")
    with pytest.raises(InvalidInput, match="columns that are the same: 'phone', 'phone'"):
        read_file(FILES / "05-two-phone-columns.csv")


def test_values_in_place_of_a_header_are_not_in_the_error() -> None:
    with pytest.raises(InvalidInput) as caught:
        columns("ann@example.com", "C-1")
    assert "ann" not in str(caught.value)
    assert "it must be a header such as source,id,seenAt,email" in str(caught.value)
    assert "remove the lines above the header" in str(caught.value)


def test_the_country_of_a_column_takes_precedence_over_that_of_the_row(tmp_path: Path) -> None:
    # when
    (statement,) = statements(
        tmp_path / "f.csv", "source,country,phone,phone:CH,crm_id\ncrm,us,415-555-0132,044 668 18 00,\n"
    )
    # then
    assert isinstance(statement, Observation)
    assert statement.identifiers == (
        ("phone", "415-555-0132;phone-context=US"),
        ("phone", "044 668 18 00;phone-context=CH"),
    )


@pytest.mark.parametrize("name", ["phone:XX", "phone:", "email:CH", "source:CH"])
def test_only_phone_numbers_have_a_country(name: str) -> None:
    if name == "phone:":
        assert columns(name).record(["1"])["identifiers"] == [{"namespace": "phone", "value": "1"}]
    else:
        with pytest.raises(InvalidInput, match="unknown columns"):
            columns("crm_id", name)


def test_an_address_has_a_column_for_each_part(tmp_path: Path) -> None:
    # when
    person, visitor = statements(
        tmp_path / "f.csv",
        "source,Seen At,crm_id,attributes.given_name,address.city,attributes.Address.Postal Code,attributes.home.city\n"
        "crm,2026-03-01T10:00:00Z,C-1,  Ann\u200b,Berlin,10115,Bonn\n"
        "crm,2026-03-02T10:00:00Z,C-2,,,,\n",
    )
    # then: the time column is that of both kinds
    assert isinstance(person, AttributesStatement)
    assert person.values == {
        "given_name": "Ann",
        "address": {"city": "Berlin", "postal_code": "10115"},
        "home": {"city": "Bonn"},
    }
    assert person.reported_at == 1_772_359_200_000_000
    assert isinstance(visitor, Observation)
    assert visitor.seen_at == 1_772_445_600_000_000


def test_products_have_columns(tmp_path: Path) -> None:
    content = "source,sku,name,brand,categories,timestamp\npim,A-1,Kettle,Acme,kitchen| tea |kitchen,2026-03-01\n"
    assert statements(tmp_path / "f.csv", content) == [
        Product("A-1", "Kettle", "pim", 1_772_323_200_000_000, "Acme", ("kitchen", "tea"))
    ]


def test_details_of_products_have_columns(tmp_path: Path) -> None:
    # when
    (statement,) = statements(
        tmp_path / "f.csv",
        "source,sku,name,reportedAt,categories,description,url,images,price,salePrice,gtin,availability,"
        "attributes.size,attributes.Color\n"
        'pim,A-1,Kettle,2026-03-01,Home>Kitchen|Tea,"Boils\nwater",https://shop.example/a-1,'
        "https://shop.example/1.jpg|https://shop.example/2.jpg,39.90 eur,29 EUR,04006381333931,in_stock,1.7 l,\n",
    )
    # then: the columns of attributes are those of the product, and an empty cell is left out
    assert statement == Product(
        "A-1",
        "Kettle",
        "pim",
        1_772_323_200_000_000,
        categories=("Home > Kitchen", "Tea"),
        description="Boils\nwater",
        url="https://shop.example/a-1",
        images=("https://shop.example/1.jpg", "https://shop.example/2.jpg"),
        price=Money("EUR", Decimal("39.90")),
        sale_price=Money("EUR", Decimal(29)),
        gtin="04006381333931",
        availability=Availability.IN_STOCK,
        attributes={"size": "1.7 l"},
    )


@pytest.mark.parametrize(
    ("cell", "is_member"), [("true", True), ("1", True), ("Yes", True), ("0", False), ("NO", False)]
)
def test_external_segments_have_columns(tmp_path: Path, cell: str, is_member: bool) -> None:
    # when
    (statement,) = statements(
        tmp_path / "f.csv", f"source,email,segment,expiresAt,isMember\ndmp,a@example.com,parents,2099-01-01,{cell}\n"
    )
    # then
    assert isinstance(statement, ExternalSegmentStatement)
    assert (statement.segment, statement.is_member, statement.expires_at) == (
        "parents",
        is_member,
        4_070_908_800_000_000,
    )


def test_lines_of_a_text_are_kept(tmp_path: Path) -> None:
    content = 'type,occurredAt,cookie,text\npage_viewed,2026-03-01T10:00:00Z,ck-1,"Hello,\n  all"\n'
    (statement,) = statements(tmp_path / "f.csv", content)
    assert statement.interaction.text == "Hello,\n  all"  # type: ignore[union-attr]
