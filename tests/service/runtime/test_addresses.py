"""Addresses of clients and of other services."""

import pytest

from service.runtime.addresses import is_loopback, is_safe_address, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("<script>", ""),
    ],
)
def test_a_client_is_what_one_connection_has(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("host", "is_this"),
    [
        ("localhost", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:203.0.113.7", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_this_machine_has_several_names(host: str, is_this: bool) -> None:
    assert is_loopback(host) is is_this


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://login.example.com/keys", True),
        ("http://127.0.0.1:9000/keys", True),
        ("http://[::1]/keys", True),
        ("http://localhost/keys", True),
        ("http://localhost.example.com/keys", False),
        ("http://127.0.0.1.example.com/keys", False),
        ("http://login.example.com/keys", False),
        ("ftp://127.0.0.1/keys", False),
        ("https://", False),
        ("https://host:port/", False),
        ("https://[", False),
        ("https://name:secret@login.example.com/", False),
    ],
)
def test_requests_go_over_tls_or_to_this_machine(address: str, safe: bool) -> None:
    assert is_safe_address(address) == safe
