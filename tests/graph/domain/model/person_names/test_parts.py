"""A written name is read into its parts, without titles and with its generation."""

import pytest

from graph.domain.model.person_names.parts import MAX_PARTS, read_name


def words_of(text: str) -> list[str]:
    """The parts; an abbreviation ends with a period."""
    parts = [part for found in read_name(text).parts.values() for part in found]
    return [f"{part.text}." if part.is_abbreviation else part.text for part in parts]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Smith, Robert E.", ["smith", "robert", "e."]),
        ("J.P. Müller-Lüdenscheidt", ["j.", "p.", "muller", "ludenscheidt"]),
        ("JP Morgan", ["j.", "p.", "morgan"]),
        ("Md Rahman", ["md", "rahman"]),
        ("Ng", ["n.", "g."]),
        ("Robert (Bob) Smith", ["robert", "bob", "smith"]),
        ("O’Hare", ["ohare"]),
        ("Prof. Dr. med. Anna Weber", ["anna", "weber"]),
        ("Phil Collins", ["phil", "collins"]),
        ("Robert Smith, PhD", ["robert", "smith"]),
        ("Herr", []),
        ("?", []),
        ("", []),
    ],
)
def test_a_name_is_read_into_parts(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "generation", "words"),
    [
        ("Robert Smith", 0, ["robert", "smith"]),
        ("Robert Smith Sr.", 1, ["robert", "smith"]),
        ("Smith Jr, Robert", 2, ["smith", "robert"]),
        ("Robert Smith II", 2, ["robert", "smith"]),
        ("Robert Smith jun.", 2, ["robert", "smith"]),
        ("Robert Smith III", 3, ["robert", "smith"]),
        ("Morris I", 1, ["morris"]),
        ("Morris I Klein", 0, ["morris", "i.", "klein"]),
        ("Anna I.", 0, ["anna", "i."]),
        ("Wang Jun", 0, ["wang", "jun"]),
        ("Junior", 0, ["junior"]),
    ],
)
def test_the_generation_is_read(text: str, generation: int, words: list[str]) -> None:
    assert read_name(text).generation == generation
    assert words_of(text) == words


def test_parts_are_by_script() -> None:
    assert {script: [part.text for part in parts] for script, parts in read_name("Jie Wang 王杰").parts.items()} == {
        "LATIN": ["jie", "wang"],
        "CJK": ["王杰"],
    }
    assert list(read_name("Дмитрий").parts) == ["CYRILLIC"]


def test_only_the_first_parts_of_a_long_text_are_read() -> None:
    # when, then
    assert words_of("ab " * 160) == ["ab"] * MAX_PARTS
    assert words_of("jp " * 160) == ["j.", "p."] * (MAX_PARTS // 2)
