"""What a broker's library repeats is logged once, and nothing of its errors but their types."""

import logging

import pytest

from service.observability.client_log import ClientLog


def test_a_message_is_logged_once_with_exceptions_by_type(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    library = logging.getLogger("library-of-a-broker")
    monkeypatch.setattr(library, "handlers", [])
    monkeypatch.setattr(library, "propagate", True)
    ClientLog.attach(library.name)
    # when
    for _ in range(3):
        logging.getLogger(f"{library.name}.network").error(
            "no connection to node %s: %s", 1, OSError("ann@example.com")
        )
    library.warning("%d", "a text where the library expects a number")
    library.info("of no interest")
    # then
    assert [record.getMessage() for record in caplog.records] == [
        "library-of-a-broker: no connection to node 1: OSError",
        "library-of-a-broker: %d",
    ]
