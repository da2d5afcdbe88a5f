"""Records of a CRM: the updates of a batch by the record that they change, and requests that carry several records."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from service.destinations.adapter import DONE, Outcome, Status
from service.destinations.attempts import Batch, Item


class Record:
    """A record that updates change: `field` is the field by which the CRM finds it, `key` the value of that.

    `ids` are those of the CRM, once they are known. `values` are the fields to set, by name.
    """

    def __init__(self, field: str, key: str) -> None:
        self.field, self.key = field, key
        self.items: list[Item] = []
        self.ids: list[str] = []
        self.values: dict[str, Any] = {}

    @property
    def is_open(self) -> bool:
        """Whether an update of it has no outcome yet."""
        return any(item.is_open for item in self.items)

    @property
    def private(self) -> list[str]:
        """The values of the person, which no message may contain."""
        return [value for item in self.items for value in item.private]

    @property
    def reference(self) -> str:
        """The id of the record, as the updates keep it."""
        return self.ids[0] if self.ids else ""

    def settle(self, outcome: Outcome = DONE) -> None:
        """Set the outcome of all updates that have none."""
        kept = Outcome(outcome.status, outcome.message, outcome.reference or self.reference, outcome.retry_after)
        for item in self.items:
            item.outcome = item.outcome or kept


class Keys:
    """How a CRM finds the record of an identifier: `fields` by namespace.

    `id_field` is the field of the CRM's own ids; identifiers for it have a prefix in Kith, which the CRM does not know.
    """

    def __init__(self, fields: Mapping[str, str], id_field: str, id_prefix: str) -> None:
        self._fields, self._id_field, self._id_prefix = fields, id_field, id_prefix

    def records(self, items: Iterable[Item]) -> list[Record]:
        """Return the records of items. Updates that cannot be of any get their outcome."""
        records: dict[tuple[str, str], Record] = {}
        for item in items:
            field = self._fields.get(item.update.namespace)
            if field is None:
                item.outcome = Outcome(Status.DEAD, f"keys names no field for {item.update.namespace}")
                continue
            key = item.update.value
            if field == self._id_field:
                if not key.startswith(self._id_prefix):
                    message = f"it is no record of this CRM: it does not begin with id_prefix {self._id_prefix!r}"
                    item.outcome = Outcome(Status.DEAD, message) if item.update.present else DONE
                    continue
                key = key.removeprefix(self._id_prefix)
            record = records.setdefault((field, key), Record(field, key))
            record.items.append(item)
            if field == self._id_field:
                record.ids = [key]
        return list(records.values())


def set_values(records: Iterable[Record], is_flag: Callable[[str], bool]) -> None:
    """Set `values` of records: the fields of updates that are present, and the flags of audiences."""
    for record in records:
        for item in record.items:
            if item.update.present:
                record.values |= item.update.fields
            if is_flag(item.update.audience.external_id):
                record.values[item.update.audience.external_id] = item.update.present


class Refusal(Struct, frozen=True):
    """What a CRM says of records that it refuses together, at least one of which is at fault.

    `unknown_fields` are those that it does not have.
    """

    message: str
    records: Sequence[Record]
    unknown_fields: frozenset[str] = frozenset()


async def send_together(
    batch: Batch,
    records: Sequence[Record],
    request: Callable[[Sequence[Record]], Awaitable[Refusal | None]],
    size: int,
) -> None:
    """Send records in requests of `size`.

    `request` sets the ids or outcomes of its records, except for those that it returns with a refusal. Of these, the
    ones with a field that the CRM does not have are dead, and the others are sent again; if none has one, smaller
    requests find the records that are at fault.
    """
    waiting = [records[start : start + size] for start in range(0, len(records), size)]
    while waiting:
        part = waiting.pop(0)
        refusal: Refusal | None = None

        async def send(part: Sequence[Record] = part) -> None:
            nonlocal refusal
            refusal = await request(part)

        await batch.attempt([item for record in part for item in record.items], send)
        if refusal is not None:
            waiting[:0] = _smaller(refusal)


def _smaller(refusal: Refusal) -> list[Sequence[Record]]:
    """The requests that are left after a refusal; the records that are certainly at fault get their outcome."""
    refused, unknown = refusal.records, refusal.unknown_fields
    at_fault = refused if len(refused) == 1 else [record for record in refused if not unknown.isdisjoint(record.values)]
    for record in at_fault:
        record.settle(Outcome(Status.DEAD, refusal.message))
    rest = [record for record in refused if record not in at_fault]
    if at_fault or not rest:
        return [rest] if rest else []
    half = len(rest) // 2
    return [rest[:half], rest[half:]]
