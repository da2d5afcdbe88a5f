"""Requests that carry no id of their own, known by a key that the caller chose: the same one again changes nothing."""

import json

from msgspec import Struct
from msgspec.structs import asdict

from graph.domain.model.overrides import Mark, MarkKind

RequestKey = tuple[str, str]
"""Caller and idempotency key."""


class Once(Struct, frozen=True, gc=False):
    """That a request is to be carried out once: the caller's key for it, and the digest of all that it says."""

    caller: str
    idempotency_key: str
    digest: str

    @property
    def key(self) -> RequestKey:
        """What it is known by."""
        return self.caller, self.idempotency_key


class Answered(Struct, frozen=True, gc=False):
    """A request that was carried out, with the mark that it was answered with and whether that was new then."""

    once: Once
    mark: Mark
    new: bool
    at: int

    def as_text(self) -> str:
        """The mark as JSON, as stores keep it: the mark itself may be removed later."""
        return json.dumps({**asdict(self.mark), "kind": self.mark.kind.value})

    @classmethod
    def from_text(cls, once: Once, text: str, new: bool, at: int) -> "Answered":
        """The reverse of `as_text`."""
        values = json.loads(text)
        return cls(once, Mark(**{**values, "kind": MarkKind(values["kind"])}), new, at)
