"""Bulk resolution against libraries that only find connected components, on the same edges.

    python -m bench.bulk [--links 1000000] [--rounds 3]

Kith applies the whole resolution rule (tiers, limits, contested claims, shared identifiers; including the sort) to
arrays of links. The peers connect the links that are not excluded, each in a process of its own. The numbers of
components are compared first: every peer must find as many as Kith's first stage. Peers that take minutes run once.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.peers.unions import RULES
from bench.population import Population
from bench.report import Row, report_results, table
from graph.bulk.columns import ColumnBuilder
from graph.bulk.evidence import Links, links_of
from graph.bulk.keys import Keys
from graph.bulk.resolution import EXCLUDED, _connect, _flatten, resolve
from graph.domain.model.identifiers import Identifier

HERE = Path(__file__).parent
VENV = HERE.parent / ".venv-bench"
FAST = ("scipy", "union_find", "igraph", "rustworkx")
SLOW = ("networkx", "duckdb", "polars", "splink", "graphx")
TARGETS = {"scipy": 1.0, "igraph": 5.0, "networkx": 20.0}


def edges(links: int) -> tuple[Links, np.ndarray]:
    """Return the links of a population, and the rank of each identifier's namespace; codes are in the order of keys."""
    builder = ColumnBuilder()
    for seen in Population(links, 1):
        values = ((name, RULES.normalize_value(name, value)) for name, value in seen.keys)
        keys = sorted({Identifier(name, value).key for name, value in values if isinstance(value, str)})
        builder.add(seen.source, keys, 0, seen.at, None)
    columns = builder.columns()
    sorted_keys, code_of = Keys.of(builder.code)
    columns.codes = code_of[columns.codes]
    return links_of(columns, np.ones(columns.rows, bool), RULES.min_confidence), sorted_keys.ranks(RULES)


def save(file: Path, links: Links, rank: np.ndarray) -> np.ndarray:
    """Write the links that the peers connect, which are those that are not excluded; return them as a mask."""
    active: np.ndarray = resolve(links, rank, RULES).state != EXCLUDED
    np.savez(file, a=links.a[active], b=links.b[active], n=len(rank))
    return active


def run_peer(name: str, file: Path) -> tuple[float, int]:
    """Run a peer; return its seconds and its number of components."""
    command = [str(VENV / "bin" / "python"), str(HERE / "peers" / "connect.py"), name, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    return result["seconds"], result["components"]


def run_kith(links: Links, rank: np.ndarray) -> float:
    """Apply the whole rule; return the seconds."""
    begin = time.perf_counter()
    resolve(links, rank, RULES)
    return time.perf_counter() - begin


def install() -> None:
    """Install the peers into an environment of their own."""
    if not (VENV / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    requirements = HERE / "peers" / "requirements.txt"
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)


def rows(link_count: int, rounds: int) -> list[Row]:
    """Measure Kith against each peer, in links per second."""
    install()
    links, rank = edges(link_count)
    result: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "edges.npz"
        active = save(file, links, rank)
        group = np.arange(len(rank), dtype=np.int32)
        _connect(links.a, links.b, active, group)
        _flatten(group)
        components = len(np.unique(group))
        rates: list[float] = []
        for name in (*FAST, *SLOW):
            row = Row(f"bulk, {link_count:,} links, the whole rule", "links/s", rates, f"{name}, connects only", [])
            row.target = TARGETS.get(name)
            for _ in range(rounds if name in FAST else 1):
                seconds, count = run_peer(name, file)
                if count != components:
                    raise AssertionError(f"{name} finds {count} components, Kith {components}")
                row.peer_rates.append(len(links) / seconds)
                rates.append(len(links) / run_kith(links, rank))
            result.append(row)
    return result


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--record", action="store_true", help="write the results to RESULTS.md")
    chosen = options.parse_args()
    command = f"python -m bench.bulk --links {chosen.links} --rounds {chosen.rounds}"
    report_results("Bulk resolution", command, table(rows(chosen.links, chosen.rounds)), record=chosen.record)


if __name__ == "__main__":
    main()
