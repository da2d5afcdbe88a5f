"""Keys of each role, for a service in the development profile."""

from typing import Any

from graph.domain.access.roles import ROLES

KEYS = {role: f"{role}-key-of-a-test".ljust(16, "x") for role in ROLES}
SETTINGS: dict[str, Any] = {
    "profile": "development",
    "api_keys": ",".join(f"{role}-1:{role}:{key}" for role, key in KEYS.items()),
}
"""The settings of a service with a caller for each role, named such as `till-1`."""


def bearer(role: str) -> dict[str, str]:
    """The header that signs in the caller of a role."""
    return {"authorization": f"Bearer {KEYS[role]}"}
