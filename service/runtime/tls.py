"""TLS to message brokers."""

import ssl
from pathlib import Path

from graph.domain.model.errors import InvalidInput


def tls_context(
    labels: tuple[str, str], ca: Path | None, certificate: Path | None, key: Path | None, password: str = ""
) -> ssl.SSLContext:
    """Return a context that verifies the server's certificate and name, and shows a certificate if there is one.

    `labels` are what the settings of `ca` and `certificate` are called. Raises `InvalidInput` that names the setting.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:  # also that of a file without certificates
        raise _unusable(labels[0], ca, error) from error
    if certificate is None:
        return context
    try:
        # Without a password OpenSSL would ask for it in the terminal.
        context.load_cert_chain(certificate, key, lambda: password)
    except (OSError, ValueError) as error:
        raise _unusable(labels[1], certificate, error) from error
    return context


def _unusable(setting: str, path: Path | None, error: Exception) -> InvalidInput:
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "it is not a PEM file"
    return InvalidInput("INVALID_SETTING", f"{setting}: {path} cannot be used: {reason}")
