"""What `kith serve` prints when it starts: version, store, profile, keys and address."""

from graph.domain.access.roles import Roles
from service.access.access_file import AccessFile
from service.access.authentication import Authenticator
from service.config import settings as settings_module
from service.config.settings import Settings
from service.runtime import version


def lines(settings: Settings, access: AccessFile, port: int) -> list[str]:
    """Return one line for each fact that an operator wants to see; none contains a secret. `port` is listened on."""
    return [
        version.describe(),
        f"Store: {settings.store}",
        f"Profile: {_profile(settings)}",
        f"API keys: {_keys(settings, access.roles)}",
        *([f"Tokens: {_issuers(settings, access)}"] if settings.access is not None else []),
        f"GraphQL: http://{settings.host}:{port}/graphql",
    ]


def _profile(settings: Settings) -> str:
    if settings.profile is not None:
        return f"{settings.profile} (KITH_PROFILE)"
    if settings.is_enabled(None):
        return "development (only this machine can connect, without a key)"
    return (
        "production (callers need keys or tokens)"
        if settings.on_loopback
        else "production (other machines can connect)"
    )


def _issuers(settings: Settings, access: AccessFile) -> str:
    return f"{', '.join(access.issuers) or 'of no issuer'} (from {settings.access})"


def _keys(settings: Settings, roles: Roles) -> str:
    names = Authenticator(settings.api_keys.get_secret_value(), settings.profile == "development", roles).names
    if not names and settings.access is not None:
        return "none"
    if not names:
        return "none, every program on this machine may call"
    return f"{', '.join(names)} (from {settings_module.origin('api_keys')})"
