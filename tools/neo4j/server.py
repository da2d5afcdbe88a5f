"""A real Neo4j Community server without Docker: Maven fetches it, Java 17 runs it, on 127.0.0.1 and without a password.

    python -m tools.neo4j.server --home .neo4j --bolt-port 7687 --http-port 7474

Runs until it is interrupted, then stops the server cleanly. If it is killed, the server ends too. The log is in
HOME/logs/neo4j.log. Standard library only.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.server_process import CannotStart, ChildServer, ServerProcess

HERE = Path(__file__).parent
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.lang")
START_SECONDS = 120
SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java's options for a server that soon ends: it takes a third less processor time, since little is optimized."""
HTTP_OFFSET = 7687 - 7474
"""The distance of the usual ports, so that another Bolt port moves both."""


def missing() -> str:
    """Return what the machine lacks to run the server; empty if nothing is missing."""
    programs = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"{' and '.join(programs)} not found" if programs else ""


def lib_folder() -> Path:
    """Return the folder of the jars: outside the home folder, so that they are not fetched for each temporary home."""
    return Path(os.environ.get("NEO4J_LIB", HERE.parent.parent / ".neo4j" / "lib"))


def fetch(lib: Path, pom_file: Path = HERE / "pom.xml") -> None:
    """Copy the jars that a server needs into a folder, unless this version is there already."""
    pom = pom_file.read_text()
    stamp = lib / "pom.xml"
    if stamp.exists() and stamp.read_text() == pom:
        return
    shutil.rmtree(lib, ignore_errors=True)
    copy = ["mvn", "-q", "-B", "-f", str(pom_file), "dependency:copy-dependencies", f"-DoutputDirectory={lib}"]
    result = subprocess.run(copy, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CannotStart(f"Maven could not fetch the server: {(result.stdout + result.stderr).strip()[-500:]}")
    stamp.write_text(pom)


def configure(home: Path, bolt: int, http: int, heap_mb: int, page_cache_mb: int, auth: bool = False) -> None:
    """Write the server's configuration. With `auth` it asks for a password: at first neo4j, which must be changed."""
    for name in ("conf", "data", "logs", "run", "plugins", "import", "certificates", "licenses", "lib"):
        (home / name).mkdir(parents=True, exist_ok=True)
    lines = {
        "server.default_listen_address": "127.0.0.1",
        "server.bolt.listen_address": f"127.0.0.1:{bolt}",
        "server.http.listen_address": f"127.0.0.1:{http}",
        "server.http.enabled": "true",
        "server.https.enabled": "false",
        "dbms.security.auth_enabled": "true" if auth else "false",
        "dbms.usage_report.enabled": "false",
        "server.memory.heap.initial_size": f"{heap_mb}m",
        "server.memory.heap.max_size": f"{heap_mb}m",
        "server.memory.pagecache.size": f"{page_cache_mb}m",
        "db.tx_log.rotation.retention_policy": "1 files",
    }
    (home / "conf" / "neo4j.conf").write_text("".join(f"{key}={value}\n" for key, value in lines.items()))


def require_free(port: int) -> None:
    """Raise `CannotStart` if another process listens on a port: its server would be taken for this one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(f"port {port} cannot be used: {error.strerror}") from error


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ChildServer):
    """The server as a child process: a context manager that starts and stops it."""

    def __init__(
        self,
        home: Path,
        bolt: int = 0,
        http: int = 0,
        heap_mb: int = 1024,
        page_cache_mb: int = 512,
        auth: bool = False,
        java_options: Sequence[str] = ("-XX:+UseG1GC",),
    ) -> None:
        self._home = home.absolute()
        self.bolt = bolt or free_port()
        self.http = http or free_port()
        self.uri = f"neo4j://127.0.0.1:{self.bolt}"
        self._sizes = heap_mb, page_cache_mb
        self._auth = auth
        self._java_options = java_options

    def __enter__(self) -> "Server":
        if reason := missing():
            raise CannotStart(reason)
        for port in (self.bolt, self.http):
            require_free(port)
        lib = lib_folder()
        fetch(lib)
        heap_mb, page_cache_mb = self._sizes
        configure(self._home, self.bolt, self.http, heap_mb, page_cache_mb, self._auth)
        command = ["java", f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", *self._java_options, "-cp", f"{lib}/*"]
        command += [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED]
        command += ["-Dfile.encoding=UTF-8", "org.neo4j.server.CommunityEntryPoint"]
        command += [f"--home-dir={self._home}", f"--config-dir={self._home / 'conf'}"]
        self._process = ServerProcess(command, self._home / "logs" / "neo4j.log", "the server")
        self._process.wait_until(self._answers, START_SECONDS)
        return self

    def _answers(self) -> bool:
        """Whether the server answers the handshake of Bolt: four versions are offered, it chooses one."""
        with socket.socket() as probe:
            probe.settimeout(1)
            try:
                probe.connect(("127.0.0.1", self.bolt))
                probe.sendall(bytes.fromhex("6060b017" + "00000405" + "00000005" + "00000004" + "00000000"))
                return len(probe.recv(4)) == 4
            except OSError:
                return False


def main() -> int:
    """Run the command line. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".neo4j/home"), help="folder of the data, logs and settings")
    parser.add_argument("--bolt-port", type=int, default=7687)
    parser.add_argument("--http-port", type=int, help=f"by default the Bolt port less {HTTP_OFFSET}")
    parser.add_argument("--heap-mb", type=int, default=1024)
    parser.add_argument("--page-cache-mb", type=int, default=512)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Server(
            options.home,
            options.bolt_port,
            options.http_port or options.bolt_port - HTTP_OFFSET,
            options.heap_mb,
            options.page_cache_mb,
        ) as server:
            print(f"Neo4j is ready: {server.uri} (browser http://127.0.0.1:{server.http}); Ctrl-C stops it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("stopped")
    except CannotStart as error:
        print(f"Neo4j cannot be started: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
