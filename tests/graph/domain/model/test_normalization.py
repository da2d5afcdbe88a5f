"""The fast path for email addresses, compared with the library."""

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.domain.model.normalization import step

part = st.text("abz019-_+.", min_size=1, max_size=12)
addresses = st.builds(
    lambda name, labels, end: f"{name}@{'.'.join([*labels, end])}",
    part,
    st.lists(st.text("abz09-", min_size=1, max_size=8), max_size=3),
    st.sampled_from(["de", "com", "example", "test", "local", "onion", "arpa", "x1", "xn--p1ai"]),
)


@settings(max_examples=500)
@given(addresses | st.emails())
@example("anna@mail.de")
@example("anna@xn--mller-kva.de")
@example("a" * 70 + "@mail.de")
@example("anna@local")
@example("anna@shop.local")
def test_an_address_is_normalized_as_the_library_does(address: str) -> None:
    # given
    try:
        expected = validate_email(address, check_deliverability=False).normalized
    except EmailNotValidError:
        expected = None
    # when
    try:
        result = step("email")(address)
    except ValueError:
        result = None
    # then
    assert result == expected
