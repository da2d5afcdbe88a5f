"""Logging: lines of text or JSON, and no value of a caller, whoever logs it."""

import asyncio
import contextlib
import io
import json
import logging
import os
import sys

import pytest

from graph.runtime import measurements
from service.access.authentication import LOCAL
from service.observability import logs
from service.observability.requests import OperationRecord

SECRET = "zqcanary"


class Errors:
    """Standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._text = capsys, ""

    def text(self) -> str:
        """All that was written so far."""
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def errors(own_logging: None, capsys: pytest.CaptureFixture[str]) -> Errors:
    """What is logged."""
    return Errors(capsys)


def failure() -> Exception:
    """An exception whose text and whose causes' texts contain a value."""
    try:
        try:
            int(f"no number: {SECRET}")
        except ValueError as cause:
            raise ExceptionGroup(f"two of {SECRET}", [KeyError(SECRET), RuntimeError(SECRET)]) from cause
    except ExceptionGroup as error:
        return error


def test_a_message_is_a_line_of_text_with_its_fields(errors: Errors) -> None:
    # given
    logs.configure("info", "text")
    # when
    logging.getLogger("kith.requests").info("operation", extra={"fields": {"status": 200, "codes": ("A", "B")}})
    logging.getLogger("kith.requests").debug("not logged")
    # then
    (line,) = errors.text().splitlines()
    assert line.endswith("Z INFO kith.requests operation status=200 codes=A,B")


def test_a_message_is_a_json_object_with_its_fields(errors: Errors) -> None:
    # given
    logs.configure("debug", "json")
    # when
    logging.getLogger("kith").debug("first\nsecond %d", 7, extra={"fields": {"status": 200}})
    # then
    (line,) = errors.text().splitlines()
    record = json.loads(line)
    assert record.pop("timestamp").endswith("Z")
    assert record == {"level": "debug", "logger": "kith", "message": "first\nsecond 7", "status": 200}


def test_lines_of_requests_are_written_at_the_end_of_the_turn(errors: Errors) -> None:
    # given
    logs.configure("info", "text")
    requests = logging.getLogger("kith.requests")

    async def turns() -> tuple[str, str, str]:
        for number in range(3):
            requests.info("operation %d", number)
        first = errors.text()
        await asyncio.sleep(0)
        second = errors.text()
        requests.info("operation 3")
        # A warning is written at once, after what came before.
        requests.warning("slow operation")
        return first, second, errors.text()

    # when
    first, second, third = asyncio.run(turns())
    # then
    assert first == ""
    assert [line.split()[-1] for line in second.splitlines()] == ["0", "1", "2"]
    assert [line.split()[-1] for line in third.splitlines()] == ["0", "1", "2", "3", "operation"]


@pytest.mark.parametrize("number", range(2))
def test_times_are_in_utc_with_milliseconds(number: int) -> None:
    assert logs.timestamp(1_795_956_475.3871763 + number) == f"2026-11-29T12:47:5{5 + number}.387Z"


def test_messages_within_an_operation_name_its_request(errors: Errors) -> None:
    # given
    logs.configure("info", "json")
    before = measurements.current.set(None)
    # when
    OperationRecord("http", "request-7", LOCAL, 0.0)
    logging.getLogger("kith").warning("something happened")
    measurements.current.reset(before)
    logging.getLogger("kith").warning("something happened")
    # then
    inside, outside = map(json.loads, errors.text().splitlines())
    assert inside["request_id"] == "request-7"
    assert "request_id" not in outside


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("name", ["websockets.server", "uvicorn.error", "uvicorn.asgi", "httpx", "neo4j.io", "asyncio"])
def test_other_libraries_log_no_values(errors: Errors, name: str, format: logs.Format) -> None:
    # given: debug, and a library that opens its own loggers
    logs.configure("debug", format)
    logger = logging.getLogger(name)
    level, logger.propagate = logger.level, True
    logger.setLevel(1)
    # when
    for severity in (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logger.log(severity, "> TEXT %s", SECRET)
        logger.log(severity, '%s - "WebSocket %s" [accepted]', SECRET, SECRET)
        logger.log(severity, "failed", exc_info=failure())
        logger.log(severity, failure())
    logger.setLevel(level)
    # then: warnings and errors are there, by template
    assert SECRET not in errors.text()
    assert errors.text().count("> TEXT %s") >= 2
    # and exceptions name their types and places
    assert "ExceptionGroup" in errors.text()
    assert "test_logs.py:" in errors.text()


def test_a_forgotten_exception_of_a_task_is_logged_without_its_text(errors: Errors) -> None:
    # given
    logs.configure("debug", "text")

    async def fail() -> None:
        raise ValueError(SECRET)

    async def forget() -> None:
        task = asyncio.create_task(fail(), name=SECRET)
        await asyncio.wait([task])

    # when
    asyncio.run(forget())
    # then
    assert SECRET not in errors.text()
    assert "asyncio" in errors.text()
    assert "ValueError" in errors.text()


def test_a_formatted_traceback_keeps_places_and_types() -> None:
    # given: uvicorn logs one as the text of a message if the application cannot start
    text = (
        f'Traceback (most recent call last):\n  File "/a.py", line 7, in x\n    run()\nValueError: {SECRET}\n{SECRET}\n'
    )
    # when
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, text, None, None)
    # then
    assert logs.message_of(record) == 'ValueError < File "/a.py", line 7'


def test_the_server_tells_where_it_listens(errors: Errors) -> None:
    # given
    logs.configure("info", "text")
    # when
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s://%s:%d", "http", "127.0.0.1", 8000)
    # then
    assert "Uvicorn running on http://127.0.0.1:8000" in errors.text()


def test_an_error_of_the_system_keeps_its_reason(errors: Errors) -> None:
    # given
    logs.configure("info", "text")
    # when
    logging.getLogger("uvicorn.error").error(OSError(98, "address already in use"))
    # then
    assert "OSError: address already in use" in errors.text()


def test_an_uncaught_exception_is_logged_without_its_text(errors: Errors) -> None:
    # given
    logs.configure("info", "json")
    error = failure()
    # when
    sys.excepthook(type(error), error, error.__traceback__)
    # then
    record = json.loads(errors.text())
    assert (record["level"], record["message"]) == ("critical", "uncaught exception")
    assert record["exception"].startswith("ExceptionGroup < ")
    assert SECRET not in errors.text()


def test_a_stream_that_cannot_be_written_does_not_fail_what_is_logged(own_logging: None) -> None:
    # given
    reader, writer = os.pipe()
    os.close(reader)
    broken_pipe = os.fdopen(writer, "w")
    closed = io.StringIO()
    closed.close()
    for stream in (broken_pipe, closed):
        logging.getLogger().addHandler(logs.LineHandler(stream))
    # when / then: nothing is raised
    logging.getLogger("kith").warning("a message")
    with contextlib.suppress(OSError):
        broken_pipe.close()
