"""Who is recorded to have decided, and who must say why."""

import pytest

from graph.domain.access.decisions import acting, check_reason
from graph.domain.model.errors import InvalidInput
from tests.builders.viewers import viewer

LOCAL = viewer("developer", caller="local")


@pytest.mark.parametrize(
    ("named", "recorded"),
    [("", "desk-7"), ("desk-7", "desk-7"), ("sue", "sue via desk-7"), ("dpo via admin", "dpo via admin via desk-7")],
)
def test_the_caller_is_recorded_beside_whom_it_names(named: str, recorded: str) -> None:
    assert acting(viewer("steward", caller="desk-7"), named) == recorded


def test_a_service_without_keys_records_whom_a_request_names() -> None:
    assert (acting(LOCAL, "sue"), acting(LOCAL, "")) == ("sue", "local")


def test_a_key_that_is_called_local_is_a_caller_as_any() -> None:
    assert acting(viewer("steward", caller="local"), "dpo") == "dpo via local"


@pytest.mark.parametrize("named", ["s" * 101, "sue\0", "dpo\nsue", "dpo\u202e"])
def test_a_name_that_cannot_be_stored_is_an_error(named: str) -> None:
    with pytest.raises(InvalidInput) as error:
        acting(viewer("steward", caller="desk-7890"), named)
    assert error.value.path == ("actor",)


def test_the_long_name_of_a_token_is_recorded_whole() -> None:
    # given
    caller = "https://id.example.com/realms/shop|desk-app|" + "f" * 100
    # when, then
    assert acting(viewer("steward", caller=caller), "s" * 100) == f"{'s' * 100} via {caller}"
    with pytest.raises(InvalidInput) as error:
        acting(viewer("steward", caller="f" * 500), "sue")
    assert "508 characters; 500 are allowed" in error.value.message


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_steward_states_why(reason: str) -> None:
    with pytest.raises(InvalidInput) as error:
        check_reason(viewer("steward"), reason)
    assert (error.value.code, error.value.path) == ("REASON_REQUIRED", ("reason",))
    check_reason(viewer("steward"), "confirmed by phone")


@pytest.mark.parametrize("role", ["privacy", "partner", "developer"])
def test_other_roles_need_not_state_why(role: str) -> None:
    check_reason(viewer(role), "")


def test_a_reason_has_a_limit() -> None:
    with pytest.raises(InvalidInput) as error:
        check_reason(viewer("privacy"), "w" * 1001)
    assert (error.value.code, error.value.path) == ("INVALID_LENGTH", ("reason",))
