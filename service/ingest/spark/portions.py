"""The portions of a load from tables of Parquet, equal to those of `graph.bulk.result`. Spark is not needed here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import orjson
import pyarrow.fs as arrow_fs
import pyarrow.parquet as parquet

from graph.bulk.result import BATCH_SIZE, WRITE_STAGES, Portion
from graph.bulk.spool import Row
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.customers import Anchor, Customer, Member
from graph.domain.model.guarded_values import from_json
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.observations import TIERS, Evidence
from graph.domain.model.order_totals import order_totals_from_json
from graph.domain.model.orders import Order
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.resolution.resolution import exclusion_reason

Record = dict[str, Any]
READ_ROWS = 2_000
"""Rows of a table that are converted together."""


@dataclass(slots=True)
class TableFolder:
    """Reads tables of a folder: a path, or the URI of a file system that Arrow knows (`s3://`, `hdfs://`, `gs://`)."""

    files: arrow_fs.FileSystem
    path: str

    @classmethod
    def at(cls, folder: str) -> "TableFolder":
        """Open a folder; `s3a://`, as Spark says, is `s3://`."""
        if "://" in folder:
            return cls(*arrow_fs.FileSystem.from_uri(folder.replace("s3a://", "s3://", 1)))
        return cls(arrow_fs.LocalFileSystem(), folder.removeprefix("file:"))

    def rows(self, table: str) -> Iterator[Record]:
        """Yield the rows of a table in the order in which it was written."""
        for path in self._parts(table):
            with self.files.open_input_file(path) as file:
                for batch in parquet.ParquetFile(file).iter_batches(READ_ROWS):
                    yield from batch.to_pylist()

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        total = 0
        for path in self._parts(table):
            with self.files.open_input_file(path) as file:
                total += parquet.ParquetFile(file).metadata.num_rows
        return total

    def _parts(self, table: str) -> list[str]:
        """Return the files of a table: those of an ordered one have the order of their names."""
        selector = arrow_fs.FileSelector(f"{self.path}/{table}")
        names = (info.path for info in self.files.get_file_info(selector))
        return sorted(name for name in names if name.endswith(".parquet"))


@dataclass(slots=True)
class TablePortions:
    """Portions of the tables of a folder. `now` is in microseconds; `received_from` is who loads them."""

    folder: TableFolder
    rules: Rules
    now: int
    received_from: str = ""
    _members: Iterator[Record] = field(default_factory=lambda: iter(()))

    def portions(self) -> Iterator[Portion]:
        """Yield all portions in the order in which they must be stored."""
        for stage, portions in zip(
            WRITE_STAGES, (self._of_customers(), self._of_links(), self._of_observations()), strict=True
        ):
            for number, (writes, numbers) in enumerate(portions, 1):
                yield Portion(stage, number, writes, numbers)

    def _of_customers(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        customers = self.folder.rows("customers")
        writes = Writes()
        groups = groupby(self.folder.rows("members"), itemgetter("group"))
        for number, ((group, members), row) in enumerate(zip(groups, customers, strict=True)):
            if group != row["group"]:
                raise ValueError(f"the tables do not fit each other: group {group} is not {row['group']}")
            node = NewNode(number + 1)
            own = list(members)
            if writes.members and len(writes.members) + len(own) > BATCH_SIZE:
                yield writes, {}
                writes = Writes()
            for member in own:
                writes.members[member["key"]] = _member(member)
                writes.moves[member["key"]] = node
                if member["order_facts"] is not None:
                    order = Order.from_facts(member["order_source"], member["order_facts"])
                    writes.orders[member["key"]] = order
            writes.customers.append(self._customer(row, node))
        if writes.customers:
            yield writes, {}

    def _customer(self, row: Record, node: NewNode) -> Customer:
        return Customer(
            node,
            row["id"],
            self.now,
            Anchor(row["anchor"], row["anchor_seen_at"]),
            1,
            orjson.loads(row["counts"]),
            row["suspended"],
            0,
            order_totals_from_json(row["order_totals"]),
            value_sets=orjson.loads(row["value_sets"]),
        )

    def _of_links(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        rows = self.folder.rows("links")
        while batch := list(islice(rows, BATCH_SIZE)):
            writes, numbers = Writes(), dict[str, int]()
            for row in batch:
                link = self._link(row)
                writes.links[link.pair] = link
                numbers[link.a], numbers[link.b] = row["number_a"] + 1, row["number_b"] + 1
            yield writes, numbers

    def _link(self, row: Record) -> Link:
        tier = TIERS[row["tier"]]
        times = row["first"], row["last"], row["count"]
        link = Link(row["a"], row["b"], tier, *times, tuple(row["sources"]), row["confidence"])
        if row["reason_code"] is not None:
            return link.with_state(LinkState.SUSPENDED, LinkReason(LinkReasonCode(row["reason_code"]), row["reason"]))
        shared = {row[end] for end in ("a", "b") if row[f"shared_{end}"]}
        if shared or not row["counted"]:
            return link.with_state(LinkState.EXCLUDED, exclusion_reason(link, self.rules, shared, frozenset()))
        return link

    def _of_observations(self) -> Iterator[tuple[Writes, dict[str, int]]]:
        changes = self.folder.rows("changes")
        change = next(changes, None)
        rows = self.folder.rows("observations")
        while batch := list(islice(rows, BATCH_SIZE)):
            writes, numbers = Writes(), dict[str, int]()
            for row in batch:
                receipt = self._receipt(row)
                writes.receipts.append(receipt)
                for named in row["numbers"] or ():
                    numbers[receipt.keys[named["at"]]] = named["number"] + 1
                cause = Cause(CauseType.OBSERVATION, receipt.source, receipt.id, party=receipt.tier.party)
                while change is not None and change["position"] == row["position"]:
                    writes.changes.append(self._change(change, cause))
                    change = next(changes, None)
            yield writes, numbers
        if change is not None:
            raise ValueError("the tables do not fit each other: a change has no observation")

    def _receipt(self, row: Record) -> Receipt:
        values = {name: row[name] for name in Row._fields}
        read = Row(**values)
        read = read._replace(keys=tuple(read.keys), fact_holders=tuple(read.fact_holders))
        return read.receipt(self.now, row["superseded"], self.received_from)

    def _change(self, row: Record, cause: Cause) -> Change:
        kind, keys = ChangeKind(row["kind"]), tuple(row["keys"])
        if kind is ChangeKind.CUSTOMER_CREATED:
            reason = Sentence(MessageCode.FIRST_SEEN)
            return Change(kind, self.now, cause, row["customer"], keys=keys, reason=reason)
        code = LinkReasonCode(row["reason_code"])
        customers = row["customer"], row["other_customer"]
        return Change(kind, self.now, cause, *customers, keys, row["reason"], reason_code=code)


def _member(row: Record) -> Member:
    degree: Mapping[str, int] = dict(row["degree"] or ())
    return Member(
        row["key"],
        Evidence(row["first"], row["last"], tuple(row["sources"]), row["count"]),
        degree,
        row["shared"],
        interaction_counts=orjson.loads(row["interactions"] or "{}"),
        guarded_values=from_json(row["guarded"]),
    )
