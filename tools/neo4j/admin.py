"""Dumps, loads, checks and fills the database of a stopped server that `tools/neo4j/server.py` started.

    python -m tools.neo4j.admin dump --home .neo4j/home --to /backups
    python -m tools.neo4j.admin check --home .neo4j/home
    python -m tools.neo4j.admin load --home .neo4j/home --from /backups --force
    python -m tools.neo4j.admin import --home .neo4j/home --from /import --force

This is Neo4j's own `neo4j-admin`, run from the server's jars. A dump is FOLDER/neo4j.dump. Standard library only.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools.neo4j.server import OPENED, CannotStart, fetch, lib_folder, missing

MAIN = "org.neo4j.cli.AdminTool"


def run(home: Path, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `neo4j-admin database` with these words on the database of a home folder, in `folder` if it is given.

    Raises `CannotStart`.
    """
    if reason := missing():
        raise CannotStart(reason)
    home = home.absolute()
    if not (home / "conf" / "neo4j.conf").is_file():
        raise CannotStart(f"{home} is not the home folder of a server")
    lib = lib_folder()
    fetch(lib)
    command = ["java", "-Xmx1g", "-cp", f"{lib}/*", *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED)]
    environment = {**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")}
    return subprocess.run(
        [*command, MAIN, "database", *words], env=environment, capture_output=True, text=True, check=False, cwd=folder
    )


def dump(home: Path, to: Path, force: bool) -> subprocess.CompletedProcess[str]:
    """Write a dump into a folder."""
    return run(
        home, "dump", "neo4j", f"--to-path={to.absolute()}", *(["--overwrite-destination=true"] if force else [])
    )


def load(home: Path, source: Path, force: bool) -> subprocess.CompletedProcess[str]:
    """Load the dump of a folder."""
    words = [f"--from-path={source.absolute()}", *(["--overwrite-destination=true"] if force else [])]
    return run(home, "load", "neo4j", *words)


def import_files(home: Path, source: Path, force: bool) -> subprocess.CompletedProcess[str]:
    """Fill the database with the files of a folder, which holds the importer's options as `import.args`."""
    words = ["@import.args", f"--report-file={home.absolute() / 'logs' / 'import.report'}"]
    return run(
        home,
        *("import", "full", "neo4j", *words, *(["--overwrite-destination=true"] if force else [])),
        folder=source.absolute(),
    )


def check(home: Path) -> subprocess.CompletedProcess[str]:
    """Check the files of the database; the report of a damaged one is in the folder `logs`."""
    return run(home, "check", "neo4j", f"--report-path={home.absolute() / 'logs'}")


def main() -> int:
    """Run the command line. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("dump", "load", "import", "check"):
        command = commands.add_parser(name)
        command.add_argument("--home", type=Path, default=Path(".neo4j/home"), help="home folder of the server")
        if name != "check":
            option = "--to" if name == "dump" else "--from"
            command.add_argument(option, dest="folder", type=Path, required=True, help="folder of the files")
            command.add_argument("--force", action="store_true", help="replace what is there")
    options = parser.parse_args()
    try:
        match options.command:
            case "dump":
                done = dump(options.home, options.folder, options.force)
            case "load":
                done = load(options.home, options.folder, options.force)
            case "import":
                done = import_files(options.home, options.folder, options.force)
            case _:
                done = check(options.home)
    except CannotStart as error:
        print(f"Neo4j cannot be administered: {error}", file=sys.stderr)
        return 1
    print(done.stdout + done.stderr, end="", file=sys.stderr if done.returncode else sys.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
