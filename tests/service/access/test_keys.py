"""The keys of the store as a process knows them."""

import asyncio
import logging

import pytest

from graph.domain.access.roles import ROLES
from graph.domain.model.dates import DAY, SECOND
from graph.domain.model.errors import StoreUnavailable
from service.access.key_format import digest_of
from service.access.keys import KEPT_SECONDS, KeyRing
from service.access.signed_in import SignedIn
from service.access.stored_keys import DOCUMENT, KeyAdministration
from tests.builders.access import Clock, Values
from tests.builders.runs import Run


class Known:
    """A ring over values in memory, and an administrator."""

    def __init__(self, run: Run) -> None:
        self.values, self.clock, self._run = Values(), Clock(), run
        self.ring = KeyRing(self.values, self.clock.now)
        self.admin = KeyAdministration(self.values, self.clock.now, allow_developer=True)

    def read(self) -> None:
        self._run(self.ring.read())

    def find(self, text: str) -> SignedIn | None:
        return self.ring.find(text, digest_of(text))


@pytest.fixture
def known(run: Run) -> Known:
    return Known(run)


def test_requests_at_the_same_time_read_the_keys_once(known: Known, run: Run) -> None:
    # given a store that answers nobody before all have asked, and one who goes away
    _, text = run(known.admin.add("till-7", "till", ["till"]))
    before = known.values.reads

    async def several() -> None:
        readers = [asyncio.create_task(known.ring.read()) for _ in range(20)]
        await asyncio.sleep(0)
        readers[0].cancel()
        await asyncio.wait(readers)
        assert [reader.cancelled() for reader in readers] == [True, *[False] * 19]

    # when
    run(several())
    # then
    assert known.values.reads == before + 1
    assert known.find(text) is not None
    # and the next read is another one
    known.read()
    assert known.values.reads == before + 2


def test_a_key_makes_the_viewer_of_its_role(known: Known, run: Run) -> None:
    # given
    _, text = run(known.admin.add("till-7", "till", ["till"], ["checkout", "service"]))
    known.read()
    # when
    signed_in = known.find(text)
    # then
    assert signed_in is not None
    viewer, role = signed_in.viewer, ROLES["till"]
    assert (viewer.caller, viewer.role, viewer.scopes, viewer.reach) == ("till-7", "till", role.scopes, role.reach)
    assert (viewer.sources, viewer.purposes, viewer.purpose) == ({"till"}, ("checkout", "service"), "checkout")
    assert known.find(text[:-8] + "x" + text[-7:]) is None


def test_two_secrets_of_a_name_are_one_caller_until_one_is_revoked(known: Known, run: Run) -> None:
    # given
    first, old = run(known.admin.add("till", "till", ["till"]))
    _, new, _ = run(known.admin.rotate("till"))
    known.read()
    signed_in = [known.find(text) for text in (old, new)]
    assert [found.viewer.caller for found in signed_in] == ["till", "till"]
    assert all(found.holds() for found in signed_in)
    # when
    run(known.admin.revoke(first.id))
    known.read()
    # then
    assert (known.find(old), known.find(new).viewer.caller) == (None, "till")
    assert [found.holds() for found in signed_in] == [False, True]
    assert known.ring.why_not(old) == "revoked"


def test_a_key_ends_at_its_time_without_being_read_again(known: Known, run: Run) -> None:
    # given
    _, text = run(known.admin.add("till", "till", ["till"], lifetime=DAY))
    known.read()
    signed_in = known.find(text)
    # when
    known.clock.at += DAY
    # then
    assert known.find(text) is None
    assert not signed_in.holds()
    assert known.ring.why_not(text) == "expired"


def test_the_role_that_may_do_everything_is_for_the_development_profile(known: Known, run: Run) -> None:
    _, text = run(known.admin.add("ann", "developer"))
    known.read()
    assert known.find(text) is None


def test_known_keys_outlive_an_unavailable_store_for_a_time(known: Known, run: Run) -> None:
    # given
    _, text = run(known.admin.add("till", "till", ["till"]))
    known.read()
    # when
    known.values.available = False
    known.clock.at += KEPT_SECONDS * SECOND
    # then
    assert not known.ring.is_outdated
    assert known.find(text) is not None
    # when
    known.clock.at += 1
    # then
    assert known.ring.is_outdated
    with pytest.raises(StoreUnavailable):
        known.read()


def test_a_damaged_document_leaves_the_known_keys(known: Known, run: Run) -> None:
    # given
    _, text = run(known.admin.add("till", "till", ["till"]))
    known.read()
    # when
    known.values.texts[DOCUMENT] = "{"
    # then
    with pytest.raises(StoreUnavailable):
        known.read()
    assert known.find(text) is not None


def test_the_day_of_the_last_use_is_stored_once(known: Known, run: Run) -> None:
    # given
    added, text = run(known.admin.add("till", "till", ["till"]))
    polls: list[str] = []

    async def follow(count: int) -> None:
        enough = asyncio.Event()

        def polled() -> None:
            known.find(text)
            polls.append(known.values.texts[DOCUMENT])
            if len(polls) >= count:
                enough.set()

        task = asyncio.create_task(known.ring.run(polled))
        await enough.wait()
        task.cancel()

    # when
    run(follow(4))
    # then
    (key,) = run(known.admin.keys())
    assert (key.id, key.last_used_day) == (added.id, known.clock.at // DAY)
    assert polls[2] == polls[3]


def test_polling_goes_on_after_a_failure_which_is_logged_once(
    known: Known, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    known.values.available = False
    polls: list[bool] = []

    async def follow() -> None:
        enough = asyncio.Event()

        def polled() -> None:
            polls.append(known.ring.is_outdated)
            known.values.available = len(polls) >= 2
            if len(polls) == 3:
                enough.set()
            if len(polls) == 1:
                raise ValueError

        task = asyncio.create_task(known.ring.run(polled))
        await enough.wait()
        task.cancel()

    # when
    with caplog.at_level(logging.WARNING, "kith.access"):
        run(follow())
    # then
    assert polls == [True, True, False]
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "the keys cannot be read",
        "ending the streams of callers failed",
    ]
