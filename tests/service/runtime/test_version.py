"""The output of `kith --version`, and the distribution's top-level modules."""

import importlib.metadata
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from typer.testing import CliRunner

from service.cli.main import app
from service.runtime import version

ROOT = Path(__file__).parents[3]


def test_the_command_prints_version_and_commit() -> None:
    # when
    result = CliRunner().invoke(app, ["--version"])
    # then
    assert result.exit_code == 0
    assert result.output.strip() == version.describe()
    assert re.fullmatch(r"kith \d+\.\d+\.\d+ \(([0-9a-f]{12}|unknown commit)\)", version.describe())


def test_a_folder_that_is_not_a_checkout_has_no_commit(tmp_path: Path) -> None:
    assert version.of_checkout(tmp_path) is None


def test_a_checkout_has_a_commit(tmp_path: Path) -> None:
    # given
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "First"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    # then
    assert version.of_checkout(tmp_path) == head.stdout[:12]


def test_a_wheel_contains_the_commit_it_was_built_from(tmp_path: Path) -> None:
    # given: a build without `.git`, as in an image
    commit = "0123456789abcdef0123456789abcdef01234567"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    # when
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, env={"SOURCE_COMMIT": commit, "PATH": "/nowhere"})
    # then
    (wheel,) = tmp_path.glob("kith_graph-*.whl")
    assert zipfile.ZipFile(wheel).read("service/runtime/commit.txt") == b"0123456789ab\n"


def test_no_other_distribution_ships_a_module_of_the_same_name() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in ("graph", "schema", "service"):
        assert set(owners.get(name, ())) <= {"kith-graph"}, f"{owners[name]} ship a top-level module {name}"
