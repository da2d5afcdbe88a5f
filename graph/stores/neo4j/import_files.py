"""A whole history as files for `neo4j-admin database import`, which fills an empty database while no server runs.

The files hold what `load` would write, in the same portions: `mapping` and `history` make the properties of both, and a
property that has no column here is an error.
"""

from collections.abc import Iterable, Mapping
from io import BufferedWriter
from pathlib import Path
from uuid import uuid4

from graph.domain.model.facts import Detail, detail
from graph.domain.model.identifiers import Identifier
from graph.domain.model.receipts import Receipt
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.profile.search import text_of_identifier
from graph.ports import LOADING
from graph.stores.neo4j import mapping
from graph.stores.neo4j.customer_pages import SMALL_CUSTOMER
from graph.stores.neo4j.history import change_values
from graph.stores.neo4j.import_columns import SEPARATOR, Columns, text, time
from graph.stores.neo4j.migrator import data_migrations
from graph.stores.neo4j.writes import has_fact, words_of

ARGUMENTS = "import.args"
"""The name of the file that holds the importer's options. It is written last: without it nothing can be imported."""
STAGES = ("observations", "customers", "links")
"""The order in which portions are written: an identifier has a label if facts are attached to it."""
FEED = "changes"
WITHOUT_KEYS = "WithoutKeys"
"""The label of observations that name no identifier. The importer stores no empty lists, so their `keys` follow."""
BUFFER_BYTES = 1 << 22
"""The longest line that the importer reads without being told of longer ones."""

_EVIDENCE = {"first_seen_at": "long", "last_seen_at": "long", "observation_count": "long", "sources": "string[]"}
_IDENTIFIER = {
    **{"key": "string", "namespace": "string", "value": "string", "words": "string", **_EVIDENCE},
    **{"degree": "string", "shared": "boolean", "blocked": "boolean", "override_count": "long"},
    **{"interaction_counts": "string", "guarded_values": "string"},
    **{"facts": "string", "facts_source": "string", "placed_at": "long", "status": "string", "currency": "string"},
    **{"total": "double", "refunded": "double", "placed_datetime": "datetime", "customer_node": "string"},
}
_CUSTOMER = {
    **{"id": "string", "created_at": "long", "anchor": "string", "caption": "string", "retired_at": "long"},
    **{"version": "long", "anchor_first_seen_at": "long", "counts": "string", "suspended": "long"},
    **{"override_count": "long", "order_totals": "string", "value_sets": "string", "due_at": "long"},
    **{"node_id": "string", "is_large": "boolean"},
}
_OBSERVATION = {
    **{"source": "string", "id": "string", "digest": "string", "status": "string", "received_at": "long"},
    **{"seen_at": "long", "keys": "string[]", "tier": "long", "confidence": "double", "sent": "string"},
    **{"order_key": "string", "reported_at": "long", "kind": "string", "rules_version": "long"},
    **{"received_from": "string", "words": "string"},
}
_CHANGE = {
    **{"recorded_at": "long", "kind": "string", "customer": "string", "other_customer": "string"},
    **{"keys": "string[]", "reason": "string", "cause_type": "string", "source": "string", "cause_id": "string"},
    **{"actor": "string", "party": "string", "anchors": "string[]", "reason_code": "string"},
    **{"number": "long", "recorded_datetime": "datetime"},
}
_LINK = {
    **{"tier": "long", **_EVIDENCE, "confidence": "double", "state": "string"},
    **{"reason_code": "string", "reason": "string", "suspended_a": "string", "suspended_b": "string"},
}
_REPORTED = {
    **{"key": "string", "kind": "string", "at": "long", "name": "string"},
    **dict.fromkeys(Detail._fields, "string"),
}
_NODE, _LABELED, _RELATIONSHIP = (":ID",), (":ID", ":LABEL"), (":START_ID", ":END_ID")
_NODES: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "Identifier": (_LABELED, _IDENTIFIER),
    "Customer": (_NODE, _CUSTOMER),
    "Observation": (_LABELED, _OBSERVATION),
    "Change": (_NODE, _CHANGE),
    "Feed": (_NODE, {"name": "string", "last": "long", "loading": "boolean"}),
    "StoredValue": (_NODE, {"name": "string", "value": "string"}),
    "Migration": (_NODE, {"name": "string", "digest": "string", "applied_at": "datetime"}),
}
_RELATIONSHIPS: Mapping[str, Mapping[str, str]] = {
    "IDENTIFIES": {},
    "LINKED": _LINK,
    "MENTIONS": {},
    "REPORTED": _REPORTED,
}


