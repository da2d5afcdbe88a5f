"""A real Kafka broker without Docker: Maven fetches it, Java 17 runs it in KRaft mode, on 127.0.0.1.

    python -m tools.kafka.server --home .kafka --port 9092

Runs until it is interrupted, then stops the broker cleanly. If it is killed, the broker ends too. The log is in
HOME/kafka.log. Topics are not created by themselves, as on most production clusters. Standard library only.
"""

import argparse
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.neo4j.server import fetch, free_port, missing, require_free
from tools.server_process import CannotStart, ChildServer, ServerProcess

HERE = Path(__file__).parent
START_SECONDS = 180
CLUSTER_ID = "a2l0aC10ZXN0LWNsdXN0ZQ"
# The just-in-time compiler's first tier only: the broker starts three times as fast.
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


def lib_folder() -> Path:
    """Return the folder of the jars: outside the home folder, so that they are not fetched for each temporary home."""
    return Path(os.environ.get("KAFKA_LIB", HERE.parent.parent / ".kafka" / "lib"))


class Server(ChildServer):
    """The broker as a child process: a context manager that starts and stops it.

    `listeners` are further listeners: by name, the security protocol. Their addresses are in `addresses`. `settings`
    are further lines of the broker's configuration.
    """

    def __init__(
        self,
        home: Path,
        port: int = 0,
        listeners: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._home = home.absolute()
        self._ports = {"PLAINTEXT": port or free_port(), "CONTROLLER": free_port()}
        self._ports |= {name: free_port() for name in listeners or {}}
        self._protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **(listeners or {})}
        self._settings = dict(settings or {})
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self.brokers = self.addresses["PLAINTEXT"]

    def __enter__(self) -> "Server":
        if reason := missing():
            raise CannotStart(reason)
        for port in self._ports.values():
            require_free(port)
        fetch(lib_folder(), HERE / "pom.xml")
        self.start()
        return self

    def start(self) -> None:
        """Start the broker with the data that its home folder has."""
        self._home.mkdir(parents=True, exist_ok=True)
        data, configuration = self._home / "data", self._home / "server.properties"
        configuration.write_text("".join(f"{key}={value}\n" for key, value in self._lines(data).items()))
        classpath = [*JAVA, "-cp", f"{lib_folder()}/*"]
        if not (data / "meta.properties").exists():
            format_data = [*classpath, "kafka.tools.StorageTool", "format", "--standalone", "-t", CLUSTER_ID]
            result = subprocess.run(
                [*format_data, "-c", str(configuration)], capture_output=True, text=True, check=False
            )
            if result.returncode:
                raise CannotStart(f"the storage cannot be formatted: {(result.stdout + result.stderr).strip()[-500:]}")
        log = self._home / "kafka.log"
        self._process = ServerProcess([*classpath, "kafka.Kafka", str(configuration)], log, "the broker")
        self._process.wait_until(self._answers, START_SECONDS)

    def _lines(self, data: Path) -> dict[str, str]:
        client_addresses = {name: address for name, address in self.addresses.items() if name != "CONTROLLER"}
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": self.addresses["CONTROLLER"],
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join(f"{name}://{address}" for name, address in self.addresses.items()),
            "advertised.listeners": ",".join(f"{name}://{address}" for name, address in client_addresses.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in self._protocols.items()),
            "log.dirs": str(data),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            **self._settings,
        }

    def _answers(self) -> bool:
        """Whether the broker answers a request for the versions of its protocol."""
        request = struct.pack(">hhih", 18, 0, 1, -1)
        with socket.socket() as probe:
            probe.settimeout(1)
            try:
                probe.connect(("127.0.0.1", self._ports["PLAINTEXT"]))
                probe.sendall(struct.pack(">i", len(request)) + request)
                return len(probe.recv(4)) == 4
            except OSError:
                return False


def main() -> int:
    """Run the command line. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".kafka/home"), help="folder of the data, log and settings")
    parser.add_argument("--port", type=int, default=9092)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with Server(options.home, options.port, settings={"auto.create.topics.enable": "true"}) as server:
            print(f"Kafka is ready: {server.brokers}; Ctrl-C stops it", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("stopped")
    except CannotStart as error:
        print(f"Kafka cannot be started: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
