"""What a refused record keeps of what was sent, and which deliveries are the same record."""

import re

from graph.domain.model.refused_records import MAX_CONTENT_LENGTH, each_once
from tests.builders.refused_records import refused


def test_a_repeated_delivery_is_the_same_record_and_any_other_is_not() -> None:
    # given
    first = refused('{"a": 1}', at=1, record_id="m1")
    # when
    others = [
        refused('{"a": 2}'),
        refused('{"a": 1}', source="till"),
        refused('{"a": 1}', code="INVALID_VALUE"),
        refused(f"{'x' * MAX_CONTENT_LENGTH}1"),
        refused(f"{'x' * MAX_CONTENT_LENGTH}2"),
    ]
    # then
    assert refused('{"a": 1}', at=2, mapping="other", message="in other words").id == first.id
    assert len({first.id, *(other.id for other in others)}) == 6
    assert all(re.fullmatch("rfr_[0-9a-f]{32}", record.id) for record in (first, *others))


def test_the_parts_of_an_id_cannot_be_taken_for_each_other() -> None:
    assert refused("c", source="a b", code="X").id != refused("b c", source="a", code="X").id


def test_a_long_record_is_cut_and_says_so() -> None:
    # when
    long, short = refused("ä" * (MAX_CONTENT_LENGTH + 1)), refused("ä" * MAX_CONTENT_LENGTH)
    # then
    assert (len(long.content), long.is_cut) == (MAX_CONTENT_LENGTH, True)
    assert (len(short.content), short.is_cut) == (MAX_CONTENT_LENGTH, False)


def test_what_no_store_can_hold_is_replaced() -> None:
    # when
    record = refused("a\x00b\ud800c", message="\udfff", path=("x\x00", 1), record_id="\x00")
    # then
    texts = (record.content, record.message, record.path, record.record_id)
    assert texts == ("a\ufffdb\ufffdc", "\ufffd", ("x\ufffd", 1), "\ufffd")


def test_deliveries_of_one_batch_are_counted_together() -> None:
    # when
    records = each_once([refused(at=5, message="first"), refused("other"), refused(at=3, message="second")])
    # then
    (both,) = [record for record in records if record.count == 2]
    assert (both.received_at, both.last_received_at, both.message) == (3, 5, "second")
    assert len(records) == 2
    assert [record.id for record in records] == sorted(record.id for record in records)
