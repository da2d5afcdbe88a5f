"""Rows and texts are read from the file as they were added."""

from pathlib import Path

import pytest

from graph.bulk.spool import BLOCK_ROWS, Row, Spool


def row(number: int) -> Row:
    """A row with values that depend on its number."""
    key = f"email=p{number}@mail.example"
    odd = Row("crm", str(number), "0f", "valid", number, (key,), 0, None, "{}", "", 0, "é\n", "attributes", (key,))
    return odd if number % 2 else odd._replace(confidence=0.5, tier=3)


@pytest.mark.parametrize("count", [0, 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS + 7])
def test_rows_are_read_in_their_order(tmp_path: Path, count: int) -> None:
    # given
    spool = Spool(tmp_path)
    for number in range(count):
        spool.add(row(number))
    # when, then
    assert list(spool) == [row(number) for number in range(count)]
    assert list(spool) == [row(number) for number in range(count)]
    spool.close()


def test_texts_are_read_at_their_positions(tmp_path: Path) -> None:
    # given
    spool = Spool(tmp_path)
    texts = ["", "crm\n{}", "ü" * 70_000, "last"]
    positions = [spool.put(text) for text in texts]
    # when, then
    for position, text in reversed(list(zip(positions, texts, strict=True))):
        assert spool.text(position) == text
    spool.close()
