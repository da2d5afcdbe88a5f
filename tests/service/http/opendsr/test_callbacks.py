"""Callbacks: signed, tried again until they are accepted, and sent by one process only."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from service.bootstrap import SystemClock
from service.http.opendsr.answers import Answers
from service.http.opendsr.callbacks import Callbacks
from service.http.opendsr.register import RETRIES, Register
from service.http.opendsr.signing import Signer
from tests.builders.runs import Run
from tests.builders.subject_requests import DOMAIN, ID, NOW, Controller, Values, registered, settings_in


class Times:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller()
    yield controller
    controller.stop()


def made(folder: Path, values: Values, clock: Times) -> tuple[Register, Callbacks]:
    settings = settings_in(folder)
    register = Register(values, clock)
    signer = Signer(DOMAIN, settings.certificate, settings.private_key, SystemClock().now)
    return register, Callbacks(register, Answers(settings), signer, clock)


def left(run: Run, register: Register) -> list[tuple[int, int]]:
    """The tries of the callbacks that are left, and in how many seconds they are due."""
    return [(one.tries, one.due - NOW) for request in run(register.all()) for one in request.callbacks]


@pytest.mark.parametrize(("version", "prefix"), [(1, "X-Opengdpr"), (2, "X-Opendsr")])
def test_a_controller_verifies_a_callback_with_the_certificate(
    run: Run, tmp_path: Path, controller: Controller, version: int, prefix: str
) -> None:
    # given
    register, callbacks = made(tmp_path, Values(), Times())
    request = registered(version=version, urls=(controller.url,), type="access", sealed="s")
    run(register.add(request.changed("completed", NOW, 1)))
    # when
    assert run(callbacks.send()) == 1
    # then
    ((headers, body),) = controller.received
    found = {name.title(): value for name, value in headers.items()}
    certificate = x509.load_pem_x509_certificate((tmp_path / "certificate.pem").read_bytes())
    key: Any = certificate.public_key()
    key.verify(base64.b64decode(found[f"{prefix}-Signature"]), body, ec.ECDSA(hashes.SHA256()))
    assert found[f"{prefix}-Processor-Domain"] == DOMAIN
    sent = json.loads(body)
    assert (sent["status_callback_url"], sent["subject_request_id"]) == (controller.url, ID)
    assert (sent["request_status"], sent["results_count"]) == ("completed", 1)
    assert sent["results_url"].startswith(f"https://{DOMAIN}/opendsr/v{version}/")
    # and: nothing is left
    assert (run(callbacks.send()), left(run, register)) == (0, [])


def test_a_callback_that_is_not_accepted_is_tried_again_until_it_is_given_up(
    run: Run, tmp_path: Path, controller: Controller
) -> None:
    # given
    clock = Times()
    register, callbacks = made(tmp_path, Values(), clock)
    run(register.add(registered(urls=(controller.url,)).changed("pending", NOW)))
    controller.status = 503
    # when
    run(callbacks.send())
    # then
    assert left(run, register) == [(1, RETRIES[0])]
    assert run(callbacks.send()) == 0
    assert len(controller.received) == 1
    # when
    for wait in RETRIES:
        clock.now += wait
        run(callbacks.send())
    # then
    assert len(controller.received) == 1 + len(RETRIES)
    assert left(run, register) == []


def test_a_controller_that_cannot_be_reached_is_no_failure_of_others(
    run: Run, tmp_path: Path, controller: Controller
) -> None:
    # given
    gone = Controller()
    gone.stop()
    register, callbacks = made(tmp_path, Values(), Times())
    run(register.add(registered(urls=(gone.url, controller.url)).changed("pending", NOW)))
    # then
    assert run(callbacks.send()) == 1
    assert left(run, register) == [(1, RETRIES[0])]


def test_two_processes_send_a_callback_once(run: Run, tmp_path: Path, controller: Controller) -> None:
    # given
    values = Values()
    register, one = made(tmp_path, values, Times())
    _, other = made(tmp_path, values, Times())
    run(register.add(registered(urls=(controller.url,)).changed("pending", NOW)))

    async def both() -> int:
        return sum(await asyncio.gather(one.send(), other.send()))

    # then
    assert run(both()) == 1
    assert controller.statuses == ["pending"]
