"""`kith backfill --import-files` and `kith finish-import`: a database from files equals one that was loaded."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.store_values import Writes
from graph.domain.model.stored_records import StoredValue
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.ports import IMPORTING, LOADING, Work, Write
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from graph.verification.scratch import Scratch
from graph.verification.verify import verify
from service.cli.previews import show_progress
from service.config import rules_file
from service.config.settings import Settings
from service.ingest import backfill, load_portions
from service.ingest.import_files import MANIFEST, REST, FileBackfill, Manifest, finish, prepare_folder, settings_of_rest
from service.ingest.report import Report
from tests.builders.clients import Client, identifiers
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import wipe
from tests.builders.transfers import comparable, exported
from tools.neo4j import admin
from tools.neo4j.server import SHORT_RUN, Server, configure, free_port

NOW = 1_800_000_000_123_456
SIZES = {"heap_mb": 512, "page_cache_mb": 64}
ANN, DAY = "email=ann@example.com", "2026-01-01T00:00:00Z"
DATABASE = Settings(store="neo4j://127.0.0.1:1", _env_file=None)
TERMS = 'terms, "quoted", ünïcode \\ and\na second line; a third'


def history() -> Iterator[dict[str, Any]]:
    """Lines of every kind, with every state of a link, a large customer, and texts that CSV could damage."""
    yield {"source": "crm", "id": 'a "1", é\\', "seenAt": DAY, "identifiers": identifiers("crm_id=A1", ANN)}
    yield {
        "source": "x;\ny\r\tz\x1f",
        "id": "2",
        "seenAt": DAY,
        "identifiers": identifiers(ANN, 'loyalty_card=A "9", ;\\'),
    }
    yield {
        "source": "crm",
        "id": "3",
        "seenAt": "1969-12-31T23:59:59.999999Z",
        "identifiers": identifiers("crm_id=B2", ANN),
    }
    yield {
        "source": "dmp",
        "id": "4",
        "seenAt": DAY,
        "confidence": 0.3,
        "identifiers": identifiers("device=d-4711", ANN),
    }
    yield {
        "source": "dmp",
        "id": "5",
        "seenAt": DAY,
        "confidence": 0.95,
        "identifiers": identifiers("device=d-4712", ANN),
    }
    for number in range(230):
        cookies = identifiers("login=big", f"cookie=ck-big-{number}")
        yield {"source": "web", "id": f"big-{number}", "seenAt": DAY, "identifiers": cookies}
    for number in range(25):
        yield {
            "source": "till",
            "id": f"ip-{number}",
            "seenAt": DAY,
            "identifiers": identifiers(f"crm_id=S{number}", "ip=192.0.2.7"),
        }
    order = {"source": "shop", "number": "W-7", "placedAt": "1969-07-20T20:17:40.0015Z", "currency": "EUR"}
    yield {**order, "reportedAt": DAY, "total": "12.50", "identifiers": identifiers(ANN)}
    yield {**order, "reportedAt": "2026-01-02T00:00:00Z", "total": "0.1", "refunded": "0.05", "status": "returned"}
    yield {"source": "erp", "number": "H-1", "placedAt": DAY, "reportedAt": DAY, "total": "5", "currency": "EUR"}
    attributes = {"given_name": 'Ann "A", B', "address": {"city": "Köln"}, "birth_date": "1980-05-04"}
    yield {"source": "crm", "reportedAt": DAY, "attributes": attributes, "identifiers": identifiers("crm_id=A1")}
    yield {
        "source": "crm",
        "reportedAt": DAY,
        "attributes": {"given_name": None},
        "identifiers": identifiers("login=big"),
    }
    page = {
        "source": "web",
        "type": "product_viewed",
        "occurredAt": DAY,
        "sku": "S,1",
        "channel": "",
        "campaign": 'c"1',
    }
    yield {
        **page,
        "text": "hello,\nthere",
        "properties": {"a": ["b", "c;d"]},
        "identifiers": identifiers("cookie=ck-big-1", "login=big"),
    }
    consent = {"source": "crm", "purpose": "newsletter", "decision": "given", "channel": "email", "policyText": TERMS}
    yield {**consent, "decidedAt": DAY, "identifiers": identifiers(ANN)}
    yield {"source": "dmp", "segment": "buyers", "reportedAt": DAY, "identifiers": identifiers(ANN)}
    yield {
        "source": "crm",
        "id": "gone",
        "seenAt": DAY,
        "identifiers": identifiers("email=gone@example.com", "crm_id=G1"),
    }
    yield {"source": "crm", "id": "3", "seenAt": DAY, "identifiers": identifiers("crm_id=B3")}


def put(writes: Writes) -> Work[None]:
    yield Write(writes)


def fill(store: Neo4jStore | SQLiteStore, run: Run, file: Path, make: Any) -> backfill.Backfill:
    """Backfill a history into a store that knows of an erasure."""
    safeguards = ListSafeguards()
    wiring = Client(store, run, safeguards=safeguards).wiring
    run(wiring.prepare())
    hashes = [safeguards.keys().hash(key) for key in ("email=gone@example.com", "order=H-1")]
    tombstones = [Tombstone(hash, "email", NOW + 10**15, TombstoneMode.SUPPRESSED, 1, 0) for hash in hashes]
    held = HeldOrder(hashes[1], "H-1", "erp", 1, "{}", 2**60, "ers_1")
    run(store.write(lambda: put(Writes(tombstones=tombstones, held_orders=[held]))))
    report = Report(file.with_name("report.ndjson"))
    return run(backfill.run(wiring, [file], report, lambda *_: None, caller="cli:sue", make=make))


def raw(store: Neo4jStore, run: Run) -> list[str]:
    """All nodes with labels and properties, all relationships with their ends, and all indexes, as texts.

    The secret of references is random, and migrations and rules have the times at which they were stored.
    """
    unequal = "n:Migration OR n:Rules OR n:StoredValue AND n.name = 'references'"
    nodes = run(store._read(f"MATCH (n) WHERE NOT ({unequal}) RETURN labels(n), properties(n)"))
    edges = run(store._read("MATCH (a)-[r]->(b) RETURN properties(a), type(r), properties(r), properties(b)"))
    ids = {node[1]["node_id"]: node[1]["id"] for node in nodes if "node_id" in node[1]}

    def plain(values: dict[str, Any]) -> str:
        # Random, and what refers to it.
        values = {name: ids.get(value, value) if name == "customer_node" else value for name, value in values.items()}
        return json.dumps({name: values[name] for name in sorted(values) if name != "node_id"}, default=repr)

    texts = [f"{sorted(labels)} {plain(values)}" for labels, values in nodes]
    texts += [f"{plain(a)} {type} {plain(values)} {plain(b)}" for a, type, values, b in edges]
    shown = run(store._read("SHOW INDEXES YIELD name, state, type, labelsOrTypes, properties"))
    return sorted([*texts, *(repr(list(row.values())) for row in shown if row["type"] != "LOOKUP")])


def records(store: Neo4jStore, run: Run) -> list[str]:
    """Everything that is exported, but for the secret of references."""
    found = exported(store, run)
    return comparable([it for it in found if not (isinstance(it, StoredValue) and it.name == "references")])


def files_of(folder: Path, run: Run) -> Manifest:
    """Complete files of one line."""
    prepare_folder(folder)
    file = folder.with_suffix(".ndjson")
    file.write_text(json.dumps(next(history())) + "\n", "utf-8")
    rest = SQLiteStore(folder / REST)
    written = fill(rest, run, file, partial(FileBackfill, folder=folder))
    run(rest.close())
    return written.complete()


@pytest.mark.neo4j
@pytest.mark.timeout(900)
def test_a_database_from_files_equals_one_that_was_loaded(
    neo4j_store: Neo4jStore, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: ids and times that are the same in both
    monkeypatch.setattr(backfill.SystemClock, "now", lambda self: NOW)
    monkeypatch.setattr(load_portions.secrets, "token_hex", lambda size: "5e" * size)
    file, folder, home = tmp_path / "history.ndjson", tmp_path / "files", tmp_path / "home"
    file.write_text("".join(json.dumps(line) + "\n" for line in history()), "utf-8")
    run(wipe(neo4j_store))
    loaded = fill(neo4j_store, run, file, backfill.Backfill)
    # when
    prepare_folder(folder)
    rest = SQLiteStore(folder / REST)
    written = fill(rest, run, file, partial(FileBackfill, folder=folder))
    assert isinstance(written, FileBackfill)
    written.complete()
    run(rest.close())
    configure(home, free_port(), free_port(), **SIZES)
    done = admin.import_files(home, folder, False)
    assert done.returncode == 0, done.stdout + done.stderr
    with Server(home, **SIZES, java_options=SHORT_RUN) as server:
        settings = Settings(store=server.uri, _env_file=None)
        store = Neo4jStore(server.uri)
        # then
        manifest = run(finish(settings, folder, show_progress))
        assert manifest.counts["Identifier"] == loaded.identifiers
        assert (written.counts.accepted, written.links) == (loaded.counts.accepted, loaded.links)
        assert raw(store, run) == raw(neo4j_store, run)
        assert records(store, run) == records(neo4j_store, run)
        with Scratch() as scratch:
            assert run(verify(store, scratch, rules_file.parse, lambda _: None, lambda _: None)).report.clean
        with pytest.raises(StoreNotEmpty, match="finished before"):
            run(finish(settings, folder, show_progress))
        run(store.close())


@pytest.mark.neo4j
def test_a_database_that_was_not_filled_from_the_files_is_refused(
    neo4j_store: Neo4jStore, run: Run, tmp_path: Path
) -> None:
    # given
    run(wipe(neo4j_store))
    folder = tmp_path / "files"
    manifest = files_of(folder, run)
    settings = Settings(store=neo4j_store.uri, _env_file=None)
    # when / then: empty
    with pytest.raises(StoreUnavailable, match=r"neo4j-admin database import full neo4j @import\.args"):
        run(finish(settings, folder, show_progress))
    # and filled from other files
    run(neo4j_store.begin_load(IMPORTING + "others"))
    with pytest.raises(InvalidInput, match="was not filled from the files"):
        run(finish(settings, folder, show_progress))
    # and with only some of them
    run(neo4j_store.put_value(LOADING, manifest.progress))
    with pytest.raises(InvalidInput, match=r"holds 0 [A-Za-z]+, the files"):
        run(finish(settings, folder, show_progress))
    run(neo4j_store.end_load())


def test_what_an_interrupted_run_left_is_replaced_and_complete_files_are_not(run: Run, tmp_path: Path) -> None:
    # given
    folder = tmp_path / "files"
    prepare_folder(folder)
    for name in ("identifier.csv", REST, f"{REST}-wal"):
        (folder / name).write_text("half a line")
    # when
    prepare_folder(folder)
    # then
    assert list(folder.iterdir()) == []
    files_of(folder, run)
    with pytest.raises(InvalidInput, match="holds complete import files"):
        prepare_folder(folder)


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InvalidInput, match=r"is not empty: it holds letter\.txt"):
        prepare_folder(tmp_path)
    with pytest.raises(InvalidInput, match="cannot be written"):
        prepare_folder(tmp_path / "letter.txt")


def test_incomplete_files_and_those_of_another_version_are_refused(run: Run, tmp_path: Path) -> None:
    # given
    folder = tmp_path / "files"
    with pytest.raises(InvalidInput, match="holds no complete import files"):
        run(finish(DATABASE, folder, show_progress))
    files_of(folder, run)
    values = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(values | {"structure": "another"}))
    # when / then
    with pytest.raises(InvalidInput, match="another version of Kith"):
        run(finish(DATABASE, folder, show_progress))


def test_files_are_for_neo4j_with_its_own_keys_and_ledger(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="import files are for Neo4j"):
        settings_of_rest(Settings(store="sqlite:///kith.db", _env_file=None), tmp_path)
    rest = settings_of_rest(DATABASE, tmp_path)
    assert rest.store == f"sqlite:///{tmp_path / REST}"
    assert (rest.erasure_ledger, rest.erasure_keys) == (
        Path("kith-erasures.ndjson").absolute(),
        Path("kith-erasure-keys").absolute(),
    )
