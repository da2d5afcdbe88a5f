"""What an error of the driver means: whether the same work is tried again, and what callers read."""

from enum import Enum
from types import TracebackType

from msgspec import Struct
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConnectionAcquisitionTimeoutError,
    ConstraintError,
    DatabaseUnavailable,
    DriverError,
    Forbidden,
    ForbiddenOnReadOnlyDatabase,
    Neo4jError,
    NotALeader,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from graph.domain.model.errors import KithError, StoreFailure, StoreUnavailable, TemporaryFailure


class FailureKind(Enum):
    """What is done about an error."""

    CONFLICT = "writers conflict, or the server is short of something: try again in a moment"
    CONNECTION = "a connection failed: try again on another"
    OUTAGE = "the database cannot be reached: try again when it can"
    LOGIN = "the database rejects the login: others would be rejected too"
    TEMPORARY = "the caller may try again later"
    DEFECT = "the database rejected a statement of the service"


class Failure(Struct, frozen=True):
    """The meaning of an error. `sentence` contains no values, so callers and `/readyz` may show it."""

    kind: FailureKind
    sentence: str

    def as_error(self) -> KithError:
        """Return the error that callers get."""
        return (StoreFailure if self.kind is FailureKind.DEFECT else StoreUnavailable)(self.sentence)


class ConnectionFailed(Exception):
    """The driver raised an error that is not its own, as event loops do if a connection ends at a bad moment."""


class _DriverCall:
    """Marks errors that are not the driver's own, such as those of event loops, as failures of the connection.

    Values that cannot be sent are neither: they raise what they raise.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(
            error, (Neo4jError, DriverError, ValueError, TypeError, ArithmeticError)
        ):
            raise ConnectionFailed(type(error).__name__) from error


DRIVER_CALL = _DriverCall()


class AnswerLost(Exception):
    """The answer to a statement did not come, and the database no longer works on it."""


class Outdated(TemporaryFailure):
    """What a transaction has read is outdated, so it is rolled back and run again."""


NO_ANSWER = "the database does not answer"
LOGIN_REJECTED = "the database rejected the user or the password"
LOCKED_OUT = "the database locked the user after too many wrong passwords"
"""Neo4j locks a user for 5 seconds after 3 wrong passwords, and then after each further one."""
_SECURITY = "Neo.ClientError.Security."
_BY_CODE = {
    f"{_SECURITY}Unauthorized": Failure(FailureKind.LOGIN, LOGIN_REJECTED),
    f"{_SECURITY}AuthenticationRateLimit": Failure(FailureKind.LOGIN, LOCKED_OUT),
    f"{_SECURITY}CredentialsExpired": Failure(
        FailureKind.LOGIN, "the password of the database's user has expired and must be changed"
    ),
    f"{_SECURITY}AuthorizationExpired": Failure(FailureKind.CONNECTION, NO_ANSWER),
    "Neo.ClientError.Database.DatabaseNotFound": Failure(
        FailureKind.OUTAGE, "the server has no database of this name, or has not opened it yet"
    ),
    "Neo.ClientError.Transaction.Terminated": Failure(FailureKind.CONFLICT, "the database ended the transaction"),
    "Neo.ClientError.Transaction.LockClientStopped": Failure(
        FailureKind.CONFLICT, "the database ended the transaction"
    ),
    "Neo.ClientError.Statement.EntityNotFound": Failure(
        FailureKind.CONFLICT, "what the transaction had found was erased meanwhile"
    ),
    "Neo.ClientError.Transaction.TransactionTimedOut": Failure(
        FailureKind.TEMPORARY, "the transaction took longer than the database allows"
    ),
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": Failure(
        FailureKind.TEMPORARY, "the transaction took too long"
    ),
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase": Failure(
        FailureKind.TEMPORARY, "the database is read-only"
    ),
}


def failure(error: BaseException, in_cluster: bool = False) -> Failure | None:
    """Return what an error means, `None` if it is neither the driver's nor a connection's."""
    match error:
        case ForbiddenOnReadOnlyDatabase() if in_cluster:
            return Failure(FailureKind.OUTAGE, "the cluster has another leader, which is not known yet")
        case Outdated():
            return Failure(FailureKind.CONFLICT, error.message)
        case ConnectionFailed() | AnswerLost():
            return Failure(FailureKind.CONNECTION, NO_ANSWER)
        case Neo4jError(code=code) if code in _BY_CODE:
            return _BY_CODE[code]
        case AuthError():
            return Failure(FailureKind.LOGIN, LOGIN_REJECTED)
        case ForbiddenOnReadOnlyDatabase():
            return Failure(FailureKind.TEMPORARY, "the database is read-only")
        case Forbidden():
            return Failure(FailureKind.TEMPORARY, f"the database does not permit the user this: {error.code}")
        case DatabaseUnavailable() | NotALeader():
            return Failure(FailureKind.OUTAGE, "the server is running, but its database is not available")
        case TransientError() | ConstraintError():
            # A constraint fails if another process created the same node at the same time; now it can be read.
            return Failure(FailureKind.CONFLICT, f"the database reported a conflict: {error.code}")
        case ClientError():
            return Failure(FailureKind.DEFECT, f"the database rejected a query: {error.code}")
        case Neo4jError():
            return Failure(FailureKind.TEMPORARY, f"the database reported an error: {error.code}")
        case ServiceUnavailable() | SessionExpired():
            return Failure(FailureKind.OUTAGE, f"{NO_ANSWER} ({type(error).__name__})")
        case ConnectionAcquisitionTimeoutError():
            return Failure(FailureKind.TEMPORARY, "all connections to the database are in use")
        case DriverError():
            return Failure(FailureKind.TEMPORARY, f"{NO_ANSWER} ({type(error).__name__})")
    return None
