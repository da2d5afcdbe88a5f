"""The load over HTTP: services in processes of their own, and `wrk` in another."""

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

QUIET = {"KITH_POPULATION_SECONDS": "0"}
"""A service that counts nobody: fitting models of purchases takes a core for its first half minute."""
LUA = """
local bodies = {}
for line in io.lines(os.getenv("BODIES")) do bodies[#bodies + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
"""


def needed() -> None:
    """End where there is no `wrk`."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed for the load: apt-get install wrk")


@contextmanager
def served(command: list[str], port: int, ready: str = "/readyz", **environment: str) -> Iterator[str]:
    """A server as a process of its own; `ready` is a path that answers 200 once it serves."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
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


def rate(url: str, bodies: list[str], clients: int, seconds: int) -> float:
    """Requests a second; fails where any answer was not 2xx."""
    text = told(url, bodies, clients, seconds)
    found = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if found is None:
        raise AssertionError(text)
    return float(found[1])


def told(url: str, bodies: list[str], clients: int, seconds: int) -> str:
    """What `wrk` prints of posting bodies in turn, latencies included; fails where any answer was not 2xx."""
    needed()
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
        done = subprocess.run(
            command, env={**os.environ, "BODIES": f"{folder}/bodies"}, capture_output=True, text=True, check=True
        )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise AssertionError(done.stdout)
    return done.stdout


def percentiles(text: str) -> tuple[float, float]:
    """Milliseconds of the median and of the 99th percentile that `wrk` tells."""
    units = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    found = [re.search(rf"{part}%\s+([\d.]+)(us|ms|s)", text) for part in (50, 99)]
    middle, late = (float(one[1]) * units[one[2]] for one in found if one is not None)
    return middle, late
