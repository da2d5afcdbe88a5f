"""The hosts that requests may name: protects a service without keys from pages whose own name leads to it."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit


class AllowedHosts:
    """Names of hosts, without ports; `*.example.com` allows all names below `example.com`, and `*` all names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower().strip("[]") for name in names)
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))
        # The same few are asked for again and again.
        self.allows = lru_cache(maxsize=256)(self._allows)

    def _allows(self, header: bytes) -> bool:
        """Return whether a `Host` header names an allowed host."""
        if "*" in self._names:
            return True
        try:
            name = urlsplit(f"//{header.decode('ascii')}").hostname or ""
        except ValueError:
            return False
        return name in self._names or name.endswith(self._endings)
