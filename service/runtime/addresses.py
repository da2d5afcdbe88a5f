"""Addresses of clients, and of services that Kith sends requests to."""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

_NETWORK_BITS = 64
"""A subscriber has a network of IPv6 of its own, and may use another address of it for each request."""
CACHE_SIZE = 4_096


@lru_cache(CACHE_SIZE)
def network_of(address: str) -> str:
    """Return what counts as one client by its address: of IPv6 the first 64 bits; empty for what is not an address.

    A socket for both versions names clients of IPv4 by addresses of IPv6, which count as those of IPv4.
    """
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
    return "" if parsed is None else str(parsed)


@lru_cache(CACHE_SIZE)
def is_loopback(host: str) -> bool:
    """Return whether a name or address is that of this machine."""
    parsed = _parsed(host)
    return host == "localhost" if parsed is None else parsed.is_loopback


def is_safe_address(address: str) -> bool:
    """Return whether an address may be requested: over TLS, or on this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
