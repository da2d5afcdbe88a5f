"""Exports of tables: writing them, reading them back, and everything that may change what they contain."""

import json
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from graph.domain.access.viewer import Viewer
from graph.domain.tables.columns import DELETED, TABLES
from graph.viewer_graph import ViewerGraph
from service.bootstrap import SystemClock
from service.export.export import Export, ExportRequest
from service.export.folders import Folder, open_folder
from service.export.formats import Format
from service.export.manifest import Manifest
from tests.builders.clients import Client, order, seen
from tests.builders.erasing import by, erase
from tests.builders.operations import REVOKE, decide, interaction, record, remove_override, set_override
from tests.builders.restrictions import lift, restrict
from tests.builders.runs import Run
from tests.builders.transfers import CREATE_SEGMENT, REVOKE_SOURCE
from tests.builders.viewers import viewer

Rows = dict[str, dict[str, Any]]
"""The rows of a table by their keys."""
RESTORE_SOURCE = "mutation($i: RestoreSourceInput!) { restoreSource(input: $i) { errors { code } } }"


def show_nothing(step: str, total: int | None) -> Any:
    """Progress that nobody looks at."""
    return nullcontext(lambda done: None)


async def _planned(client: Client, by: Viewer, folder: Folder, **options: Any) -> Export:
    rows = await ViewerGraph(client.graph, by).table_rows()
    since, format = options.pop("since", None), options.pop("format", Format.NDJSON)
    earlier = None if since is None else open_folder(str(since))
    store_name = client.graph.references.pseudonym("", b"store")
    request = ExportRequest(folder, format, by.role, by.purpose, store_name, since=earlier, **options)
    return Export(request, rows, SystemClock().now)


def planned(client: Client, run: Run, folder: Path | Folder, by: Viewer | None = None, **options: Any) -> Export:
    """An export of which nothing is written yet."""
    target = open_folder(str(folder)) if isinstance(folder, Path) else folder
    return run(_planned(client, by or viewer("privacy"), target, **options))


def export(client: Client, run: Run, folder: Path | Folder, by: Viewer | None = None, **options: Any) -> Manifest:
    """Export, as NDJSON unless another format is asked for."""
    return run(planned(client, run, folder, by, **options).run(client.wiring.store, 0, show_nothing))


def rows_in(folder: Path) -> dict[str, Rows]:
    """The rows in an export as NDJSON, by table and key."""
    found: dict[str, Rows] = {}
    for name, table in TABLES.items():
        path = folder / f"{name}.ndjson"
        if path.exists():
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = {str(row[table.key.name]): row for row in rows}
            assert len(found[name]) == len(rows), f"a key of {name} is not unique"
    return found


def merged(before: Mapping[str, Rows], delta: Mapping[str, Rows]) -> dict[str, Rows]:
    """What a warehouse has after it has merged an export of changes into its tables."""
    tables = {}
    for name, rows in delta.items():
        kept = {key: row for key, row in before.get(name, {}).items() if key not in rows}
        tables[name] = kept | {key: row for key, row in rows.items() if not row[DELETED]}
    return tables


