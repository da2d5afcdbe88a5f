"""A folder on an SFTP server. The extra `files`: paramiko."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, StringIO
from stat import S_ISREG

import paramiko
from paramiko.hostkeys import HostKeyEntry
from paramiko.ssh_exception import NoValidConnectionsError

from graph.domain.model.errors import InvalidInput
from service.destinations.files.folders import FolderError
from service.destinations.files.names import PART
from service.destinations.files.settings import FilesSettings

PORT = 22
KEEPALIVE_SECONDS = 30
_KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
_LOG = "kith.destinations.sftp"


class SftpFolder:
    """A folder on a server whose key is known. One connection is kept, and made again when it has ended.

    No agent and no keys of the user of this process are tried: only what the settings name.
    """

    def __init__(self, settings: FilesSettings) -> None:
        self._place, self._user = settings.place, settings.user
        self._port = self._place.port or PORT
        self._timeout = settings.timeout_seconds
        self._password = settings.password.get_secret_value() if settings.password else None
        self._key = _private_key(settings)
        self._host_keys = self._read_host_keys(settings)
        self._client: paramiko.SSHClient | None = None
        self._sftp: paramiko.SFTPClient | None = None
        # What the library reports of a connection that fails has stack traces; the error says what matters.
        logging.getLogger(_LOG).setLevel(logging.CRITICAL)

    def write(self, name: str, content: bytes) -> None:
        """Write a file beside its name, compare its size, and rename it."""
        with self._connected("written") as sftp:
            path, part = self._path(name), self._path(f"{name}{PART}")
            sftp.putfo(BytesIO(content), part, len(content), confirm=True)
            try:
                sftp.posix_rename(part, path)
            except OSError:
                # Servers other than OpenSSH's may not know it; the new name is not taken, so this one does the same.
                sftp.rename(part, path)

    def names(self) -> list[str]:
        """Return the names of files."""
        with self._connected("listed") as sftp:
            return [entry.filename for entry in sftp.listdir_attr(self._folder()) if S_ISREG(entry.st_mode or 0)]

    def check(self) -> None:
        """Log in, and look whether the folder is there."""
        with self._connected("reached") as sftp:
            sftp.stat(self._folder())

    def delete(self, names: list[str]) -> None:
        """Delete files."""
        with self._connected("cleaned") as sftp:
            for name in names:
                with suppress(FileNotFoundError):
                    sftp.remove(self._path(name))

    def close(self) -> None:
        """Close the connection."""
        client, self._client, self._sftp = self._client, None, None
        if client is not None:
            with suppress(Exception):
                client.close()

    @contextmanager
    def _connected(self, what: str) -> Iterator[paramiko.SFTPClient]:
        try:
            yield self._connection()
        except paramiko.AuthenticationException as error:
            self.close()
            raise FolderError(f"the server refused the login of {self._user}", login=True) from error
        except paramiko.BadHostKeyException as error:
            self.close()
            raise FolderError("the server has another host key than the expected one") from error
        except paramiko.SSHException as error:
            self.close()
            # Its messages are about the protocol: they have no secrets.
            raise FolderError(f"no connection to the server: {error}") from error
        except TimeoutError as error:
            self.close()
            raise FolderError(f"the server did not answer within {self._timeout:g} s") from error
        except EOFError as error:
            self.close()
            raise FolderError("the server closed the connection") from error
        except (NoValidConnectionsError, socket.gaierror) as error:
            self.close()
            reason = "its name is not known" if isinstance(error, socket.gaierror) else "nobody listens"
            raise FolderError(f"no connection to the server: {reason}") from error
        except FileNotFoundError as error:
            raise FolderError(f"the folder cannot be {what}: there is no such folder") from error
        except OSError as error:
            self.close()
            raise FolderError(f"the folder cannot be {what}: {error.strerror or error}") from error

    def _connection(self) -> paramiko.SFTPClient:
        transport = self._client.get_transport() if self._client is not None else None
        if self._sftp is not None and transport is not None and transport.is_active():
            return self._sftp
        self.close()
        client = self._client = paramiko.SSHClient()
        client.set_log_channel(_LOG)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        for entry in self._host_keys:
            for host in entry.hostnames:
                client.get_host_keys().add(host, entry.key.get_name(), entry.key)
        client.connect(
            self._place.host, self._port, self._user, self._password, self._key, allow_agent=False, look_for_keys=False,
            timeout=self._timeout, banner_timeout=self._timeout, auth_timeout=self._timeout,
            channel_timeout=self._timeout,
        )  # fmt: skip
        transport = client.get_transport()
        assert transport is not None
        transport.set_keepalive(KEEPALIVE_SECONDS)
        sftp = self._sftp = client.open_sftp()
        channel = sftp.get_channel()
        assert channel is not None
        channel.settimeout(self._timeout)
        return sftp

    def _folder(self) -> str:
        return self._place.path or "."

    def _path(self, name: str) -> str:
        return f"{self._place.path.rstrip('/')}/{name}" if self._place.path else name

    def _read_host_keys(self, settings: FilesSettings) -> list[HostKeyEntry]:
        if settings.host_key is not None:
            name = self._place.host if self._port == PORT else f"[{self._place.host}]:{self._port}"
            lines = [f"{name} {settings.host_key}"]
        else:
            assert settings.known_hosts is not None
            try:
                with open(settings.known_hosts, encoding="utf-8") as file:
                    lines = [line for line in file if line.strip() and not line.startswith("#")]
            except (OSError, UnicodeDecodeError) as error:
                raise _invalid(settings, "known_hosts", f"cannot be read: {type(error).__name__}") from error
        entries = []
        for line in lines:
            with suppress(Exception):
                if (entry := HostKeyEntry.from_line(line.strip())) is not None:
                    entries.append(entry)
        if not entries:
            setting = "known_hosts" if settings.host_key is None else "host_key"
            raise _invalid(settings, setting, "has no key such as 'ssh-ed25519 AAAA…'")
        return entries


def _private_key(settings: FilesSettings) -> paramiko.PKey | None:
    if settings.private_key is None:
        return None
    passphrase = settings.passphrase.get_secret_value() if settings.passphrase else None
    for type in _KEY_TYPES:
        with suppress(Exception):
            return type.from_private_key(StringIO(settings.private_key.get_secret_value() + "\n"), passphrase)
    expected = "is no private key of Ed25519, ECDSA or RSA in PEM or OpenSSH format, or passphrase does not open it"
    raise _invalid(settings, "private_key", expected)


def _invalid(settings: FilesSettings, setting: str, message: str) -> InvalidInput:
    return InvalidInput("INVALID_SETTING", f"destination {settings.name}: {setting} {message}")
