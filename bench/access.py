"""What access costs a view: with keys, roles and the audit log, against a service that is open to all.

    python -m bench.access [--quick] [--store neo4j://127.0.0.1:7687] [--record]

All sides read the same database. The bare Starlette endpoint checks the same key.
"""

import asyncio
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.report import Row, report_results, table
from bench.server import neo4j, parse_options
from bench.view import DOCUMENT, load
from bench.wrk import QUIET, rate, require_wrk, server_process
from graph.domain.model.identifiers import Identifier
from graph.stores.neo4j import Neo4jStore
from tools.neo4j.server import free_port

KEY = "0123456789abcdef0123456789abcdef"
WARM_SECONDS = 15
MOST = 0.95
"""The least ratio to the open service: access may cost 5 %."""


def rows(uri: str, keys: list[str], clients: list[int], rounds: int, seconds: int) -> list[Row]:
    """Measure the view with access on and off, and the bare endpoint, in turn."""
    python, result = sys.executable, []
    identifiers = [Identifier.from_key(key) for key in keys]
    variables = [{"i": {"namespace": namespace, "value": value}} for namespace, value in identifiers]
    documents = [json.dumps({"query": DOCUMENT, "variables": value}) for value in variables]
    bodies = {"Kith": documents, "open": documents, "bare": [json.dumps({"key": key}) for key in keys]}
    ports = {name: free_port() for name in bodies}
    paths = {"Kith": "/graphql", "open": "/graphql", "bare": "/view"}
    serve = [python, "-m", "service", "serve", "--store", uri, "--port"]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        closed = {"KITH_API_KEYS": f"bench:privacy:{KEY}", "KITH_AUDIT": str(Path(folder) / "audit")}
        urls = {
            "Kith": stack.enter_context(server_process([*serve, str(ports["Kith"])], ports["Kith"], **QUIET, **closed)),
            "open": stack.enter_context(server_process([*serve, str(ports["open"])], ports["open"], **QUIET)),
            "bare": stack.enter_context(
                server_process([python, "-m", "bench.bare", uri, str(ports["bare"]), KEY], ports["bare"])
            ),
        }

        def measure(name: str, count: int, duration: int) -> float:
            return rate(f"{urls[name]}{paths[name]}", bodies[name], count, duration, KEY)

        for name in bodies:
            measure(name, 8, WARM_SECONDS)
        for count in clients:
            rates: dict[str, list[float]] = {name: [] for name in bodies}
            for _ in range(rounds):
                for name in bodies:
                    rates[name].append(measure(name, count, seconds))
            text = f"view with access, {count} clients"
            result.append(Row(text, "views/s", rates["Kith"], "the same without keys", rates["open"], MOST))
            result.append(Row(text, "views/s", rates["Kith"], "bare endpoint, same key", rates["bare"], 0.8))
    return result


def main() -> None:
    """Measure and print."""
    chosen = parse_options(__doc__, quick="8 clients only, fewer customers and rounds")
    require_wrk()
    with neo4j(chosen.store) as uri:
        keys = asyncio.run(load(Neo4jStore(uri), 300 if chosen.quick else 2_000))
        clients, rounds, seconds = ([8], 4, 3) if chosen.quick else ([1, 8, 32], 5, 4)
        results = rows(uri, keys, clients, rounds, seconds)
    command = f"python -m bench.access{' --quick' if chosen.quick else ''}"
    report_results("Access", command, table(results), [], record=chosen.record)


if __name__ == "__main__":
    main()
