"""The register of requests: changes beside other processes, and requests that ended long ago."""

import pytest

from graph.domain.model.errors import StoreUnavailable
from service.http.opendsr import register as module
from service.http.opendsr.register import DOCUMENT, KEPT_AFTER_END, Callback, Register, RegisteredRequest
from tests.builders.runs import Run
from tests.builders.subject_requests import ID, NOW, Values, registered


def test_a_request_is_registered_once(run: Run) -> None:
    # given
    register = Register(Values(), lambda: NOW)
    run(register.add(registered(digest="first")))
    # when
    again = run(register.add(registered(digest="second")))
    # then
    assert again.digest == "first"
    assert run(register.find(ID)) == again
    assert run(register.find("another")) is None


def test_a_change_is_made_again_if_another_process_was_faster(run: Run) -> None:
    # given
    values = Values()
    register = Register(values, lambda: NOW)
    run(register.add(registered()))

    def other() -> None:
        values.before_replace = lambda: None
        values.texts[DOCUMENT] = values.texts[DOCUMENT].replace('"dpo"', '"other"')

    values.before_replace = other
    # when
    (changed,) = run(register.change(lambda request: request.changed("cancelled", NOW)))
    # then
    assert (changed.status, changed.caller) == ("cancelled", "other")


def test_a_change_names_the_addresses_that_are_to_be_notified() -> None:
    request = registered(urls=("https://a.example", "https://b.example"))
    completed = request.changed("completed", NOW + 7, results=2)
    assert completed.callbacks == (
        Callback("https://a.example", "completed", NOW + 7),
        Callback("https://b.example", "completed", NOW + 7),
    )
    assert (completed.ended, completed.results, completed.is_open) == (NOW + 7, 2, False)
    assert (request.changed("in_progress", NOW).ended, request.is_open) == (None, True)


def test_what_ended_long_ago_makes_room(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(module, "MAX_REQUESTS", 2)
    time = [NOW]
    register = Register(Values(), lambda: time[0])
    run(register.add(registered("first").changed("completed", NOW)))
    run(register.add(registered("second")))
    # then
    with pytest.raises(StoreUnavailable, match="2 requests are registered"):
        run(register.add(registered("third")))
    # when
    time[0] += KEPT_AFTER_END
    run(register.add(registered("third")))
    # then
    assert [request.id for request in run(register.all())] == ["second", "third"]


def test_a_document_that_cannot_be_read_is_an_error(run: Run) -> None:
    values = Values()
    values.texts[DOCUMENT] = "{"
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        run(Register(values, lambda: NOW).all())


def test_a_request_that_stays_as_it_is_is_not_stored_again(run: Run) -> None:
    # given
    register = Register(Values(), lambda: NOW)
    run(register.add(registered()))

    def nothing(_: RegisteredRequest) -> None:
        return None

    # then
    assert run(register.change(nothing)) == ()
    assert run(register.change(lambda request: request)) == ()
