"""The errors of the graph, grouped by what the caller should do about them.

KithError
|- InvalidInput       mend the request; sending the same again fails again
|  `- RulesError      mend the rules file
|- Conflict           the store holds something else under this id
|- TemporaryFailure   send the same again later
|  |- StoreUnavailable   the database does not answer
|  |- RulesMoved         the rules have just been changed
|  `- Overloaded         too much is waiting already
`- StoreFailure       a fault of ours: the database refused what we sent
"""

from msgspec import Struct


class Problem(Struct, frozen=True, gc=False):
    """What is wrong with one item of a request.

    `code` is stable and for programs, `message` names the field and the value for people, `path` leads to the field
    inside the item (`("identifiers", 0, "namespace")`).
    """

    code: str
    message: str
    path: tuple[str | int, ...] = ()


class KithError(Exception):
    """The root of all errors that the graph raises on purpose."""

    code = "ERROR"

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def problem(self) -> Problem:
        """The error as a value for an answer."""
        return Problem(self.code, self.message, self.path)


class InvalidInput(KithError):
    """The request can never succeed as it is."""

    def __init__(self, code: str, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message, path)
        self.code = code


class RulesError(InvalidInput):
    """The rules are not usable; the message names the file, the key and what is allowed."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__("BAD_RULES", message, path)


class Conflict(KithError):
    """The store already holds something else under this id."""

    code = "CONFLICT"


class TemporaryFailure(KithError):
    """The same request may succeed later; `retry_after` is a hint in seconds."""

    code = "TEMPORARY_FAILURE"
    retry_after = 2


class StoreUnavailable(TemporaryFailure):
    """The database does not answer."""

    code = "STORE_UNAVAILABLE"

    @classmethod
    def loading(cls) -> "StoreUnavailable":
        """A backfill has the store for itself."""
        return cls("a history is being loaded into this store; `kith backfill` ends that")


class RulesMoved(TemporaryFailure):
    """The store has newer rules than this process knows; it reads them and tries again."""

    code = "RULES_MOVED"


class Overloaded(TemporaryFailure):
    """More writes are waiting than the service accepts."""

    code = "OVERLOADED"


class StoreFailure(KithError):
    """The database refused a statement of ours: a defect, nothing the caller can mend."""

    code = "INTERNAL"
