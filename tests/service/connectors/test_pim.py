"""Products of PIMs: samples of feeds and of REST answers give the same products."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.model.money import Money
from graph.domain.model.products import Product
from graph.ports import Store
from service.connectors import mapping_file
from service.connectors.mapping import RecordMapping
from service.connectors.steps import step
from service.connectors.unpack import unpack
from service.connectors.values import Scope, compile_value
from service.ingest.records import parse_record
from tests.builders.connectors import BACKEND_KEY, connected
from tests.builders.runs import Run

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "samples"
ARRIVAL = "2026-03-01T07:00:00Z"
DETAILS = """sku name brand categories description url images price { amount currency } salePrice { amount currency }
  gtin availability attributes source"""


def products(mapping: RecordMapping, sample: str) -> list[Product]:
    """The products that a mapping makes of a sample, as if it had arrived at one time."""
    records, beside = mapping.split(unpack((SAMPLES / sample).read_bytes(), mapping.format), {})
    made = [statement for record in records for statement in mapping.map(record, beside) or ()]
    statements = [parse_record({"reportedAt": ARRIVAL, **statement.fields}, "pim").statement for statement in made]
    assert all(isinstance(statement, Product) for statement in statements), statements
    return statements  # type: ignore[return-value]


def adapted() -> RecordMapping:
    """The mapping of Akeneo with the lines that its page changes."""
    text = (mapping_file.SHIPPED / "akeneo.toml").read_text("utf-8")
    page = (ROOT / "docs" / "connectors" / "pim.md").read_text("utf-8")
    block = next(block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "values.price" in block)
    for line in block.splitlines():
        name = line.partition(" = ")[0]
        text, count = re.subn(rf"^{name} = .*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
        assert count == 1
    return mapping_file.parse(text, "akeneo")


def test_a_feed_gives_the_same_products_as_xml_and_as_a_table() -> None:
    # given
    mapping = mapping_file.shipped("google-merchant")
    # when
    dress, card = products(mapping, "google-merchant.xml")
    # then
    assert products(mapping, "google-merchant.tsv") == [dress, card]
    assert dress.categories == ("Clothing > Women > Dresses",)
    assert len(dress.images) == 3
    assert dress.attributes["color"] == ("Blue", "White")
    assert (card.sku, card.categories, card.price) == ("GIFT", (), Money("EUR", Decimal(25)))


def test_a_feed_and_a_rest_answer_give_the_same_product() -> None:
    # given
    dress, _ = products(mapping_file.shipped("google-merchant"), "google-merchant.xml")
    # when
    same, card = products(adapted(), "akeneo-products-uuid.json")
    # then: but for what only one of them says
    of_feed = {"age_group", "condition", "mpn", "google_product_category"}
    assert dress.attributes.keys() - same.attributes.keys() == of_feed
    assert same.attributes.keys() - dress.attributes.keys() == {"weight", "family"}
    shared = {name: value for name, value in dress.attributes.items() if name not in of_feed}
    assert {name: same.attributes[name] for name in shared} == shared
    assert replace(same, attributes={}, images=()) == replace(dress, attributes={}, images=())
    assert same.images == dress.images[:1]
    assert (card.sku, card.name, card.reported_at) == ("GIFT", "Gift card", 1_769_929_200_000_000)


def test_the_shipped_mapping_of_akeneo_takes_codes_and_the_first_price() -> None:
    dress, _ = products(mapping_file.shipped("akeneo"), "akeneo-products-uuid.json")
    assert dress.categories == ("women_dresses",)
    assert dress.images[0].startswith("https://demo.akeneo.example/api/rest/v1/media-files/")
    assert dress.price is not None
    assert dress.price.currency == "EUR"


def test_products_are_taken_in_over_http(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = connected(
        store, run, tmp_path, '[[source]]\nname = "pim"\nmapping = "google-merchant"\nsecrets = ["file:backend-key"]\n'
    )
    key = {"authorization": f"Bearer {BACKEND_KEY}"}
    # when
    for sample in ("google-merchant.xml", "google-merchant.tsv"):
        answer = run(client.http.post("/in/pim", content=(SAMPLES / sample).read_bytes(), headers=key))
        # then
        assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (200, 2, 0)
        dress = client.ask(f'{{ product(sku: "DRESS-M-BLUE") {{ {DETAILS} }} }}')["product"]
        assert (dress["source"], dress["price"]) == ("pim", {"amount": "79.90", "currency": "EUR"})
        assert dress["attributes"]["material"] == ["Cotton", "Elastane"]


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        (
            "localized:en_US/print",
            [{"locale": "en_US", "scope": "web", "data": "a"}, {"locale": "en_US", "scope": "print", "data": "b"}],
            "b",
        ),
        (
            "localized:en_US/print",
            [{"locale": "de_DE", "scope": "print", "data": "a"}, {"locale": None, "scope": "web", "data": "b"}],
            "b",
        ),
        (
            "localized:en_US/print",
            [{"locale": None, "scope": "web", "data": "a"}, {"locale": None, "scope": None, "data": "b"}],
            "b",
        ),
        ("localized:en_US", [{"data": "m", "linked_data": {"labels": {"en_US": "Medium"}}}], "Medium"),
        ("localized:fr_FR", [{"data": "m", "linked_data": {"labels": {"en_US": "Medium"}}}], "m"),
        # PHP writes an object without members as a list
        ("localized:en_US", [{"data": "m", "linked_data": {"labels": []}}], "m"),
        (
            "localized:en_US",
            [{"data": ["m", "l"], "linked_data": {"m": {"labels": {"en_US": "Medium"}}}}],
            ["Medium", "l"],
        ),
        (
            "where:currency=EUR",
            [{"currency": "USD"}, {"currency": "EUR", "amount": 1}],
            {"currency": "EUR", "amount": 1},
        ),
        ("where:currency=EUR", {"currency": "EUR"}, {"currency": "EUR"}),
        ("where:currency=CHF", [{"currency": "USD"}, "EUR"], None),
    ],
)
def test_steps_choose_among_the_values_of_a_pim(name: str, value: Any, result: Any) -> None:
    assert step(name)(value) == result


@pytest.mark.parametrize("name", ["where:currency", "where:=EUR"])
def test_a_choice_without_a_name_and_a_value_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="where:currency=EUR"):
        step(name)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({"list": ["image", "more"]}, ["1.jpg", "2.jpg", "3.jpg"]),
        ({"list": ["missing", "image"]}, ["1.jpg"]),
        ({"list": ["missing"]}, None),
        ({"path": "codes", "map": {"a": "A", "*": "="}}, ["A", "b"]),
        ({"path": "codes", "map": {"a": "A", "*": ""}}, ["A"]),
        ({"path": "codes", "map": {"*": ""}}, None),
    ],
)
def test_lists_are_joined_and_mapped(spec: Any, value: Any) -> None:
    record = {"image": "1.jpg", "more": ["2.jpg", "3.jpg"], "codes": ["a", "b"]}
    assert compile_value(spec).get(Scope(record, {}, record)) == value


def test_the_first_path_of_records_that_is_there_counts() -> None:
    # given
    mapping = mapping_file.shipped("google-merchant")
    atom = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Store</title>
      <entry><title>Kettle</title><link rel="alternate" href="https://shop.example/kettle"/><g:id>A-1</g:id></entry>
      <entry><title>Tea</title><g:id>A-2</g:id></entry></feed>"""
    # when
    records, _ = mapping.split(unpack(atom, mapping.format), {})
    # then
    made = [mapping.map(record, {})[0].fields for record in records]  # type: ignore[index]
    assert made == [
        {"sku": "A-1", "name": "Kettle", "url": "https://shop.example/kettle"},
        {"sku": "A-2", "name": "Tea"},
    ]
