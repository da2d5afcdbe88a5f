"""`attributes.toml`: what can be declared, and errors that name the file and the reason."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import AttributeType, Precedence
from service.config import attributes_file


def test_the_default_file_is_valid() -> None:
    catalog = attributes_file.read(None)
    assert catalog.attributes["birth_date"].type is AttributeType.DATE
    assert catalog.attributes["interests"].precedence is Precedence.ALL
    assert "newsletter" in catalog.purposes


def test_a_file_declares_attributes_and_purposes(tmp_path: Path) -> None:
    path = tmp_path / "attributes.toml"
    path.write_text(
        """[[attribute]]
        name = "given_name"
        precedence = "source_priority"
        sources = ["crm", "shop"]
        [[attribute]]
        name = "shoe_size"
        type = "number"
        personal = false
        [[purpose]]
        name = "fittings"
        [journey]
        consideration_days = 3
        """
    )
    catalog = attributes_file.read(path)
    assert catalog.attributes["given_name"].sources == ("crm", "shop")
    assert catalog.attributes["shoe_size"].type is AttributeType.NUMBER
    assert catalog.attributes["address"].type is AttributeType.ADDRESS
    assert catalog.purposes == ("fittings",)
    assert (catalog.journey.consideration_days, catalog.journey.purchase_days) == (3, 14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "attributes.toml"),
        ("[[attribute]]\nname = 7", "attribute.0.name"),
        ('[[attribute]]\nname = "Shoe Size"', "'Shoe Size'"),
        ('[[attribute]]\nname = "a"\n[[attribute]]\nname = "a"', "duplicate name 'a'"),
        ('[[attribute]]\nname = "birth_date"', "of type date, not text"),
        ('[[attribute]]\nname = "a"\nprecedence = "best"', "attribute.0.precedence"),
        ('[[attribute]]\nname = "a"\ncolor = "red"', "attribute.0.color"),
        ('[[purpose]]\nname = "a b"', "'a b'"),
        ("[journey]\nconsideration_days = 0", "journey.consideration_days"),
    ],
)
def test_an_invalid_file_is_explained(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_ATTRIBUTES") as raised:
        attributes_file.parse(text)
    assert message in raised.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        attributes_file.read(tmp_path / "none.toml")
