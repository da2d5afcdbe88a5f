"""How adapters talk HTTP, with a real server on loopback."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.destinations.adapter import DONE, Outcome, Status, Unavailable
from service.destinations.http import MAX_ANSWER_BYTES, Answer, HttpClient, HttpSettings, Url, retry_after
from tests.builders.certificates import write_pair
from tests.builders.runs import Run
from tests.builders.vendor_servers import Reply, VendorServer


class Settings(HttpSettings):
    url: Url


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as server:
        yield server


def get(server: VendorServer, **options: Any) -> Answer:
    """The answer to a request, by a client of its own."""
    return ask(server.url, **options)


def ask(url: str, timeout_seconds: float = 10, secrets: tuple[str, ...] = (), **options: Any) -> Answer:
    async def asked() -> Answer:
        client = HttpClient(timeout_seconds, secrets)
        try:
            return await client.request("POST", url, **options)
        finally:
            await client.close()

    return asyncio.run(asked())


def test_a_request_carries_what_it_is_given(server: VendorServer) -> None:
    # when
    answer = get(server, json={"email": "ä"}, query={"a": "1"}, headers={"X-Key": "k"})
    # then
    (request,) = server.received
    assert (request.method, request.json, request.query, request.headers["x-key"]) == (
        "POST",
        {"email": "ä"},
        {"a": "1"},
        "k",
    )
    assert answer.is_success
    assert answer.outcome() == DONE


def test_the_parameters_of_an_address_are_kept(server: VendorServer) -> None:
    # when
    ask(f"{server.url}/hook?code=abc", query={"a": "1"}, form={"x": "y z"})
    # then
    (request,) = server.received
    assert (request.query, request.form) == ({"code": "abc", "a": "1"}, {"x": "y z"})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_busy_destination_is_unavailable_for_as_long_as_it_says(server: VendorServer, status: int) -> None:
    # given
    server.replies = [Reply(status, {"message": "later"}, {"Retry-After": "7"})]
    # when, then
    with pytest.raises(Unavailable, match=f"^{status} .*: later$") as raised:
        get(server)
    assert (raised.value.retry_after, raised.value.login) == (7.0, False)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_said(server: VendorServer, status: int) -> None:
    # given
    server.replies = [Reply(status, {"error": {"message": "the token sk-12345678 has expired"}})]
    # when, then
    with pytest.raises(Unavailable, match=r"the token … has expired$") as raised:
        get(server, secrets=("sk-12345678",))
    assert raised.value.login


def test_an_adapter_can_judge_a_status_itself(server: VendorServer) -> None:
    # given
    server.replies = [Reply(403), Reply(503)]
    # when, then
    assert get(server, accept={403}).status == 403
    assert get(server, accept={503}).outcome().status is Status.DEAD


def test_another_status_is_a_refusal_with_the_reason_of_the_vendor(server: VendorServer) -> None:
    # given
    server.replies = [Reply(400, {"errors": [{"detail": "anna@shop.example (Anna) is not subscribed"}]})]
    # when
    answer = get(server)
    # then
    assert answer.outcome(["Anna"]) == Outcome(Status.DEAD, "400 Bad Request: … (…) is not subscribed")


def test_redirects_are_not_followed(server: VendorServer) -> None:
    # given
    server.replies = [Reply(308, b"", {"Location": f"{server.url}/elsewhere"})]
    # when, then
    with pytest.raises(Unavailable, match="redirects are not followed"):
        get(server)
    assert len(server.received) == 1


def test_a_destination_that_cannot_be_reached_is_unavailable(server: VendorServer) -> None:
    # given
    server.stop()
    # when, then
    with pytest.raises(Unavailable, match=r"^no answer from 127\.0\.0\.1: Connection refused$"):
        get(server)


def test_a_destination_that_never_answers_is_unavailable(server: VendorServer) -> None:
    # given
    server.hold()
    # when, then
    with pytest.raises(Unavailable, match=r"^no answer from 127\.0\.0\.1 within 0\.2 s$"):
        get(server, timeout_seconds=0.2)


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    # given
    write_pair(tmp_path, "127.0.0.1")
    # when, then
    with VendorServer(tmp_path) as server, pytest.raises(Unavailable, match=r"^no answer from 127.*certificate"):
        get(server)
    assert server.received == []


def test_a_proxy_of_the_environment_is_not_for_this_machine(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: a proxy that does not exist
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    # when, then
    assert get(server).is_success


def test_cookies_are_not_kept(server: VendorServer, run: Run) -> None:
    # given
    server.replies = [Reply(200, b"", {"Set-Cookie": "session=1; Path=/"})]
    client = HttpClient()

    async def twice() -> None:
        await client.request("GET", server.url)
        await client.request("GET", server.url)
        await client.close()

    # when
    run(twice())
    # then
    assert "cookie" not in server.received[1].headers


def test_no_more_of_an_answer_is_read_than_fits(server: VendorServer) -> None:
    # given
    server.replies = [Reply(200, b"x" * (MAX_ANSWER_BYTES + 1))]
    # when
    answer = get(server)
    # then
    assert (len(answer.body), answer.is_cut) == (MAX_ANSWER_BYTES, True)
    with pytest.raises(Unavailable, match="larger than"):
        answer.json()


def test_an_answer_that_is_not_json_is_no_answer(server: VendorServer) -> None:
    # given
    server.replies = [Reply(200, b"<html>", {"Content-Type": "text/html"})]
    # when, then
    with pytest.raises(Unavailable, match=r"^200 OK: the answer is not JSON$"):
        get(server).json()


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("application/json", b'{"title": "Bad", "detail": "worse"}', "worse"),
        ("application/json", b'{"error": "invalid", "error_description": "no such list"}', "no such list"),
        ("application/json", b'{"error": {"code": 100, "message": "no"}}', "no"),
        ("application/json", b'[{"message": "first", "errorCode": "X"}]', "first"),
        ("application/json", b'"plain"', "plain"),
        ("application/json", b'{"code": 5}', ""),
        ("application/json", b"[" * 100_000, ""),
        ("text/plain; charset=utf-8", b"two\nlines", "two lines"),
        ("text/html", b"<html>no</html>", ""),
        ("text/plain", b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_sentence_of_an_error_is_found(content_type: str, body: bytes, said: str) -> None:
    message = Answer(400, {"content-type": content_type}, body).message()
    assert message == (f"400 Bad Request: {said}" if said else "400 Bad Request")


def test_a_status_without_a_name_is_shown_as_a_number() -> None:
    assert Answer(599, {}, b"").message() == "599"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("999999999", 86_400.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_the_time_to_wait_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(header, 10.0) == seconds


@pytest.mark.parametrize(
    "url", ["https://shop.example/hooks", "http://127.0.0.1:80/x", "http://localhost", "https://shop.example:8443/?a=b"]
)
def test_addresses_over_tls_or_of_this_machine_are_allowed(url: str) -> None:
    assert Settings(name="a", type="t", url=url).url == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://shop.example/", "allow_http"),
        ("https://user:password@shop.example/", "user or a password"),
        ("https://shop.example/#top", "fragment"),
        ("ftp://shop.example/", "is not an address"),
        ("https://", "is not an address"),
        ("https://shop.example:port/", "is not an address"),
        ("shop.example", "is not an address"),
    ],
)
def test_other_addresses_are_rejected(url: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings(name="a", type="t", url=url)


def test_an_operator_may_allow_addresses_without_tls() -> None:
    assert Settings(name="a", type="t", allow_http=True, url="http://shop.internal/").url == "http://shop.internal/"


def test_the_time_for_an_answer_is_bounded() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(HttpSettings).validate_python({"name": "a", "type": "t", "timeout_seconds": 0})
