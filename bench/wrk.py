"""Load over HTTP: `wrk`, and servers in processes of their own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tools.neo4j.guard import guard, release

QUIET = {"KITH_RFM_INTERVAL_SECONDS": "0"}
"""No RFM scores and predictions: fitting the models takes a core for the first half minute of a service."""
LUA = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""


def require_wrk() -> None:
    """Exit with a message if `wrk` is not installed."""
    if shutil.which("wrk") is None:
        sys.exit("the benchmarks require wrk: apt-get install wrk")


@contextmanager
def server_process(command: list[str], port: int, ready: str = "/readyz", **environment: str) -> Iterator[str]:
    """Run a server in a process of its own, and yield its URL. The path `ready` returns 200 when it is ready."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    guarding = guard(process.pid)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                if httpx.get(f"{url}{ready}").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()
        release(guarding)


def rate(url: str, bodies: list[str], clients: int, seconds: int, key: str = "") -> float:
    """Post bodies in turn, with a bearer key if there is one; return requests per second."""
    text = wrk_output(url, bodies, clients, seconds, key)
    match = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if match is None:
        raise AssertionError(text)
    return float(match[1])


def sent_once(url: str, bodies: list[str], clients: int, seconds: int) -> tuple[int, float]:
    """Post bodies in turn; return how many were answered, and the seconds that this took.

    It is an error if all bodies are sent before the time is up.
    """
    text = wrk_output(url, bodies, clients, seconds)
    match = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text)
    if match is None:
        raise AssertionError(text)
    done, took = int(match[1]), float(match[2]) / (1000 if match[3] == "ms" else 1)
    if done >= len(bodies):
        raise AssertionError(f"{len(bodies)} bodies are too few for {seconds} s")
    return done, took


def wrk_output(url: str, bodies: list[str], clients: int, seconds: int, key: str = "") -> str:
    """Post bodies in turn; return the output of `wrk`, with latencies. A response other than 2xx is an error."""
    require_wrk()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "post.lua").write_text(LUA)
        (Path(folder) / "bodies").write_text("\n".join(bodies) + "\n")
        command = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{seconds}s",
            "--timeout",
            "30s",
            "--latency",
            "-s",
            f"{folder}/post.lua",
            url,
        ]
        environment = {**os.environ, "BODIES": f"{folder}/bodies", "AUTHORIZATION": f"Bearer {key}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


def percentiles(text: str) -> tuple[float, float]:
    """Return the median and the 99th percentile that `wrk` reports, in milliseconds."""
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    matches = [re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text) for percent in (50, 99)]
    p50, p99 = (float(match[1]) * units[match[2]] for match in matches if match is not None)
    return p50, p99
