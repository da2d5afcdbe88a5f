"""What `kith serve` does before it listens: it finds out which keys there are, and prints what is in effect."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from graph.domain.model.errors import InvalidInput, KithError, StoreUnavailable
from service.access import access_file, stored_keys
from service.access.access_file import AccessFile
from service.access.authentication import configured_keys
from service.bootstrap import (
    SystemClock,
    audit_folder,
    erasure_key_file,
    erasure_ledger_path,
    open_store,
    sqlite_path,
    why_erasure_is_off,
)
from service.config import connectors_file, destinations_file
from service.config import settings as settings_module
from service.config.settings import Settings
from service.destinations.types import MODELS
from service.runtime import version

READ_SECONDS = 5.0
"""How long reading the keys of the store may take before the service starts without knowing them."""

MAX_NAMES = 20
"""How many sources, or destinations, are named; one line is not to be longer than a screen."""


class KnownKeys(Struct, frozen=True):
    """The names of the callers that have keys, in `KITH_API_KEYS` and in the store.

    `stored` is `None` if the store cannot be read. `ever_stored` is true if it has, or had, a key.
    """

    configured: tuple[str, ...]
    stored: tuple[str, ...] | None
    ever_stored: bool = False
    problem: str = ""
    """Why the store cannot be read."""

    def apply(self, settings: Settings) -> Settings:
        """Return the settings of a service with these keys. Raises `InvalidInput` if keys are required and missing."""
        if not settings.on_loopback and not self.configured and self.stored == () and settings.access is None:
            message = (
                f"KITH_HOST: {settings.host} is not a loopback address, so keys are required: make one with "
                "`kith keys add`, or set KITH_API_KEYS or KITH_ACCESS"
            )
            raise InvalidInput("INVALID_SETTING", message)
        return settings.requiring_keys() if self.ever_stored or self.stored is None else settings


def known_keys(settings: Settings) -> KnownKeys:
    """Return the keys that there are. Raises `InvalidInput` for an invalid setting."""
    configured = configured_keys(
        settings.api_keys.get_secret_value(), settings.profile == "development", access_file.read(settings.access).roles
    )
    names = tuple(dict.fromkeys(signed_in.viewer.caller for signed_in in configured.values()))
    path = sqlite_path(settings)
    if path is not None and not path.exists():
        return KnownKeys(names, ())
    return asyncio.run(_read(settings, names))


def as_service(settings: Settings) -> Settings:
    """Return the settings that a service on the same store has: its keys, too, decide the profile.

    Raises `InvalidInput` for an invalid setting, and `StoreUnavailable` if the store cannot be read: it may have keys.
    """
    if settings.profile is not None or settings.requires_keys:
        return settings
    known = known_keys(settings)
    if known.stored is None:
        raise StoreUnavailable(known.problem)
    return known.apply(settings)


async def _read(settings: Settings, configured: tuple[str, ...]) -> KnownKeys:
    store = open_store(settings, read_only=True)
    try:
        async with asyncio.timeout(READ_SECONDS):
            if (await store.migrations()).empty:
                return KnownKeys(configured, ())
            text = await store.get_value(stored_keys.DOCUMENT)
        now = SystemClock().now()
        stored = dict.fromkeys(key.name for key in stored_keys.parse(text) if key.state(now) == "valid")
        return KnownKeys(configured, tuple(stored), text is not None)
    except KithError as error:
        return KnownKeys(configured, None, problem=error.message)
    except TimeoutError:
        return KnownKeys(configured, None, problem=f"the store did not answer within {READ_SECONDS:g} s")
    finally:
        await store.close()


def lines(settings: Settings, known: KnownKeys, access: AccessFile, port: int) -> list[str]:
    """Return one line for each fact that an operator wants to see; none contains a secret. `port` is listened on."""
    return [
        version.describe(),
        f"Store: {settings.store}",
        f"Profile: {_profile(settings, known)}",
        f"API keys: {_keys(settings, known)}",
        *([f"Tokens: {_issuers(settings, access)}"] if settings.access is not None else []),
        f"Audit log: {audit_folder(settings) or 'none'}",
        f"Erasure: {_erasure(settings)}",
        f"Retention: {settings.retention or 'nothing expires: KITH_RETENTION names no file'}",
        *([f"OpenDSR: as {settings.opendsr} says"] if settings.opendsr is not None else []),
        *([f"Connectors: {_sources(settings.connectors)}"] if settings.connectors is not None else []),
        *([f"Destinations: {_destinations(settings.destinations)}"] if settings.destinations is not None else []),
        f"GraphQL: http://{settings.host}:{port}/graphql",
    ]


def _sources(path: Path) -> str:
    return _listed(path, [f"/in/{source.name}" for source in connectors_file.read(path)])


def _destinations(path: Path) -> str:
    return _listed(path, [destination.name for destination in destinations_file.read(path, MODELS)])


def _listed(path: Path, names: Sequence[str]) -> str:
    others = f" and {len(names) - MAX_NAMES} others" if len(names) > MAX_NAMES else ""
    return f"{path}: {', '.join(names[:MAX_NAMES]) or 'none'}{others}"


def _profile(settings: Settings, known: KnownKeys) -> str:
    if settings.profile is not None:
        return f"{settings.profile} (KITH_PROFILE)"
    if settings.is_enabled(None):
        return "development (only this machine can connect, without a key)"
    if not settings.on_loopback:
        return "production (other machines can connect)"
    if settings.access is not None:
        return "production (callers need keys or tokens)"
    unknown = known.stored is None and not known.configured
    return f"production ({'there may be API keys in the store' if unknown else 'there are API keys'})"


def _issuers(settings: Settings, access: AccessFile) -> str:
    return f"{', '.join(access.issuers) or 'of no issuer'} (from {settings.access})"


def _erasure(settings: Settings) -> str:
    if why := why_erasure_is_off(settings):
        return f"not available: {why}"
    return f"keys {erasure_key_file(settings).path}, ledger {erasure_ledger_path(settings)}"


def _keys(settings: Settings, known: KnownKeys) -> str:
    parts: list[str] = []
    if known.configured:
        parts.append(f"{', '.join(known.configured)} (from {settings_module.origin('api_keys')})")
    if known.stored:
        parts.append(f"{', '.join(known.stored)} (in the store)")
    if known.stored is None:
        parts.append("those of the store are not known yet, because it cannot be read")
    if not parts and settings.access is not None:
        parts.append("none")
    if not parts:
        parts.append(
            "none is valid, so every request is refused"
            if settings.requires_keys
            else "none, every program on this machine may call"
        )
    return "; ".join(parts)
