"""What errors of the driver mean."""

import ssl

import pytest
from neo4j.exceptions import DriverError, IncompleteCommit, Neo4jError, ServiceUnavailable, SessionExpired

from graph.domain.model.errors import InvalidInput, StoreFailure, StoreUnavailable
from graph.stores.neo4j.failures import DRIVER_CALL, ConnectionFailed, FailureKind, Outdated, failure


def server_error(code: str) -> Neo4jError:
    """An error as the driver makes it from a message of the server; the message contains a value."""
    return Neo4jError._hydrate_neo4j(code=code, message="anna@mail.example")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Neo.ClientError.Security.Unauthorized", FailureKind.LOGIN),
        ("Neo.ClientError.Security.AuthenticationRateLimit", FailureKind.LOGIN),
        ("Neo.ClientError.Security.CredentialsExpired", FailureKind.LOGIN),
        ("Neo.ClientError.Security.TokenExpired", FailureKind.LOGIN),
        ("Neo.ClientError.Security.AuthorizationExpired", FailureKind.CONNECTION),
        ("Neo.ClientError.Security.Forbidden", FailureKind.TEMPORARY),
        ("Neo.TransientError.General.DatabaseUnavailable", FailureKind.OUTAGE),
        ("Neo.ClientError.Database.DatabaseNotFound", FailureKind.OUTAGE),
        ("Neo.ClientError.Cluster.NotALeader", FailureKind.OUTAGE),
        ("Neo.TransientError.Transaction.DeadlockDetected", FailureKind.CONFLICT),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", FailureKind.CONFLICT),
        ("Neo.TransientError.Transaction.Terminated", FailureKind.CONFLICT),
        ("Neo.TransientError.Transaction.LockClientStopped", FailureKind.CONFLICT),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", FailureKind.CONFLICT),
        ("Neo.ClientError.Transaction.TransactionTimedOut", FailureKind.TEMPORARY),
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", FailureKind.TEMPORARY),
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", FailureKind.TEMPORARY),
        ("Neo.DatabaseError.General.UnknownError", FailureKind.TEMPORARY),
        ("Neo.DatabaseError.Transaction.TransactionCommitFailed", FailureKind.TEMPORARY),
        ("Neo.ClientError.Statement.SyntaxError", FailureKind.DEFECT),
    ],
)
def test_an_error_of_the_server(code: str, kind: FailureKind) -> None:
    meaning = failure(server_error(code))
    assert meaning is not None
    assert meaning.kind is kind
    assert "anna" not in meaning.sentence
    assert isinstance(meaning.as_error(), StoreFailure if kind is FailureKind.DEFECT else StoreUnavailable)


@pytest.mark.parametrize("error", [ServiceUnavailable("x"), SessionExpired("x"), IncompleteCommit("x")])
def test_a_database_that_cannot_be_reached(error: DriverError) -> None:
    meaning = failure(error)
    assert meaning is not None
    assert meaning.kind is FailureKind.OUTAGE


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        BrokenPipeError(),
        ssl.SSLError("decryption failed"),
        RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
        AssertionError(),
        EOFError(),
    ],
)
def test_what_event_loops_raise_is_a_failed_connection(error: Exception) -> None:
    with pytest.raises(ConnectionFailed) as raised, DRIVER_CALL:
        raise error
    meaning = failure(raised.value)
    assert meaning is not None
    assert meaning.kind is FailureKind.CONNECTION


@pytest.mark.parametrize(
    "error", [OverflowError("too large"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate")]
)
def test_a_value_that_cannot_be_sent_is_no_failed_connection(error: Exception) -> None:
    with pytest.raises(type(error)), DRIVER_CALL:
        raise error
    assert failure(error) is None


def test_errors_of_ours_keep_their_meaning() -> None:
    assert failure(InvalidInput("INVALID", "no")) is None
    assert failure(StoreUnavailable.loading()) is None
    outdated = failure(Outdated("again"))
    assert outdated is not None
    assert outdated.kind is FailureKind.CONFLICT
