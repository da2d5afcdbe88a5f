"""What becomes of requests: at once, once an officer has decided, or never."""

from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.roles import ROLES
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from service.access.keys import viewer_of
from service.bootstrap import SystemClock
from service.http.opendsr.answers import Answers
from service.http.opendsr.callbacks import Callbacks
from service.http.opendsr.processor import Processor
from service.http.opendsr.register import Register, RegisteredRequest
from service.http.opendsr.requests import VERSIONS, SubjectRequest
from service.http.opendsr.signing import Signer
from tests.builders.runs import Run
from tests.builders.subject_requests import DOMAIN, ID, NOW, Values, settings_in

KEYS = ("email=anna@example.com", "crm_id=A1")
OFFICER = viewer_of("dpo", ROLES["privacy"])


class Graph:
    """A graph with one customer, who may be made of several."""

    def __init__(self) -> None:
        self.erased: dict[str, tuple[str, ...]] = {}
        self.is_clear = True

    async def customers(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        return ("cus_anna",) if "crm_id=A1" in keys else ()

    async def erase(self, keys: tuple[str, ...], request_id: str, caller: str) -> bool:
        if self.is_clear:
            self.erased[request_id] = keys
        return self.is_clear

    async def is_erased(self, request_id: str) -> bool:
        return request_id in self.erased


class Desk:
    """A processor with its graph and a clock."""

    def __init__(self, run: Run, folder: Path, **settings: Any) -> None:
        chosen = settings_in(folder, **settings)
        self.values, self.graph, self.now, self._run = Values(), Graph(), NOW, run
        register = Register(self.values, lambda: self.now)
        signer = Signer(DOMAIN, chosen.certificate, chosen.private_key, SystemClock().now)
        callbacks = Callbacks(register, Answers(chosen), signer, lambda: self.now)
        self.processor = Processor(chosen, register, signer, callbacks, self.graph, lambda: self.now)

    def create(self, type: str = "erasure", keys: tuple[str, ...] = KEYS) -> RegisteredRequest:
        request = SubjectRequest(ID, type, "gdpr", NOW, keys)
        return self._run(self.processor.create(request, VERSIONS[2], OFFICER))

    def advance(self) -> None:
        self._run(self.processor.advance())

    def find(self) -> RegisteredRequest:
        return self._run(self.processor.find(ID))

    def cancel(self) -> RegisteredRequest:
        return self._run(self.processor.cancel(ID))


def test_an_erasure_waits_for_an_officer(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path)
    created = desk.create()
    # when
    desk.advance()
    # then
    assert (created.status, desk.find().status, desk.graph.erased) == ("pending", "pending", {})
    assert created.due == NOW + 30 * DAY
    # when an officer erases the person for this request
    desk.graph.erased[ID] = KEYS
    # then: the identifiers are removed with it
    found = desk.find()
    assert (found.status, found.sealed, found.ended) == ("completed", "", NOW)


def test_an_erasure_is_carried_out_at_once_if_the_operator_says_so(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path, erasure="automatic")
    desk.create()
    # when
    desk.advance()
    # then
    assert desk.graph.erased == {ID: KEYS}
    assert desk.find().status == "completed"


def test_an_erasure_of_several_customers_waits_in_any_case(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path, erasure="automatic")
    desk.graph.is_clear = False
    desk.create()
    # when
    desk.advance()
    # then
    assert desk.find().status == "pending"


def test_an_access_request_is_completed_with_its_count_and_forgotten_in_time(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path, results_days=7)
    desk.create("access")
    # when
    desk.advance()
    # then
    found = desk.find()
    assert (found.status, found.results) == ("completed", 1)
    assert desk.processor.keys(found) == KEYS
    # when
    desk.now += 7 * DAY
    desk.advance()
    # then
    with pytest.raises(InvalidInput, match="can be fetched for 7 days") as failure:
        desk.processor.keys(desk.find())
    assert failure.value.code == "RESULTS_EXPIRED"


def test_nothing_that_is_stored_names_the_person(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path)
    # when
    desk.create()
    # then
    assert "anna" not in str(desk.values.texts)


def test_the_same_request_again_is_answered_alike_and_another_one_refused(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path)
    first = desk.create()
    desk.now += DAY
    # then
    assert desk.create() == first
    with pytest.raises(InvalidInput) as failure:
        desk.create("access")
    assert failure.value.code == "REQUEST_EXISTS"


def test_only_what_is_pending_is_canceled(run: Run, tmp_path: Path) -> None:
    # given
    desk = Desk(run, tmp_path)
    desk.create()
    # when
    canceled = desk.cancel()
    # then
    assert (canceled.status, canceled.sealed) == ("cancelled", "")
    with pytest.raises(InvalidInput, match="is cancelled, not pending"):
        desk.cancel()
    # and: it stays canceled whatever is erased
    desk.graph.erased[ID] = KEYS
    assert desk.find().status == "cancelled"


def test_what_does_not_exist_is_not_found(run: Run, tmp_path: Path) -> None:
    desk = Desk(run, tmp_path)
    for action in (desk.find, desk.cancel):
        with pytest.raises(InvalidInput) as failure:
            action()
        assert failure.value.code == "REQUEST_NOT_FOUND"


def test_a_request_that_cannot_be_read_anymore_does_not_stop_others(run: Run, tmp_path: Path) -> None:
    # given: a request that was sealed with another private key
    desk = Desk(run, tmp_path, erasure="automatic")
    desk.create()
    other = Desk(run, tmp_path, erasure="automatic")
    other.values.texts = desk.values.texts
    # when
    other.advance()
    # then
    assert other.find().status == "pending"
    assert other.graph.erased == {}
