"""attributes.toml: what can be declared, and errors that name the file and what is wrong."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import AttributeType, Precedence
from service.config import attributes_file


def test_the_default_ships_with_the_product() -> None:
    catalogue = attributes_file.read(None)
    assert catalogue.attributes["birth_date"].type is AttributeType.DATE
    assert catalogue.attributes["interests"].precedence is Precedence.UNION
    assert "newsletter" in catalogue.purposes


def test_a_file_declares_attributes_and_purposes(tmp_path: Path) -> None:
    path = tmp_path / "attributes.toml"
    path.write_text(
        """[[attribute]]
        name = "given_name"
        precedence = "sources"
        sources = ["crm", "shop"]
        [[attribute]]
        name = "shoe_size"
        type = "number"
        personal = false
        [[purpose]]
        name = "fittings"
        [journey]
        decision_days = 3
        """
    )
    catalogue = attributes_file.read(path)
    assert catalogue.attributes["given_name"].sources == ("crm", "shop")
    assert catalogue.attributes["shoe_size"].type is AttributeType.NUMBER
    assert catalogue.attributes["address"].type is AttributeType.ADDRESS
    assert catalogue.purposes == ("fittings",)
    assert (catalogue.journey.decision_days, catalogue.journey.purchase_days) == (3, 14)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "attributes.toml"),
        ("[[attribute]]\nname = 7", "attribute.0.name"),
        ('[[attribute]]\nname = "Shoe Size"', "'Shoe Size'"),
        ('[[attribute]]\nname = "a"\n[[attribute]]\nname = "a"', "'a' is there twice"),
        ('[[attribute]]\nname = "birth_date"', "of type date, not text"),
        ('[[attribute]]\nname = "a"\nprecedence = "best"', "attribute.0.precedence"),
        ('[[attribute]]\nname = "a"\ncolour = "red"', "attribute.0.colour"),
        ('[[purpose]]\nname = "a b"', "'a b'"),
        ("[journey]\ndecision_days = 0", "journey.decision_days"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_ATTRIBUTES") as raised:
        attributes_file.parse(text)
    assert told in raised.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        attributes_file.read(tmp_path / "none.toml")
