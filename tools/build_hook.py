"""Hatchling's build hook: records the commit in a wheel, for `kith --version`.

The commit is that of the checkout, or the environment variable SOURCE_COMMIT if the build has no `.git` (an image).
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `service/runtime/commit.txt` to a wheel; an editable install reads the commit from git at run time."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the commit to a temporary file that the wheel includes."""
        commit = os.environ.get("SOURCE_COMMIT") or self._of_checkout()
        if version == "editable" or not commit:
            return
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / "commit.txt"
        file.write_text(commit[:12] + "\n", encoding="utf-8")
        build_data["force_include"][str(file)] = "service/runtime/commit.txt"

    def _of_checkout(self) -> str | None:
        if not (Path(self.root) / ".git").exists():
            return None
        try:
            result = subprocess.run(
                ["git", "-C", self.root, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return result.stdout.strip()
