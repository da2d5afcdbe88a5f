"""A real SFTP server, OpenSSH's, with a key of its own on a free port."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SETTINGS = """
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/pid
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
"""


class SftpServer:
    """OpenSSH's server; `batch` uploads by its client."""

    def __init__(self, folder: Path) -> None:
        if SSHD is None or shutil.which("sftp") is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("openssh-server or openssh-client is missing")
        self._folder = folder / "ssh"
        self._folder.mkdir()
        for name in ("host", "user"):
            key = str(self._folder / name)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.user = getpass.getuser()
        self.user_key = self._folder / "user"
        self.host_key = (self._folder / "host.pub").read_text().rsplit(" ", 1)[0]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        config = self._folder / "sshd_config"
        config.write_text(f"Port {self.port}\n" + SETTINGS.format(folder=self._folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where a server of the superuser separates its privileges
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(config)], stderr=(self._folder / "log").open("wb"), stdin=subprocess.DEVNULL
        )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.1)
        raise AssertionError("sshd does not listen after 60 s")

    def batch(self, *commands: str) -> None:
        """Carry out commands of `sftp`, all of which must succeed."""
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", f"IdentityFile={self.user_key}"]
        words = [word for option in options for word in ("-o", option)]
        address = f"{self.user}@127.0.0.1"
        done = subprocess.run(
            ["sftp", "-q", "-b", "-", "-P", str(self.port), *words, address],
            input="\n".join(commands) + "\n", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + (self._folder / "log").read_text()

    def wait_for(self, path: Path, process: "subprocess.Popen[bytes]") -> None:
        """Wait until a file is there, which a process brings about."""
        for _ in range(1_200):
            if path.exists():
                return
            assert process.poll() is None, "the process has ended"
            time.sleep(0.1)
        raise AssertionError(f"{path} is not there after 120 s")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
