"""How long it takes to explain: `why` in a component of 10,000 links, and `previewRules` on what is stored.

    python -m bench.explain                     why, in a new SQLite file
    python -m bench.explain --store sqlite:///big.db    previewRules on a store that was filled with `kith import`

Beside each stands what the plain parts take in the same run: reading the same rows, and resolving them from scratch.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from graph.domain.observations import SECOND, Observation
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from graph.stores.embedded import EmbeddedStore
from service.bootstrap import RandomIds, SystemClock, currencies, open_store
from service.rules_file import default_text, parse
from service.settings import Settings

LINKS = 10_000
LOOSE = default_text().replace('name = "crm_id"\nlimit = 1', 'name = "crm_id"\nlimit = 2')


def _graph(store: Store) -> IdentityGraph:
    return IdentityGraph(store, parse(default_text()), SystemClock(), RandomIds(), currencies(), parse)


async def why() -> None:
    """One person with 10,000 cookies, and another who had the last of them before."""
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "why.db")
        await store.migrate()
        graph = _graph(store)
        seen = [
            Observation("web", (("login", "collector"), ("cookie", f"cookie-{n}")), f"a{n}", seen_at=SECOND)
            for n in range(LINKS - 2)
        ]
        seen.append(Observation("web", (("login", "other"), ("cookie", "cookie-1")), "b", seen_at=0))
        seen.append(Observation("crm", (("login", "other"), ("email", "other@mail.example")), "c", seen_at=0))
        for start in range(0, len(seen), 1000):
            await graph.link(seen[start : start + 1000])
        for a, b in (("cookie=cookie-1", "cookie=cookie-9000"), ("login=collector", "login=other")):
            times = []
            for _ in range(5):
                begin = time.perf_counter()
                answer = await graph.why(a, b)
                times.append(time.perf_counter() - begin)
            print(f"why {a} {b}: {statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f})")
            print(f"  {answer.sentence}")
        await graph.close()


async def preview(uri: str) -> None:
    """Other rules on everything that is stored."""
    store = open_store(Settings(_env_file=None, store=uri))
    graph = _graph(store)
    await graph.open(default_text())
    begin = time.perf_counter()
    found = graph.preview_rules(LOOSE)
    while found.running:
        await found.wait(5)
        print(f"  {found.done} of {found.total} observations after {time.perf_counter() - begin:.0f} s", flush=True)
    print(f"previewRules on {found.total} observations: {time.perf_counter() - begin:.1f} s")
    print(f"  {found.difference}"[:300])
    begin, after, rows = time.perf_counter(), None, 0
    while page := await store.receipts(after, 1_000):
        after, rows = page[-1].key, rows + len(page)
    print(f"reading the same {rows} rows alone: {time.perf_counter() - begin:.1f} s")
    await graph.close()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="bench.explain", description=__doc__)
    parser.add_argument("--store", help="a filled store to preview rules on")
    asked = parser.parse_args()
    asyncio.run(preview(asked.store) if asked.store else why())
    return 0


if __name__ == "__main__":
    sys.exit(main())
