"""`attributes.toml`: what can be declared, and errors that name the file and the reason."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.catalog import CHANNELS, AttributeType, Precedence
from graph.domain.profile.consents import EVERY_CHANNEL, Decision
from graph.domain.profile.derived_consents import ConsentFromInteraction
from graph.domain.profile.purposes import Controller, LegalBasis, Purpose
from service.config import attributes_file


def test_the_default_file_is_valid() -> None:
    catalog = attributes_file.read(None)
    assert catalog.attributes["birth_date"].type is AttributeType.DATE
    assert catalog.attributes["interests"].precedence is Precedence.ALL
    assert "newsletter" in catalog.purposes
    assert catalog.channels == CHANNELS


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
    # and what it does not declare has its default
    assert catalog.channels == CHANNELS
    assert {rule.type: rule.purposes for rule in catalog.consents_from_interactions} == {
        "unsubscribed": ("fittings",),
        "email_complained": ("fittings",),
    }


def test_a_purpose_is_profiling_as_declared_and_else_by_its_name() -> None:
    # given
    declared = """[[purpose]]
        name = "profiling"
        [[purpose]]
        name = "personalized_offers"
        profiling = true
        [[purpose]]
        name = "newsletter"
        """
    # when, then
    assert attributes_file.parse(declared).profiling_purposes == ("profiling", "personalized_offers")
    assert attributes_file.parse('[[purpose]]\nname = "profiling"\nprofiling = false').profiling_purposes == ()
    assert attributes_file.parse("").profiling_purposes == ("profiling",)
    assert attributes_file.read(None).profiling_purposes == ("profiling",)


def test_the_default_file_declares_what_holds_without_a_declaration() -> None:
    # given
    purposes = "".join(f"[[purpose]]\nname = {name!r}\n" for name in attributes_file.read(None).purposes)
    # when
    catalog = attributes_file.parse(purposes)
    # then
    assert catalog.consents_from_interactions == attributes_file.read(None).consents_from_interactions


def test_a_file_declares_channels_and_the_interactions_that_are_decisions() -> None:
    # when
    catalog = attributes_file.parse(
        """[[purpose]]
        name = "newsletter"
        [[channel]]
        name = "MESSENGER_1"
        namespaces = ["login", "phone"]
        [[channel]]
        name = "FAX"
        [[consent_from_interaction]]
        type = "stop_received"
        channel = "MESSENGER_1"
        decision = "withdrawn"
        purposes = ["newsletter"]
        [[consent_from_interaction]]
        type = "opted_in"
        decision = "given"
        purposes = ["newsletter"]
        """
    )
    # then
    assert catalog.channels == {"MESSENGER_1": ("login", "phone"), "FAX": ()}
    assert catalog.addresses[EVERY_CHANNEL] == {"login", "phone"}
    assert catalog.consents_from_interactions == (
        ConsentFromInteraction("stop_received", "MESSENGER_1", Decision.WITHDRAWN, ("newsletter",)),
        ConsentFromInteraction("opted_in", EVERY_CHANNEL, Decision.GIVEN, ("newsletter",)),
    )


def test_an_empty_list_turns_decisions_from_interactions_off() -> None:
    assert attributes_file.parse("consent_from_interaction = []").consents_from_interactions == ()


def from_interaction(**values: str) -> str:
    """A table `[[consent_from_interaction]]` with values as they are written in TOML."""
    valid = {"type": '"unsubscribed"', "decision": '"withdrawn"', "purposes": '["newsletter"]'}
    lines = [f"{name} = {value}\n" for name, value in (valid | values).items()]
    return f"[[consent_from_interaction]]\n{''.join(lines)}"


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
        ('[[channel]]\nname = "email"', "channel 'email' is not a valid name"),
        ('[[channel]]\nname = "FAX"\n[[channel]]\nname = "FAX"', "duplicate channel 'FAX'"),
        ('[[channel]]\nname = "FAX"\nnamespaces = ["Fax number"]', "channel FAX: 'Fax number'"),
        (from_interaction(type='"Unsubscribed!"'), "consent_from_interaction 'Unsubscribed!': type"),
        (from_interaction(decision='"none"'), "consent_from_interaction.0.decision"),
        (from_interaction(channel='"FAX"'), "channel 'FAX' is not declared; EMAIL, PHONE"),
        (from_interaction(purposes='["spam"]'), "purpose 'spam' is not declared; newsletter, "),
        (from_interaction(purposes="[]"), "consent_from_interaction.0.purposes"),
        (from_interaction() + from_interaction(channel='"SMS"'), "purpose 'newsletter' is declared twice"),
    ],
)
def test_an_invalid_file_is_explained(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_ATTRIBUTES") as raised:
        attributes_file.parse(text)
    assert message in raised.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        attributes_file.read(tmp_path / "none.toml")


def test_a_file_declares_the_controller_and_what_data_is_processed_for() -> None:
    # when
    catalog = attributes_file.parse(
        """[controller]
        name = "Berg GmbH"
        contact = "privacy@berg.example"
        [[purpose]]
        name = "newsletter"
        legal_basis = "consent"
        recipients = []
        data_categories = ["email addresses"]
        [[purpose]]
        name = "order-handling"
        consent = false
        legal_basis = "contract"
        retention = "10 years"
        """
    )
    # then: decisions are recorded for the first one only
    assert catalog.purposes == ("newsletter",)
    assert catalog.processing.controller == Controller("Berg GmbH", "privacy@berg.example")
    assert catalog.processing.purposes == (
        Purpose("newsletter", None, LegalBasis.CONSENT, None, ("email addresses",), ()),
        Purpose("order-handling", legal_basis=LegalBasis.CONTRACT, retention="10 years", consent=False),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[purpose]]\nname = "a"\nlegal_basis = "because"', "purpose.0.legal_basis"),
        ('[[purpose]]\nname = "a"\nrecipients = "everybody"', "purpose.0.recipients"),
        ('[[purpose]]\nname = "a"\ndescription = ""', "purpose.0.description"),
        ('[[purpose]]\nname = "a-b"', "'a-b' is not a valid name"),
        ('[[purpose]]\nname = "-b"\nconsent = false', "'-b' is not a valid name"),
        ('[[purpose]]\nname = "a-b"\nconsent = false\n' * 2, "duplicate name 'a-b'"),
        ('[controller]\nnmae = "Berg"', "controller.nmae"),
    ],
)
def test_what_cannot_be_declared_is_named(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match="KITH_ATTRIBUTES") as failure:
        attributes_file.parse(text)
    assert reason in failure.value.message
