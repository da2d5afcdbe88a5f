"""Requests of people that wait for an officer or were answered, as tools of controllers send them (OpenDSR)."""

from typing import Protocol

from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import Page


class SubjectRequest(Struct, frozen=True):
    """A request of a person. Times are microseconds since 1970.

    `type` is `access`, `portability` or `erasure`, `status` is `pending`, `in_progress`, `completed` or `cancelled`.
    `caller` sent it. `keys` are the identifiers of the person; none once they are not needed anymore.
    """

    id: str
    type: str
    status: str
    caller: str
    regulation: str
    submitted_at: int
    received_at: int
    due_at: int
    ended_at: int | None = None
    keys: tuple[str, ...] = ()


class SubjectRequests(Protocol):
    """The requests that a service has received."""

    async def page(self, after: tuple[int, str] | None, first: int) -> Page[SubjectRequest]:
        """Return requests by (time received, id), oldest first. `after` is the last one seen."""
        ...


class NoSubjectRequests:
    """Of a service that receives none."""

    async def page(self, after: tuple[int, str] | None, first: int) -> Page[SubjectRequest]:
        """Raise `InvalidInput`."""
        raise InvalidInput("FEATURE_DISABLED", "this service receives no requests of people: see KITH_OPENDSR")


NO_SUBJECT_REQUESTS = NoSubjectRequests()
