"""Load a whole history into Neo4j, through files for its importer and through the server: links a second of each stage.

    python -m bench.backfill_files [--links 1000000] [--file HISTORY] [--heap-mb 2048] [--page-cache-mb 512]

Both ways read the same file in one run, each into an empty database of its own. CPU seconds are those of Kith and of
the importer; those of the server follow when it has stopped.
"""

import argparse
import asyncio
import gc
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import backfill
from bench.report import report_results
from graph.stores.neo4j import Neo4jStore
from service.bootstrap import wire
from service.cli.previews import show_progress
from service.config.settings import Settings
from service.ingest import backfill as loading
from service.ingest import import_files
from service.ingest.report import Report
from tools.neo4j import admin
from tools.neo4j.server import Server, configure, free_port

Sizes = Mapping[str, int]
STOPPED = "stop of the server, with its CPU"


class Stages:
    """The stages of one way, with their wall and CPU seconds."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, float]] = []
        self._last = time.perf_counter(), _cpu()

    def end(self, name: str) -> None:
        """End a stage; the next one begins."""
        now = time.perf_counter(), _cpu()
        wall, cpu = now[0] - self._last[0], now[1] - self._last[1]
        if self.rows and self.rows[-1][0] == name:
            _, wall_before, cpu_before = self.rows.pop()
            wall, cpu = wall + wall_before, cpu + cpu_before
        self.rows.append((name, wall, cpu))
        self._last = now

    def table(self, way: str, links: int) -> str:
        """Return the rows of a table."""
        lines = [
            f"| {way} | {name} | {wall:.1f} | {cpu:.1f} | {links / wall:,.0f} |"
            for name, wall, cpu in self.rows
            if wall >= 0.05
        ]
        loading_rows = [row for row in self.rows if row[0] not in ("prepare", "read", "resolve")]
        seconds = sum(wall for name, wall, _ in loading_rows if name != STOPPED)
        cpu = sum(cpu for _, _, cpu in loading_rows)
        return "\n".join(
            [
                *lines,
                f"| {way} | **all but reading and resolving** | {seconds:.1f} | {cpu:.1f} | {links / seconds:,.0f} |",
            ]
        )


def _cpu() -> float:
    """Return the CPU seconds of this process and of those that it started and that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


async def _run(
    settings: Settings, file: Path, stages: Stages, make: Callable[..., loading.Backfill]
) -> loading.Backfill:
    gc.disable()  # as the command does
    wiring = wire(settings)
    stage = "prepare"

    def on_progress(name: str, *_: int) -> None:
        nonlocal stage
        stages.end(name if name == stage else stage)
        stage = name

    try:
        return await loading.run(wiring, [file], Report(file.with_suffix(".rejected")), on_progress, make=make)
    finally:
        stages.end(stage)
        await wiring.graph.close()


def through_files(file: Path, folder: Path, home: Path, sizes: Sizes) -> tuple[Stages, loading.Backfill]:
    """Load a history through files; the database is in `home`."""
    stages = Stages()
    settings = Settings(store="neo4j://127.0.0.1:1", _env_file=None)
    import_files.prepare_folder(folder)
    make = partial(import_files.FileBackfill, folder=folder)
    result = asyncio.run(_run(import_files.settings_of_rest(settings, folder), file, stages, make))
    assert isinstance(result, import_files.FileBackfill)
    result.complete()
    stages.end("write")
    configure(home, free_port(), free_port(), **sizes)
    done = admin.import_files(home, folder, False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr)
    stages.end("neo4j-admin import")
    with Server(home, **sizes) as server:
        stages.end("start of the server")
        asyncio.run(import_files.finish(Settings(store=server.uri, _env_file=None), folder, show_progress))
        stages.end("finish-import")
    stages.end(STOPPED)
    return stages, result


async def _ready(uri: str) -> None:
    """Create the structure of an empty database; return when a server that was just started has planned a write."""
    store = Neo4jStore(uri)
    await import_files.when_available(lambda: store.get_value("ready"))
    await store.migrate()
    await import_files.when_available(lambda: store.put_value("ready", ""))
    await store.close()


def through_the_server(file: Path, home: Path, sizes: Sizes) -> tuple[Stages, loading.Backfill]:
    """Load a history through Bolt."""
    with Server(home, **sizes) as server:
        asyncio.run(_ready(server.uri))
        stages = Stages()
        result = asyncio.run(_run(Settings(store=server.uri, _env_file=None), file, stages, loading.Backfill))
    stages.end(STOPPED)
    return stages, result


def size_of(folder: Path) -> float:
    """Return the GiB of the files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**30


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--file", type=Path, help="a history, in place of a new one")
    options.add_argument("--home", type=Path, help="the folder of the database that is filled from files; it stays")
    options.add_argument("--heap-mb", type=int, default=2048)
    options.add_argument("--page-cache-mb", type=int, default=512)
    options.add_argument("--skip-server", action="store_true", help="load through files only")
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    sizes = {"heap_mb": chosen.heap_mb, "page_cache_mb": chosen.page_cache_mb}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.file or backfill.history(folder / "history.ndjson", chosen.links)
        home = chosen.home or folder / "offline"
        stages, result = through_files(file, folder / "files", home, sizes)
        rows = [stages.table("files", result.links)]
        print(*rows, flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        files, database = size_of(folder / "files"), size_of(home / "data" / "databases")
        about = (
            f"{result.links:,} links, {result.identifiers:,} identifiers. The files have {files:.2f} GiB, the database "
            f"{database:.2f} GiB. Peak memory while files are written: {peak:.2f} GiB. "
            f"Server: heap {chosen.heap_mb} MiB, page cache {chosen.page_cache_mb} MiB."
        )
        if not chosen.skip_server:
            stages, result = through_the_server(file, folder / "online", sizes)
            rows.append(stages.table("server", result.links))
    text = "\n".join(["| way | stage | wall, s | CPU, s | links/s |", "| --- " * 5 + "|", *rows, "", about])
    command = f"python -m bench.backfill_files --links {chosen.links}"
    report_results("Backfill through files, Neo4j", command, text, record=chosen.record)


if __name__ == "__main__":
    main()