def file_names() -> list[str]:
    """Return the names of the files with nodes and relationships."""
    return [_file_name(kind) for kind in (*_NODES, *_RELATIONSHIPS)]


def _file_name(kind: str) -> str:
    return f"{kind.lower()}.csv"


class _File:
    """One file while it is written."""

    def __init__(self, folder: Path, kind: str, ids: Iterable[str], types: Mapping[str, str]) -> None:
        self.name = _file_name(kind)
        self.columns = Columns(list(ids), types)
        self._file: BufferedWriter = (folder / self.name).open("wb")
        self._file.write(self.columns.header.encode())
        self.count = 0
        """Nodes or relationships in it."""
        self.longest = 0
        """Characters of its longest line, or more."""
        self.has_line_breaks = False
        """Whether a value contains a line break: the importer reads such a file more slowly."""

    def write(self, lines: list[str]) -> None:
        """Add lines, which have no line breaks at their ends."""
        if not lines:
            return
        self.count += len(lines)
        self.longest = max(self.longest, max(map(len, lines)))
        content = "\n".join(lines)
        self.has_line_breaks |= content.count("\n") >= len(lines) or "\r" in content
        self._file.write(content.encode())
        self._file.write(b"\n")

    def close(self) -> None:
        self._file.close()


class ImportFiles:
    """Writes the files into a folder; identifiers and customers have the numbers that their portions name.

    `identifiers`, `customers` and `observations` say how many there are at most. Nodes are numbered: first identifiers,
    then customers, observations, changes. The importer takes these numbers as they are, so it keeps none in memory.
    """

    def __init__(self, folder: Path, identifiers: int, customers: int, observations: int) -> None:
        self._folder = folder
        nodes = {name: _File(folder, name, *columns) for name, columns in _NODES.items()}
        edges = {name: _File(folder, name, _RELATIONSHIP, types) for name, types in _RELATIONSHIPS.items()}
        self._nodes, self._edges = nodes, edges
        self._first_customer = identifiers
        self._next_observation = identifiers + customers
        self._next_change = self._next_observation + observations
        self._next_identifier = 0
        self._holders = bytearray(identifiers)
        """Whether facts are attached to an identifier, by number."""

    def add(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        """Write a portion. Those of observations come first, then those of customers, in their order."""
        self._add_observations(writes.receipts, numbers)
        self._add_changes(writes)
        self._add_customers(writes)
        self._add_links(writes, numbers)

    def _add_observations(self, receipts: Iterable[Receipt], numbers: Mapping[str, int]) -> None:
        rows: list[str] = []
        mentions: list[str] = []
        facts: list[str] = []
        cells, fact_cells = self._nodes["Observation"].columns.cells, self._edges["REPORTED"].columns.cells
        for receipt in receipts:
            node = self._next_observation
            self._next_observation += 1
            labels = ["Observation"]
            if not receipt.is_indexed(numbers):
                labels.append("Unindexed")
            if not receipt.keys:
                labels.append(WITHOUT_KEYS)
            reports = has_fact(receipt)
            values = mapping.receipt_values(receipt) | {"words": words_of(receipt) if reports else None}
            rows.append(f"{node},{text(SEPARATOR.join(labels))},{cells(values)}")
            mentions += [f"{node},{numbers[key] - 1}" for key in receipt.keys if key in numbers]
            if reports:
                filters = {name: value or None for name, value in detail(receipt.kind, receipt.facts)._asdict().items()}
                for key in mapping.fact_holders(receipt):
                    holder = numbers[key] - 1
                    self._holders[holder] = True
                    facts.append(f"{node},{holder},{fact_cells(mapping.fact_values(receipt, key) | filters)}")
        self._nodes["Observation"].write(rows)
        self._edges["MENTIONS"].write(mentions)
        self._edges["REPORTED"].write(facts)

    def _add_changes(self, writes: Writes) -> None:
        file = self._nodes["Change"]
        rows: list[str] = []
        for number, change in enumerate(writes.changes, file.count + 1):
            values = change_values(change) | {"number": number, "recorded_datetime": change.recorded_at}
            rows.append(f"{self._next_change},{file.columns.cells(values)}")
            self._next_change += 1
        file.write(rows)

    def _add_customers(self, writes: Writes) -> None:
        rows: list[str] = []
        large: dict[int, str] = {}
        """The `node_id` of large customers by node."""
        file = self._nodes["Customer"]
        for customer in writes.customers:
            node, id, is_large = self._node_of(customer.node), str(uuid4()), customer.size > SMALL_CUSTOMER
            if is_large:
                large[node] = id
            values = mapping.customer_values(customer) | {"due_at": writes.segmentation_due.get(customer.id, 0)}
            rows.append(f"{node},{file.columns.cells(values | {'node_id': id, 'is_large': is_large or None})}")
        file.write(rows)
        self._add_identifiers(writes, large)

    def _add_identifiers(self, writes: Writes, large: Mapping[int, str]) -> None:
        rows: list[str] = []
        memberships: list[str] = []
        cells = self._nodes["Identifier"].columns.cells
        no_order = mapping.order_values(None) | {"placed_datetime": None}
        for key, member in writes.members.items():
            identifier = self._next_identifier
            self._next_identifier += 1
            customer = self._node_of(writes.moves[key])
            order = writes.orders.get(key)
            namespace, value = Identifier.from_key(key)
            holds = f"{SEPARATOR}FactHolder" if self._holders[identifier] else ""
            values = (
                {"key": key, "namespace": namespace, "value": value, "words": text_of_identifier(key) or None}
                | mapping.member_values(member)
                | (no_order if order is None else mapping.order_values(order) | {"placed_datetime": order.placed_at})
                | {"customer_node": large.get(customer)}
            )
            label = f"Identifier{SEPARATOR}{mapping.label(namespace)}{holds}"
            rows.append(f"{identifier},{text(label)},{cells(values)}")
            memberships.append(f"{identifier},{customer}")
        self._nodes["Identifier"].write(rows)
        self._edges["IDENTIFIES"].write(memberships)

    def _node_of(self, node: object) -> int:
        if not isinstance(node, NewNode):
            raise TypeError("a history has new customers only")
        return self._first_customer + node.number - 1

    def _add_links(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        file = self._edges["LINKED"]
        cells = file.columns.cells
        file.write(
            [
                f"{numbers[link.a] - 1},{numbers[link.b] - 1},{cells(mapping.link_values(link))}"
                for link in writes.links.values()
            ]
        )

    def finish(self, progress: str, now: int) -> dict[str, int]:
        """Write what marks the database as being loaded, and the arguments; return the counts by label and type.

        `progress` is the value by which the database is recognized later; `now` is in microseconds.
        """
        node = self._next_change
        last = self._nodes["Change"].count
        self._nodes["Feed"].write([f"{node},{text(FEED)},{last},true"])
        self._nodes["StoredValue"].write([f"{node + 1},{text(LOADING)},{text(progress)}"])
        # What is written has the current form, so the migrations that change data are complete.
        self._nodes["Migration"].write(
            [
                f"{at},{text(name)},{text(digest)},{time(now)}"
                for at, (name, digest) in enumerate(data_migrations().items(), node + 2)
            ]
        )
        files = {**self._nodes, **self._edges}
        for file in files.values():
            file.close()
        (self._folder / ARGUMENTS).write_text("".join(f"{line}\n" for line in self._arguments()))
        return {kind: file.count for kind, file in files.items()}

    def _arguments(self) -> Iterable[str]:
        files = [*self._nodes.values(), *self._edges.values()]
        # Files are named without their folder: it has another name in a container.
        yield "--id-type=actual"
        yield "--array-delimiter=U+0000"
        # Each character takes at most four bytes in UTF-8, but is one or two of the importer's own.
        if (longest := max(file.longest for file in files) * 2) > BUFFER_BYTES:
            yield f"--read-buffer-size={longest}"
        if several := [file.name for file in files if file.has_line_breaks]:
            yield "--multiline-fields-format=v2"
            yield f"--multiline-fields={','.join(several)}"
        for kind, file in self._nodes.items():
            if file.count:
                labels = "" if ":LABEL" in file.columns.header else f"{kind}="
                yield f"--nodes={labels}{file.name}"
        for kind, file in self._edges.items():
            if file.count:
                yield f"--relationships={kind}={file.name}"
