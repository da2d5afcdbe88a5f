"""Idempotency keys: requests without an id of their own are known by a key that the caller chooses.

The same request sent again changes nothing.
"""

import json

from msgspec import Struct
from msgspec.structs import asdict

from graph.domain.model.overrides import Override, OverrideKind

RequestKey = tuple[str, str]
"""Caller and idempotency key."""


class IdempotencyKey(Struct, frozen=True, gc=False):
    """The caller's key for a request that is to be executed once, and the digest of its content."""

    caller: str
    value: str
    digest: str

    @property
    def key(self) -> RequestKey:
        """Caller and idempotency key."""
        return self.caller, self.value


class IdempotentResult(Struct, frozen=True, gc=False):
    """A request that was executed, with the override that it returned and whether it was new then.

    `at` is the time of execution, in microseconds.
    """

    idempotency_key: IdempotencyKey
    override: Override
    new: bool
    at: int

    def as_text(self) -> str:
        """Return the override as JSON text. Stores keep this copy, since the override itself may be removed later."""
        return json.dumps({**asdict(self.override), "kind": self.override.kind.value})

    @classmethod
    def from_text(cls, idempotency_key: IdempotencyKey, text: str, new: bool, at: int) -> "IdempotentResult":
        """Parse the text that `as_text` returned."""
        values = json.loads(text)
        return cls(idempotency_key, Override(**{**values, "kind": OverrideKind(values["kind"])}), new, at)
