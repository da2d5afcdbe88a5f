"""Whether two values of a guarded attribute can be those of one person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.comparison import COMPARISONS, fits

VALUES = st.one_of(
    st.text(max_size=20),
    st.dates().map(str),
    st.lists(
        st.sampled_from(["Ann", "Anna", "Marie", "Annmarie", "J.", "JP", "Lee", "van", "der", "Berg", "Vanderberg"]),
        min_size=1,
        max_size=5,
    ).map(" ".join),
    st.lists(st.sampled_from(["Robert", "Bob", "Smith", "Smyth", "Jr", "Sr", "Dr.", "III", "王杰", "Роберт"])).map(
        " ".join
    ),
)


@pytest.mark.parametrize("compare", COMPARISONS)
@given(a=VALUES, b=VALUES)
def test_a_comparison_is_symmetric(compare: str, a: str, b: str) -> None:
    assert fits(compare, a, b) == fits(compare, b, a)


@pytest.mark.parametrize("compare", COMPARISONS)
@given(value=VALUES)
def test_a_value_fits_itself(compare: str, value: str) -> None:
    assert fits(compare, value, value)
    assert COMPARISONS[compare](value, f"{value} "[:-1])


@given(value=VALUES)
def test_a_name_fits_itself_in_capitals(value: str) -> None:
    if value.isascii():
        assert fits("name", value.upper(), value.lower())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Example Ltd", "EXAMPLE LTD."),
        ("Müller", "MULLER"),
        ("Straße", "Strasse"),
        ("O'Brien", "OBrien"),
        ("DE 44 1234", "de441234"),
        ("Jean-Luc", "Jean Luc"),
        ("+", "+"),
    ],
)
def test_exact_values_that_fit(a: str, b: str) -> None:
    assert fits("exact", a, b)


@pytest.mark.parametrize(("a", "b"), [("Ann", "Anne"), ("12", "13"), ("王", "玉"), ("+", "-"), ("", "Ann"), ("", "+")])
def test_exact_values_that_contradict(a: str, b: str) -> None:
    assert not fits("exact", a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1978-12-11", "1978-12-11"),
        ("1978-12-11", "1978-11-12"),
        ("1978-12-11", "1979-12-11"),
        ("1978-12-11", "1978-12-17"),
        ("1978-12-11", "1987-12-11"),
        ("1978-12-11", "1978-21-11"),
        ("1978-12-10", "1978-12-01"),
        ("1978-10-11", "1978-11-10"),
        ("2001-01-02", "2001-02-01"),
        # The last digit of the month and the first of the day are adjacent.
        ("1978-12-01", "1978-10-21"),
        ("about 1978", "About 1978"),
    ],
)
def test_dates_that_fit(a: str, b: str) -> None:
    assert fits("date", a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1978-12-11", "1979-12-12"),
        ("1978-12-11", "1979-11-12"),
        ("1978-12-11", "1954-03-31"),
        ("1978-12-11", "1988-11-12"),
        ("1978-12-11", "7819-12-11"),
        ("1970-10-10", "1990-03-15"),
        ("1978-12-11", "about 1978"),
        ("1978-12-11", "1978-12-1"),
        ("1978-12-11", ""),
        ("1978", "1979"),
    ],
)
def test_dates_that_contradict(a: str, b: str) -> None:
    assert not fits("date", a, b)
