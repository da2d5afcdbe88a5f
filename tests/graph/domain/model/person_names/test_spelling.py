"""Spellings that sound alike have one plain spelling; other names keep theirs apart."""

import pytest

from graph.domain.model.folding import folded
from graph.domain.model.person_names.spelling import plain_spelling


@pytest.mark.parametrize(
    "spellings",
    [
        "Müller Mueller Muller",
        "Stefan Stephan Steffan",
        "Meyer Meier Maier Mayer",
        "Sophie Sofie Sofi",
        "Matthias Mathias Matias",
        "Philipp Philip Filip",
        "Alexander Aleksander",
        "Eric Erik",
        "Elisabeth Elizabeth Elisabet",
        "Vincent Vinzent",
        "Maja Maya Maia",
        "Schmidt Schmitt",
        "Tomasz Thomas",
        "Ewa Eva",
        "Bailey Baily",
        "Aaron Aron",
        "Jon John",
    ],
)
def test_spellings_that_sound_alike_are_one(spellings: str) -> None:
    assert len({plain_spelling(folded(spelling)) for spelling in spellings.split()}) == 1


@pytest.mark.parametrize(
    "names",
    [
        "Anna Hanna Ina",
        "Jan Jana Jane John Jens Ines",
        "Maria Mario Marius",
        "Julia Julian Juliane",
        "Lisa Luisa Elsa",
        "J H",
    ],
)
def test_different_names_have_different_spellings(names: str) -> None:
    different = names.split()
    assert len({plain_spelling(folded(name)) for name in different}) == len(different)


@pytest.mark.parametrize("word", ["дмитрии", "王杰", "h", ""])
def test_words_of_other_scripts_and_single_letters_stay(word: str) -> None:
    assert plain_spelling(word) == word
