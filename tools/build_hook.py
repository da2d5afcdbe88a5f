"""Hatchling's build hook: records the commit in a wheel, for `kith --version`.

The commit is that of the checkout, or the environment variable SOURCE_COMMIT if the build has no `.git` (an image).
"""

import os
import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `service/runtime/commit.txt` to a wheel; an editable install reads the commit from git at run time."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the commit to a temporary file that the wheel includes."""
        commit = os.environ.get("SOURCE_COMMIT") or self._commit_of_checkout()
        if version == "editable" or not commit:
            return
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / "commit.txt"
        file.write_text(commit[:12] + "\n", encoding="utf-8")
        build_data["force_include"][str(file)] = "service/runtime/commit.txt"

    def _commit_of_checkout(self) -> str | None:
        # The build's environment has none of Kith's dependencies: the module is run by itself, not imported.
        version = runpy.run_path(str(Path(self.root) / "service" / "runtime" / "version.py"))
        commit: str | None = version["of_checkout"](Path(self.root))
        return commit
