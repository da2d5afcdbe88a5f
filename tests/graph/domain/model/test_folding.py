"""Texts that differ in case, accents, apostrophes and punctuation only have one folded form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.folding import folded


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Ann", "ann"),
        ("  Ann   LEE ", "ann lee"),
        ("Jean-Luc", "jean luc"),
        ("J.P.", "j p"),
        ("O'Brien", "obrien"),
        ("O’Brien", "obrien"),
        ("ŉ", "n"),
        ("Hauptstraße 5", "hauptstrasse 5"),
        ("HAUPTSTRASSE 5", "hauptstrasse 5"),
        ("STRAẞE", "strasse"),
        ("Müller", "muller"),
        ("Mu\u0308ller", "muller"),
        ("Łukasz", "lukasz"),
        ("Ærøskøbing", "aeroskobing"),
        ("Đorđe", "dorde"),
        ("İstanbul", "istanbul"),
        ("Diyarbakır", "diyarbakir"),
        ("Nguyễn", "nguyen"),
        ("ŒUVRE", "oeuvre"),
        ("ＡＢＣ １２", "abc 12"),
        ("Ёлка", "елка"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("محمّد", "محمد"),
        ("王 杰", "王 杰"),
        ("김민준", "김민준"),
        ("か", "か"),
        ("が", "が"),
        ("ﾀﾅｶ", "タナカ"),
        ("कुमार", "कुमार"),
        ("1980-01-02", "1980 01 02"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_a_text_is_folded(text: str, form: str) -> None:
    assert folded(text) == form


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_a_folded_text_is_words_with_single_spaces(text: str) -> None:
    assert " ".join(folded(text).split()) == folded(text)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_latin_texts_have_one_form_in_capitals(text: str) -> None:
    assert folded(text.swapcase()) == folded(text.swapcase().swapcase().swapcase())
    assert folded(text.upper()) == folded(text.upper().lower())
