"""Data for ad platforms is normalized and hashed by the rules of each vendor, as its own library does."""

from datetime import date

import pytest

from graph.domain.model.normalization import step
from service.destinations import customer_match as match
from tests.builders.vendor_libraries import library, people

COUNT = 10_000


def test_google_and_meta_hash_the_same_person_differently() -> None:
    # given
    email, phone = "john.smith+x@gmail.com", "+4930901820"
    # then
    assert (match.google_email(email), match.meta_email(email)) == ("johnsmith@gmail.com", "john.smith+x@gmail.com")
    assert (match.google_phone(phone), match.meta_phone(phone)) == ("+4930901820", "4930901820")


def test_a_hash_is_that_of_the_vendors_documentation() -> None:
    # given the example of Meta's page about hashing
    digest = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    # then
    assert match.sha256(match.meta_email(" John_Smith@gmail.com ")) == digest


@pytest.mark.parametrize(
    ("email", "normalized"),
    [
        ("J.o.h.n@googlemail.com", "john@googlemail.com"),
        ("John.Smith+x@example.com", "john.smith+x@example.com"),
    ],
)
def test_only_gmail_ignores_dots_and_tags(email: str, normalized: str) -> None:
    assert match.google_email(email) == normalized


@pytest.mark.parametrize("value", ["", "no-at", "a b@example.com", "a@b", "..+x@gmail.com"])
def test_what_is_no_email_address_is_not_hashed(value: str) -> None:
    with pytest.raises(ValueError, match="is not an email address"):
        match.google_email(value)


@pytest.mark.parametrize(
    "value", ["030 901820", "0049 30 901820", "+49 30 901820", "4930901820", "+4930901820;ext=7", ""]
)
def test_a_phone_number_in_another_form_than_e164_is_not_hashed(value: str) -> None:
    # The vendors' libraries make a number of another country of it, without an error.
    for phone in (match.google_phone, match.meta_phone):
        with pytest.raises(ValueError, match=r"E\.164"):
            phone(value)


def test_an_address_is_hashed_if_all_its_parts_are_there() -> None:
    # given
    fields = {"givenName": " Ann ", "familyName": "O'Neil", "regionCode": "de", "postalCode": " 10115 "}
    # then
    assert match.google_address(fields) == {
        "givenName": match.sha256("ann"),
        "familyName": match.sha256("o'neil"),
        "regionCode": "DE",
        "postalCode": "10115",
    }
    for name in fields:
        assert match.google_address({**fields, name: None}) is None
    assert match.google_address({**fields, "regionCode": "Germany"}) is None
    # What is sent as it is has to be what it should be.
    for value in ("Main Street", "ann@example.com", "10115 Berlin, Unter den Linden 1", {"street": "Linden 1"}):
        assert match.google_address({**fields, "postalCode": value}) is None
    assert match.google_address({}) is None


def test_the_fields_of_meta_are_hashed_by_its_rules() -> None:
    # given
    fields = {
        "FN": "Mary-Ann",
        "LN": "Zoë",
        "FI": "Ann",
        "CT": "St. Gallen",
        "ST": "CA",
        "ZIP": "SW1A 2AA",
        "COUNTRY": "GB",
        "GEN": "Female",
        "DOB": date(1990, 5, 7),
    }
    # when
    hashed = match.meta_fields(fields)
    # then
    texts = {"FN": "maryann", "LN": "zoë", "FI": "a", "CT": "stgallen", "ST": "ca", "ZIP": "sw1a2aa", "COUNTRY": "gb"}
    texts |= {"GEN": "f", "DOBY": "1990", "DOBM": "05", "DOBD": "07"}
    assert hashed == {name: match.sha256(text) for name, text in texts.items()}


def test_values_that_meta_would_not_match_are_left_out() -> None:
    assert match.meta_fields({"COUNTRY": "USA", "GEN": "x", "DOBM": "13", "DOBY": "90", "FN": "", "LN": None}) == {}


def test_a_field_that_a_vendor_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="'first_name' is not a field that Meta matches; these are FN"):
        match.meta_fields({"first_name": "Ann"})
    with pytest.raises(ValueError, match="'FN' is not a field that Google matches; these are givenName"):
        match.google_address({"FN": "Ann"})


@pytest.mark.parametrize("value", ["00000000-0000-0000-0000-000000000000", "aa:bb:cc:dd:ee:ff", "ck-4711", ""])
def test_what_is_no_advertising_id_is_not_sent(value: str) -> None:
    with pytest.raises(ValueError, match="advertising id"):
        match.advertising_id(value)


def test_a_hash_of_a_source_is_taken_as_it_is() -> None:
    assert match.email_hash(match.sha256("x")) == match.sha256("x")
    with pytest.raises(ValueError, match="SHA-256"):
        match.email_hash("ann@example.com")


def test_people_are_normalized_as_the_vendors_libraries_do() -> None:
    """The exceptions: numbers without a calling code or with 00, which the libraries make other numbers of."""
    # given people, as Kith stores them
    raw = list(people(COUNT))
    email = step("email")
    stored = [{**person, "email": email(person["email"].strip().lower()), "phone": person["e164"]} for person in raw]
    # when
    theirs, theirs_of_raw = library("normalize", stored), library("normalize", raw)
    # then
    wrong = {"google": 0, "meta": 0}
    for person, clean, ours, unclean in zip(raw, stored, theirs, theirs_of_raw, strict=True):
        assert ours["google"]["email"] == match.google_email(clean["email"]) == unclean["google"]["email"]
        assert ours["meta"]["email"] == match.meta_email(clean["email"]) == unclean["meta"]["email"]
        assert ours["google"]["phone"] == match.google_phone(clean["phone"])
        assert ours["meta"]["phone"] == match.meta_phone(clean["phone"])
        is_international = person["phone"].strip().startswith("+")
        if unclean["google"]["phone"] != match.google_phone(clean["phone"]):
            assert not is_international
            wrong["google"] += 1
        if unclean["meta"]["phone"] != match.meta_phone(clean["phone"]):
            assert not is_international
            assert not person["phone"].startswith("00")
            wrong["meta"] += 1
        assert ours["google"]["given_name"] == match.google_name(clean["given_name"])
        assert ours["google"]["family_name"] == match.google_name(clean["family_name"])
        assert ours["google"]["postal_code"] == match.google_postal_code(clean["postal_code"])
        assert ours["google"]["country"] == match.google_region(clean["country"])
        assert ours["meta"]["postal_code"] == match.meta_field("ZIP", clean["postal_code"])
        assert ours["meta"]["country"] == match.meta_field("COUNTRY", clean["country"])
        for name, column in (("given_name", "FN"), ("family_name", "LN"), ("city", "CT")):
            field = match.meta_field(column, clean[name])
            if clean[name].isascii():
                assert ours["meta_audiences"][name] == field
            elif clean[name].strip().isalpha():
                # The library of custom audiences drops letters with marks, against Meta's documentation.
                assert ours["meta"][name] == field
    assert wrong["google"] > wrong["meta"] > 0
