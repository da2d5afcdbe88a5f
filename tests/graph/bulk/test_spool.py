"""Rows and texts come back from the file as they were added."""

from pathlib import Path

import pytest

from graph.bulk.spool import BLOCK, Row, Spool


def row(number: int) -> Row:
    """A row like no other."""
    key = f"email=p{number}@mail.example"
    one = Row("crm", str(number), "0f", "valid", number, (key,), 0, None, "{}", "", 0, "é\n", "attributes", (key,), 0)
    return one if number % 2 else one._replace(confidence=0.5, tier=3)


@pytest.mark.parametrize("many", [0, 1, BLOCK, BLOCK + 1, 2 * BLOCK + 7])
def test_rows_come_back_in_their_order(tmp_path: Path, many: int) -> None:
    # Given
    spool = Spool(tmp_path)
    for number in range(many):
        spool.add(row(number))
    # When, then
    assert list(spool) == [row(number) for number in range(many)]
    assert list(spool) == [row(number) for number in range(many)]
    spool.close()


def test_texts_come_back_from_their_places(tmp_path: Path) -> None:
    # Given
    spool = Spool(tmp_path)
    texts = ["", "crm\n{}", "ü" * 70_000, "last"]
    places = [spool.put(text) for text in texts]
    # When, then
    for place, text in reversed(list(zip(places, texts, strict=True))):
        assert spool.text(place) == text
    spool.close()
