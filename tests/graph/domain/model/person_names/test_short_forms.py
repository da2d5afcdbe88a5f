"""The tables of short forms are well-formed, and say which names can be forms of one name."""

import re
from itertools import chain
from types import ModuleType

import pytest

from graph.domain.model.folding import folded
from graph.domain.model.person_names import common_names
from graph.domain.model.person_names.short_forms import LANGUAGES, are_forms_of_one_name, initials_of, is_common
from graph.domain.model.person_names.spelling import plain_spelling

by_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.__name__.rpartition(".")[2])


def spelling(name: str) -> str:
    return plain_spelling(folded(name))


@by_language
def test_every_line_is_full_forms_and_short_forms(language: ModuleType) -> None:
    lines = language.TABLE.strip().splitlines()
    assert len(lines) > 150
    for line in lines:
        assert re.fullmatch(r"\w+( \w+)*(: \w+( \w+)*)?", line), line
        assert line == line.lower()
        words = line.replace(":", "").split()
        assert len(words) == len(set(words)) > 1, line


@by_language
def test_lines_are_in_order_and_each_name_has_one(language: ModuleType) -> None:
    lines = language.TABLE.strip().splitlines()
    assert lines == sorted(lines, key=folded)
    first = [line.replace(":", "").split()[0] for line in lines]
    assert len(first) == len(set(first))


@by_language
def test_every_table_says_where_it_comes_from(language: ModuleType) -> None:
    assert "Compared with" in str(language.__doc__) or "compared with" in str(language.__doc__)


def test_common_names_are_in_no_table() -> None:
    in_tables = {
        spelling(word)
        for word in chain.from_iterable(language.TABLE.replace(":", "").split() for language in LANGUAGES)
    }
    names = common_names.TABLE.split()
    assert names == sorted(names, key=folded)
    assert not [name for name in names if spelling(name) in in_tables]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        # a full form and a short form
        ("Robert", "Bob"),
        ("Bob", "Robert"),
        ("Katarzyna", "Kasia"),
        # two full forms
        ("Andrzej", "Andreas"),
        # two short forms with one initial
        ("Liz", "Lizzie"),
        ("Ed", "Eddie"),
        # a short form of several names
        ("Chris", "Christian"),
        ("Chris", "Christine"),
        # other spellings of these
        ("Mathias", "Matze"),
    ],
)
def test_forms_of_one_name(a: str, b: str) -> None:
    assert are_forms_of_one_name(spelling(a), spelling(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [("Liz", "Betty"), ("Christian", "Christine"), ("Alexander", "Alexandra"), ("Anna", "Hanna"), ("Bob", "Nobody")],
)
def test_different_names(a: str, b: str) -> None:
    assert not are_forms_of_one_name(spelling(a), spelling(b))


def test_an_unknown_word_is_no_form_of_itself_and_has_no_initials() -> None:
    assert not are_forms_of_one_name("xqz", "xqz")
    assert initials_of("xqz") == ""


def test_the_initials_are_those_of_all_forms() -> None:
    assert {"b", "r"} <= set(initials_of(spelling("Robert")))


def test_common_names_are_those_of_the_tables_and_of_the_list() -> None:
    assert is_common(spelling("Robert"))
    assert is_common(spelling("Gosia"))
    assert is_common(spelling("Darlene"))
    assert not is_common(spelling("Kowalski"))
