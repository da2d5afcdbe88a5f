"""What destinations say is shown in a line, without secrets and persons, and costs little, whatever it is."""

import json
import math
from typing import Any

import pytest

from graph.domain.model.audiences import Outcome, Status
from service.destinations.adapter import MAX_MESSAGE_LENGTH
from service.destinations.answer_texts import MAX_READ, hidden, one_line, sentence, storable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("anna@shop.example is unknown", "… is unknown"),
        ("/members/anna%40shop.example", "…"),
        ("call +49 30 901820-1 now", "call … now"),
        ("error 100 of list 4711", "error 100 of list 4711"),
        ("b58996c504c5638798eb6b511e6f49af", "…"),
        ("Zo\\u00eb and ZOË", "… and …"),
    ],
)
def test_what_is_or_looks_like_a_person_is_hidden(text: str, shown: str) -> None:
    assert hidden(text, ["Zoë"]) == shown


def test_a_long_text_is_not_cut_in_the_middle_of_what_is_hidden() -> None:
    # given
    secret = "sk-12345678901234567890"
    text = " ".join([secret] * (MAX_READ // 10))
    # when, then
    assert set(hidden(text, [secret]).split()) == {"…"}


@pytest.mark.parametrize("text", ["%4" * 2_000_000, "x" * 4_000_000, "1 " * 2_000_000, "x y@" * 1_000_000])
def test_no_text_takes_long_to_hide(text: str) -> None:
    # The time was quadratic: a single answer stopped the service for hours.
    assert len(hidden(text, [f"anna{number}@shop.example" for number in range(1_000)])) <= MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b]0;title\x07", "�[31mred�]0;title�"),
        ("a\x00b\r\nc\td", "a�b c d"),
        ("invoice\u202efdp.exe", "invoice�fdp.exe"),
        ("half of a pair: \ud800", "half of a pair: �"),
    ],
)
def test_no_text_controls_a_terminal_or_a_log(text: str, shown: str) -> None:
    assert one_line(text) == hidden(text) == shown


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"message": "' + b"x" * 3_900_000 + b'"}', json.dumps([[]] * 900_000).encode()]
)
def test_an_endless_body_says_nothing(body: bytes) -> None:
    assert sentence("application/json", body) == ""


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"message": "a\ud800\n" * 1_000}, {"message": ("a� " * 1_000)[:MAX_MESSAGE_LENGTH]}),
        ({"reference": "\ud800"}, {}),
        ({"reference": "x" * 1_001}, {}),
        ({"reference": "msg_1|msg_2:0a1b"}, {"reference": "msg_1|msg_2:0a1b"}),
        ({"retry_after": math.nan}, {}),
        ({"retry_after": -math.inf}, {}),
        ({"retry_after": 31_536_000.0}, {"retry_after": 86_400.0}),
        ({"retry_after": 7.5}, {"retry_after": 7.5}),
    ],
)
def test_the_ledger_takes_every_outcome(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert storable(Outcome(Status.RETRY, **given)) == Outcome(Status.RETRY, **stored)
