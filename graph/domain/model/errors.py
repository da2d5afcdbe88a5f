"""The errors of the graph, grouped by what the caller should do about them.

KithError
|- InvalidInput       fix the request; the same request fails again
|  `- RulesError      fix the rules file
|- VersionConflict    read the current version and decide again
|- NameTaken          choose another name
|- StoreNotEmpty      load a history into an empty store only
|- TemporaryFailure   send the same request again later
|  |- StoreUnavailable   the database does not respond
|  |  `- StoreVersionMismatch   migrate the store, or upgrade the program
|  |- RulesConflict      choose one of two rules
|  |- RulesChanged       the rules have just been changed
|  |- Overloaded         too much is waiting
|  |- TooManyLookups     the caller has used up its look-ups
|  |- AuditUnavailable   the audit log cannot be written
|  `- ShuttingDown       this process ends; another one or its successor answers
`- StoreFailure       a defect of the service: the database rejected a statement
"""

import math

from msgspec import Struct

MAX_RETRY_SECONDS = 60
"""Maximum seconds after which a rejected caller is asked to retry."""


class Problem(Struct, frozen=True, gc=False):
    """The problem of one item of a request.

    `code` is stable, for programs. `message` names the field and the value, for people. `path` is that of the field
    inside the item (`("identifiers", 0, "namespace")`).
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()


class KithError(Exception):
    """The base class of all errors that the graph raises on purpose."""

    code = "ERROR"

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def problem(self) -> Problem:
        """Return the error as a value for a response."""
        return Problem(self.code, self.message, self.path)


class InvalidInput(KithError):
    """The request cannot succeed as it is."""

    def __init__(self, code: str, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message, path)
        self.code = code


class RulesError(InvalidInput):
    """The rules are not valid; the message names the file, the key and what is allowed."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__("INVALID_RULES", message, path)


class VersionConflict(KithError):
    """The version that the caller expects is not the current one."""

    code = "VERSION_CONFLICT"


class NameTaken(KithError):
    """The name already belongs to something else."""

    code = "NAME_TAKEN"


class StoreNotEmpty(KithError):
    """A history can be loaded into an empty store only."""

    code = "STORE_NOT_EMPTY"


class TemporaryFailure(KithError):
    """The same request may succeed later; `retry_after` is a hint in seconds."""

    code = "TEMPORARY_FAILURE"
    retry_after = 2


class StoreUnavailable(TemporaryFailure):
    """The database does not respond."""

    code = "STORE_UNAVAILABLE"

    @classmethod
    def loading(cls) -> "StoreUnavailable":
        """Return the error for a store that a backfill or a copy is using."""
        return cls("a backfill or a copy is loading this store; it accepts requests again when that has finished")


class StoreVersionMismatch(StoreUnavailable):
    """The store was written by an older or a newer version of Kith; the message says what to do."""


class RulesConflict(TemporaryFailure):
    """The configured rules file differs from the store's rules, so that writes wait until one of them is chosen."""

    code = "RULES_CONFLICT"


class RulesChanged(TemporaryFailure):
    """The store has newer rules than this process, which reads them and tries again."""

    code = "RULES_CHANGED"


class Overloaded(TemporaryFailure):
    """More writes are waiting than the service accepts."""

    code = "OVERLOADED"

    def __init__(self, message: str, wait: float = 0) -> None:
        """`wait` is about how many seconds what waits will take."""
        super().__init__(message)
        self.retry_after = min(max(math.ceil(wait), TemporaryFailure.retry_after), MAX_RETRY_SECONDS)


class TooManyLookups(TemporaryFailure):
    """The caller has looked up as many customers as it may for now."""

    code = "TOO_MANY_LOOKUPS"

    def __init__(self, message: str, wait: float) -> None:
        """`wait` is the number of seconds after which the next look-up is allowed."""
        super().__init__(message)
        self.retry_after = max(math.ceil(wait), 1)


class AuditUnavailable(TemporaryFailure):
    """The audit log cannot be written, so people cannot be read."""

    code = "AUDIT_UNAVAILABLE"


class ShuttingDown(TemporaryFailure):
    """The process ends."""

    code = "SHUTTING_DOWN"
    retry_after = 1


class StoreFailure(KithError):
    """The database rejected a statement of the service: a defect that the caller cannot fix."""

    code = "INTERNAL_SERVER_ERROR"
