"""What `kith serve` prints when it starts: version, store, profile, keys and address."""

from service.access.authentication import Authenticator
from service.config import settings as settings_module
from service.config.settings import Settings
from service.runtime import version


def lines(settings: Settings, port: int) -> list[str]:
    """Return one line for each fact that an operator wants to see; none contains a secret. `port` is listened on."""
    return [
        version.describe(),
        f"Store: {settings.store}",
        f"Profile: {_profile(settings)}",
        f"API keys: {_keys(settings)}",
        f"GraphQL: http://{settings.host}:{port}/graphql",
    ]


def _profile(settings: Settings) -> str:
    if settings.profile is not None:
        return f"{settings.profile} (KITH_PROFILE)"
    if settings.is_enabled(None):
        return "development (only this machine can connect, without a key)"
    return "production (there are API keys)" if settings.on_loopback else "production (other machines can connect)"


def _keys(settings: Settings) -> str:
    names = Authenticator(settings.api_keys.get_secret_value(), settings.profile == "development").names
    if not names:
        return "none, every program on this machine may call"
    return f"{', '.join(names)} (from {settings_module.origin('api_keys')})"
