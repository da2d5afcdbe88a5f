"""A real S3-compatible server without Docker: Maven fetches S3Proxy, Java 17 runs it, on 127.0.0.1.

Objects are files in a folder, and signatures are checked. Standard library only.
"""

import os
import socket
from pathlib import Path

from tools.neo4j.server import fetch, free_port, missing, require_free
from tools.server_process import CannotStart, ChildServer, ServerProcess

HERE = Path(__file__).parent
START_SECONDS = 120
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-DLOG_LEVEL=warn")
ACCESS_KEY_ID = "kith-test-identity"
SECRET_ACCESS_KEY = "kith-test-credential"


def lib_folder() -> Path:
    """Return the folder of the archive: outside the home folder, so that it is not fetched for each temporary home."""
    return Path(os.environ.get("S3_LIB", HERE.parent.parent / ".s3" / "lib"))


class Server(ChildServer):
    """The server as a child process: a context manager that starts and stops it. It has one bucket."""

    def __init__(self, home: Path, bucket: str) -> None:
        self._home = home.absolute()
        self._port = free_port()
        self.objects = self._home / "buckets" / bucket
        """The folder of the bucket's objects."""
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Server":
        if reason := missing():
            raise CannotStart(reason)
        require_free(self._port)
        fetch(lib_folder(), HERE / "pom.xml")
        self.objects.mkdir(parents=True, exist_ok=True)
        settings = {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": ACCESS_KEY_ID,
            "s3proxy.credential": SECRET_ACCESS_KEY,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": "unused",
            "jclouds.credential": "unused",
            "jclouds.filesystem.basedir": str(self._home / "buckets"),
        }
        configuration = self._home / "s3proxy.properties"
        configuration.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        command = [*JAVA, "-cp", f"{lib_folder()}/*", "org.gaul.s3proxy.Main", "--properties", str(configuration)]
        self._process = ServerProcess(command, self._home / "s3proxy.log", "the S3 server")
        self._process.wait_until(self._answers, START_SECONDS)
        return self

    def _answers(self) -> bool:
        """Whether the server answers a request."""
        with socket.socket() as probe:
            probe.settimeout(1)
            try:
                probe.connect(("127.0.0.1", self._port))
                probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return probe.recv(4) == b"HTTP"
            except OSError:
                return False