def only(rows: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some columns of a row."""
    return {name: rows[name] for name in names}


def values(rows: Rows, column: str) -> list[Any]:
    """The values of a column, sorted."""
    return sorted((row[column] for row in rows.values()), key=str)


class DiskFull(Exception):
    """What a test raises where a process would be killed."""


class FailingFolder:
    """A folder that fails while the file with a name is written, after some writes or at its end."""

    def __init__(self, folder: Folder, name: str, writes: int = 1) -> None:
        self._folder, self._failing, self._writes = folder, name, writes
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)

    @contextmanager
    def write(self, name: str) -> Any:
        with self._folder.write(name) as file:
            if name == self._failing:
                write, left = file.write, self._writes

                def failing(data: Any) -> int:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        raise DiskFull(name)
                    return write(data)

                file.write = failing
            yield file
            if name == self._failing:
                raise DiskFull(name)
        self.written.append(name)


# --- everything that may change a table

PEOPLE = ("ann", "bob", "cat")
_KEYS = st.sampled_from(
    [f"{name}@example.com" for name in PEOPLE] + [f"ck-{number}11" for number in range(3)] + ["C-10", "C-11"]
)


def _key(value: str) -> str:
    return f"{'email' if '@' in value else 'cookie' if value.startswith('ck') else 'crm_id'}={value}"


_keys = st.lists(_KEYS.map(_key), min_size=1, max_size=3, unique=True)
_numbers = st.integers(1, 3)
steps = st.one_of(
    st.tuples(st.just("see"), _keys, _numbers),
    st.tuples(st.just("order"), _keys, _numbers),
    st.tuples(st.just("interact"), _keys, _numbers),
    st.tuples(st.just("consent"), _keys, st.sampled_from(["GIVEN", "REFUSED", "WITHDRAWN"])),
    st.tuples(st.just("revoke"), _keys, _numbers),
    st.tuples(st.just("override"), _keys, st.sampled_from(["keepTogether", "keepApart", "blockIdentifier", "remove"])),
    st.tuples(st.just("restrict"), _keys, st.booleans()),
    st.tuples(st.just("revoke_source"), _keys, st.booleans()),
    st.tuples(st.just("erase"), _keys, _numbers),
    st.tuples(st.just("segment"), _keys, _numbers),
)
"""Steps that change what a store holds, each with identifiers and a detail."""


class Changing:
    """Carries out steps, and remembers what later ones take back."""

    def __init__(self, client: Client, run: Run) -> None:
        self._client, self._run = client, run
        self._overrides: list[str] = []
        self._restrictions: list[str] = []
        self._revocations = self._requests = self._segments = 0
        run(client.wiring.prepare())

    def do(self, sequence: Iterable[tuple[str, list[str], Any]]) -> None:
        """Carry out steps; one that is not possible now changes nothing."""
        for name, keys, detail in sequence:
            getattr(self, f"_{name}")(keys, detail)
        self._run(self._client.graph.segment_worker.catch_up())

    def _see(self, keys: list[str], number: int) -> None:
        self._client.link(seen(*keys, id=f"o{number}", source="crm"))

    def _order(self, keys: list[str], number: int) -> None:
        lines = [{"sku": f"S-{number}", "quantity": "1", "total": f"{number}.50"}]
        reported = f"2026-0{1 + len(keys)}-01T00:00:00Z"
        self._client.record(
            order(f"N-{number}", *keys, total=f"{number * len(keys)}", lines=lines, reportedAt=reported)
        )

    def _interact(self, keys: list[str], number: int) -> None:
        at = f"2026-01-0{number}T10:00:00Z"
        record(self._client, interaction("product_viewed", *keys, at=at, id=f"i{number}", sku=f"S-{number}", text="hi"))

    def _consent(self, keys: list[str], decision: str) -> None:
        decide(self._client, *keys, decision=decision, at=f"2026-02-0{len(decision)}T00:00:00Z", id=f"c{decision}")

    def _revoke(self, keys: list[str], number: int) -> None:
        named = [{"source": "crm", "id": f"o{number}"}, {"source": "web", "id": f"i{number}"}]
        self._client.ask(REVOKE, {"o": [*named, {"source": "shop", "id": "cGIVEN"}]})

    def _override(self, keys: list[str], name: str) -> None:
        if name == "remove":
            if self._overrides:
                remove_override(self._client, self._overrides.pop())
            return
        named = keys[:1] if name == "blockIdentifier" else keys[:2]
        if len(named) == (1 if name == "blockIdentifier" else 2):
            made = set_override(self._client, name, *named, actor="sue")["override"]
            self._overrides += [] if made is None else [made["id"]]

    def _restrict(self, keys: list[str], restricts: bool) -> None:
        if restricts:
            made = restrict(self._client, keys[0])["restriction"]
            self._restrictions += [] if made is None else [made["id"]]
        elif self._restrictions:
            lift(self._client, self._restrictions.pop())

    def _revoke_source(self, keys: list[str], restores: bool) -> None:
        mutation = RESTORE_SOURCE if restores else REVOKE_SOURCE
        if restores:
            revoked = self._run(self._client.wiring.store.source_revocations())
            input = {"id": revoked[-1].id, "actor": "sue"} if revoked else None
        else:
            input = {"source": ("web", "crm", "shop")[len(keys) - 1], "actor": "sue"}
        if input is not None:
            self._client.ask(mutation, {"i": input})
            self._run(self._client.graph.source_revocations.applied())

    def _erase(self, keys: list[str], number: int) -> None:
        if self._client.customer(keys[0]) is not None and plan_exists(self._client, keys[0]):
            self._requests += 1
            erase(self._client, f"r{self._requests}", by=by(keys[0]))

    def _segment(self, keys: list[str], number: int) -> None:
        self._segments += 1
        rule = {"all": [{"metric": {"name": "ORDER_COUNT", "min": number}}]}
        self._client.ask(CREATE_SEGMENT, {"i": {"name": f"Segment {self._segments}", "rule": rule}})


def plan_exists(client: Client, key: str) -> bool:
    """Whether the customer of a key can be erased."""
    query = "mutation($i: PlanErasureInput!) { planErasure(input: $i) { errors { code } } }"
    return not client.ask(query, {"i": {"by": by(key)}})["planErasure"]["errors"]
