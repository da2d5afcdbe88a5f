"""Bulk resolution beside what only connects: the same edges, each in a process of its own.

    python -m bench.bulk [--links 1000000] [--rounds 3]

Kith's side resolves by the whole rule (tiers, limits, contested claims, sharing; sort included) from arrays of links;
the peers connect the links that are not idle. Numbers of components are compared first: what Kith's first stage
connects must be what every peer finds. Peers that would take minutes run once.
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
from bench.report import Row, table, tell
from graph.bulk.columns import Growing
from graph.bulk.evidence import Links, links_of
from graph.bulk.keys import Keys
from graph.bulk.resolution import IDLE, _connect, _flatten, resolve
from graph.domain.model.identifiers import Identifier

HERE = Path(__file__).parent
VENV = HERE.parent / ".venv-bench"
QUICK = ("scipy", "union_find", "igraph", "rustworkx")
SLOW = ("networkx", "duckdb", "polars", "splink", "graphx")
AIMS = {"scipy": 1.0, "igraph": 5.0, "networkx": 20.0}


def edges(links: int) -> tuple[Links, np.ndarray]:
    """The links of a population, and the rank of each identifier's namespace; codes are in the order of keys."""
    growing = Growing()
    for one in Population(links, 1):
        clean = ((name, RULES.clean(name, value)) for name, value in one.keys)
        keys = sorted({Identifier(name, value).key for name, value in clean if isinstance(value, str)})
        growing.add(one.source, keys, 0, one.at, None)
    columns = growing.columns()
    keys, place = Keys.of(growing.code)
    columns.codes = place[columns.codes]
    return links_of(columns, np.ones(columns.rows, bool), RULES.accept), keys.ranks(RULES)


def save(file: Path, links: Links, rank: np.ndarray) -> np.ndarray:
    """Write what the peers are to connect: the links that are not idle. Answers which these are."""
    active: np.ndarray = resolve(links, rank, RULES).state != IDLE
    np.savez(file, a=links.a[active], b=links.b[active], n=len(rank))
    return active


def peer(name: str, file: Path) -> tuple[float, int]:
    """Seconds and components of a peer."""
    command = [str(VENV / "bin" / "python"), str(HERE / "peers" / "connect.py"), name, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["components"]


def ours(links: Links, rank: np.ndarray) -> float:
    """Seconds of the whole rule."""
    begin = time.perf_counter()
    resolve(links, rank, RULES)
    return time.perf_counter() - begin


def install() -> None:
    """The peers, beside the product."""
    if not (VENV / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    requirements = HERE / "peers" / "requirements.txt"
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(requirements)], check=True)


def rows(links: int, rounds: int) -> list[Row]:
    """Kith against each peer, in links a second."""
    install()
    found, rank = edges(links)
    result: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "edges.npz"
        active = save(file, found, rank)
        group = np.arange(len(rank), dtype=np.int32)
        _connect(found.a, found.b, active, group)
        _flatten(group)
        components = len(np.unique(group))
        mine: list[float] = []
        for name in (*QUICK, *SLOW):
            row = Row(f"bulk, {links:,} links, the whole rule", "links/s", mine, f"{name}, connects only", [])
            row.reach = AIMS.get(name)
            for _ in range(rounds if name in QUICK else 1):
                seconds, count = peer(name, file)
                if count != components:
                    raise AssertionError(f"{name} finds {count} components, Kith {components}")
                row.theirs.append(len(found) / seconds)
                mine.append(len(found) / ours(found, rank))
            result.append(row)
    return result


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--links", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--record", action="store_true", help="write the figures into RESULTS.md")
    chosen = options.parse_args()
    command = f"python -m bench.bulk --links {chosen.links} --rounds {chosen.rounds}"
    tell("Bulk resolution", command, table(rows(chosen.links, chosen.rounds)), record=chosen.record)


if __name__ == "__main__":
    main()
