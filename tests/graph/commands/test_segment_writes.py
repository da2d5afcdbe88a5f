"""The writes of segments and memberships, over given contents of a store."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from graph.commands.segment_writes import CAUSE_TYPE, Evaluation, Saved, create, delete, save_evaluations, update
from graph.domain.model.changes import Cause, Change, ChangeKind
from graph.domain.model.errors import InvalidInput, NameTaken, VersionConflict
from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.domain.model.store_values import Writes
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.rule_parser import MAX_SEGMENTS
from graph.ports import ReadAudiences, ReadSegments, ReadSegmentStates, Request, Work
from tests.builders.works import run_over

T = TypeVar("T")
NOW = 1_000
BUYERS = Segment("seg_1", "buyers", '{"known":true}', 1, 5, "sue")
FANS = Segment("seg_2", "fans", '{"known":false}', 4, 6)


def run_write(
    work: Work[T], segments: Sequence[Segment] = (), states: Sequence[SegmentState] = ()
) -> tuple[T, list[Writes]]:
    """The result of a write over segments and states, and what it has written."""

    def answer(request: Request) -> Any:
        match request:
            case ReadSegments():
                return list(segments)
            case ReadAudiences():
                return []
            case ReadSegmentStates(ids):
                return [state for state in states if state.id in ids]
        raise AssertionError(request)

    return run_over(work, answer)


def test_a_new_segment_is_stored() -> None:
    # when
    result, written = run_write(create(FANS), [BUYERS])
    # then
    assert result == FANS
    assert written == [Writes(segments=[FANS])]


def test_creating_the_same_segment_again_returns_the_existing_one() -> None:
    # when
    result, written = run_write(create(replace(BUYERS, id="seg_9", created_at=NOW)), [BUYERS])
    # then
    assert (result, written) == (BUYERS, [])


def test_a_taken_name_and_too_many_segments_are_rejected() -> None:
    many = [replace(BUYERS, id=f"seg_{n}", name=f"s{n}") for n in range(MAX_SEGMENTS)]
    with pytest.raises(NameTaken, match=r"a segment named 'buyers' already exists \(seg_1\)"):
        run_write(create(replace(FANS, name="buyers")), [BUYERS])
    with pytest.raises(InvalidInput, match=f"{MAX_SEGMENTS} segments exist"):
        run_write(create(FANS), many)
    result, _ = run_write(create(FANS), many[1:])
    assert result == FANS


def test_an_update_makes_a_new_version() -> None:
    # when
    result, written = run_write(update("seg_1", "clients", None, 1), [BUYERS, FANS])
    # then
    assert result == replace(BUYERS, name="clients", version=2)
    assert written == [Writes(segments=[result])]


def test_an_update_without_changes_is_not_written_whatever_version_is_expected() -> None:
    assert run_write(update("seg_1", "buyers", BUYERS.rule, 7), [BUYERS]) == (BUYERS, [])
    assert run_write(update("seg_1", None, None, None), [BUYERS]) == (BUYERS, [])


@pytest.mark.parametrize(
    ("id", "name", "expected_version", "error", "message"),
    [
        ("seg_1", "fans", None, NameTaken, r"a segment named 'fans' already exists \(seg_2\)"),
        ("seg_1", "clients", 2, VersionConflict, "the segment is at version 1, not 2"),
        ("seg_7", "clients", None, InvalidInput, "segment 'seg_7' does not exist"),
    ],
)
def test_a_conflicting_update_is_rejected(
    id: str, name: str, expected_version: int | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run_write(update(id, name, None, expected_version), [BUYERS, FANS])


def test_deleting_a_segment_is_recorded_as_a_single_change() -> None:
    # when
    result, written = run_write(delete("seg_1", "sue", NOW), [BUYERS, FANS])
    # then
    assert result == BUYERS
    change = Change(ChangeKind.SEGMENT_DELETED, NOW, Cause(CAUSE_TYPE, id="seg_1", actor="sue"), reason="buyers")
    assert written == [Writes(deleted_segments=["seg_1"], changes=[change])]
    with pytest.raises(InvalidInput, match="segment 'seg_7' does not exist"):
        run_write(delete("seg_7", "sue", NOW), [BUYERS])


def test_an_evaluation_records_entered_and_exited_segments() -> None:
    # given: a customer who was a buyer and has become a fan
    states = [SegmentState("cus_1", 3, True, {"seg_1": 7})]
    # when
    saved, written = run_write(
        save_evaluations(
            [Evaluation("cus_1", 3, frozenset({"seg_2"}), 99, keys=("email=ann@example.com",))],
            [BUYERS, FANS],
            [],
            NOW,
        ),
        [FANS, BUYERS],
        states,
    )
    # then
    assert saved == Saved(2, set())
    assert written == [
        Writes(
            memberships=[Membership("seg_2", "cus_1", NOW), Membership("seg_1", "cus_1", None)],
            changes=[
                Change(kind, NOW, Cause(CAUSE_TYPE, id=id), "cus_1", keys=("email=ann@example.com",), reason=reason)
                for kind, id, reason in (
                    (ChangeKind.SEGMENT_ENTERED, "seg_2", "fans"),
                    (ChangeKind.SEGMENT_EXITED, "seg_1", "buyers"),
                )
            ],
            segmentation_due={"cus_1": 99},
        )
    ]


def test_an_evaluation_without_changes_updates_only_the_due_time() -> None:
    states = [SegmentState("cus_1", 3, True, {"seg_1": 7})]
    evaluations = [Evaluation("cus_1", 3, frozenset({"seg_1"}), 99)]
    assert run_write(save_evaluations(evaluations, [BUYERS], [], NOW), [BUYERS], states) == (
        Saved(0, set()),
        [Writes(segmentation_due={"cus_1": 99})],
    )


def test_a_customer_that_has_changed_since_or_is_unknown_stays_due() -> None:
    states = [SegmentState("cus_1", 4, True, {})]
    evaluations = [Evaluation("cus_1", 3, frozenset({"seg_1"}), 99), Evaluation("cus_2", 1, frozenset({"seg_1"}), 99)]
    assert run_write(save_evaluations(evaluations, [BUYERS], [], NOW), [BUYERS], states) == (Saved(0, set()), [])


def test_an_emptied_id_exits_all_segments() -> None:
    # given: an id whose identifiers nobody names any longer; of a merged id, the survivor has the memberships
    states = [SegmentState("cus_1", 9, False, {"seg_1": 7})]
    # when
    saved, (writes,) = run_write(
        save_evaluations([Evaluation("cus_1", 3, frozenset({"seg_1"}), 99)], [BUYERS], [], NOW), [BUYERS], states
    )
    # then
    assert saved == Saved(1, set())
    assert writes.memberships == [Membership("seg_1", "cus_1", None)]
    assert writes.segmentation_due == {"cus_1": NO_END}


def test_nothing_is_recorded_if_segments_have_changed_since_they_were_read() -> None:
    evaluations = [Evaluation("cus_1", 3, frozenset({"seg_1"}), 99)]
    states = [SegmentState("cus_1", 3, True, {})]
    for stored in ([], [replace(BUYERS, version=2)], [BUYERS, FANS]):
        assert run_write(save_evaluations(evaluations, [BUYERS], [], NOW), stored, states) == (None, [])


def test_an_evaluation_that_changes_nothing_writes_nothing() -> None:
    # given
    states = [SegmentState("cus_1", 3, True, {"seg_1": 7}, due_at=NO_END)]
    evaluation = Evaluation("cus_1", 3, frozenset({"seg_1"}), NO_END)
    # then: senders ask again before they send, and mostly nothing has changed
    assert run_write(save_evaluations([evaluation], [BUYERS], [], NOW), [BUYERS], states) == (Saved(0, set()), [])
