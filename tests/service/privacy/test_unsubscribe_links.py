"""Unsubscribe links say nothing to others, and only their own service reads them."""

import pytest

from graph.domain.model.errors import InvalidInput
from service.privacy.unsubscribe_links import PATH, UnsubscribeLinks, Unsubscription

OLD, NEW = "an old secret of at least 32 letters", "a new secret of at least 32 letters"
URL = "https://id.shop.example"
ANN = Unsubscription("ann@example.com", ("newsletter",), "Spring news")


def token(link: str) -> str:
    return link.removeprefix(f"{URL}{PATH}")


def test_a_link_is_read_by_the_service_that_made_it() -> None:
    # given
    links = UnsubscribeLinks([NEW], f"{URL}/")
    # when
    link = links.link(ANN)
    # then
    assert link.startswith(f"{URL}/unsubscribe/")
    assert links.read(token(link)) == ANN
    assert links.read(token(links.link(Unsubscription("bob@example.com")))) == Unsubscription("bob@example.com")


def test_two_links_of_one_person_have_nothing_in_common_and_nothing_in_clear() -> None:
    # given
    links = UnsubscribeLinks([NEW], URL)
    # when
    first, second = token(links.link(ANN)), token(links.link(ANN))
    # then: apart from the version and the time at the beginning
    assert first[12:] != second[12:]
    assert not any(word in first for word in ("example", "newsletter", "Spring"))
    assert all(letter.isalnum() or letter in "-_" for letter in first)


def test_links_survive_the_replacement_of_a_secret() -> None:
    # given
    made_before = token(UnsubscribeLinks([OLD], URL).link(ANN))
    # when, then
    assert UnsubscribeLinks([NEW, OLD]).read(made_before) == ANN
    assert UnsubscribeLinks([NEW]).read(made_before) is None


def test_a_changed_token_is_not_read() -> None:
    # given
    links = UnsubscribeLinks([NEW], URL)
    whole = token(links.link(ANN))
    # when, then
    for position in range(0, len(whole), 5):
        changed = whole[:position] + ("A" if whole[position] != "A" else "B") + whole[position + 1 :]
        assert links.read(changed) is None, position
        assert links.read(whole[:position]) is None, position
    for other in ("", "x", "ann@example.com", "ä", "=" * 3, "A" * 5_000):
        assert links.read(other) is None


@pytest.mark.parametrize(
    ("secrets", "url", "message"),
    [
        ([], URL, "KITH_UNSUBSCRIBE_SECRETS is not set"),
        (["short"], URL, "each secret has at least 32 characters"),
        ([NEW], "id.shop.example", "KITH_UNSUBSCRIBE_URL is 'id.shop.example'"),
    ],
)
def test_wrong_settings_are_errors(secrets: list[str], url: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        UnsubscribeLinks(secrets, url)
    assert "short" not in error.value.message


@pytest.mark.parametrize(
    ("asked", "url", "message"),
    [
        (Unsubscription("ann"), URL, "'ann' is not an email address"),
        (Unsubscription("ann@example.com\nBcc: x@example.com"), URL, "is not an email address"),
        (Unsubscription("a" * 400 + "@example.com"), URL, "is not an email address"),
        (Unsubscription("ann@example.com", (), "x" * 400), URL, "the list has 400 characters"),
        (ANN, "", "KITH_UNSUBSCRIBE_URL is not set"),
    ],
)
def test_what_cannot_be_a_link_is_an_error(asked: Unsubscription, url: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        UnsubscribeLinks([NEW], url).link(asked)
