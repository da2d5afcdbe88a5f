"""The machine and the versions that a result was measured with."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, str]:
    """Return machine, versions, commit and time, as text."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    cores = len([1 for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")])
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    dirty = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False)
    return {
        "machine": f"{cores} cores, {cpu}",
        "python": platform.python_version(),
        "neo4j driver": version("neo4j"),
        "neo4j-rust-ext": version("neo4j-rust-ext"),
        "strawberry": version("strawberry-graphql"),
        "commit": commit.stdout.strip() + (" (with changes)" if dirty.stdout.strip() else ""),
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
