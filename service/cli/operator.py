"""Who runs a command that shows people: a user of the machine, who may read the store and leaves an entry.

Whoever can open the store may read all of it, so the viewer of a command sees everything. In the production profile it
states a purpose, and what it was shown is recorded before it is printed.
"""

import getpass
from collections.abc import Iterable
from typing import Annotated

import typer

from graph.domain.access.accessed import Accessed
from graph.domain.access.roles import DEVELOPER, ROLES
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput
from service.audit.recorder import Kind
from service.bootstrap import open_audit
from service.cli.startup import as_service
from service.config.settings import Settings

PRODUCTION_ROLE = "privacy"
"""The role of a user of the machine where keys or the production profile are configured."""

Purpose = Annotated[
    str, typer.Option(help="What the data is read for, for the audit log. The production profile requires it.")
]
Reason = Annotated[str, typer.Option(help="Why the data is read, for the audit log.")]


class Operator:
    """The user who runs `command`. Raises `InvalidInput` if values are shown in production without a purpose."""

    def __init__(
        self, settings: Settings, command: str, purpose: str = "", reason: str = "", shows_values: bool = True
    ) -> None:
        settings = as_service(settings)
        development = settings.is_enabled(None)
        if shows_values and not development and not purpose:
            message = "the production profile requires --purpose: what the data of people is read for"
            raise InvalidInput("INVALID_VALUE", message, ("purpose",))
        role = DEVELOPER if development else ROLES[PRODUCTION_ROLE]
        self._settings, self._command = settings, command
        self.viewer = Viewer(
            user(), role.name, role.scopes, role.reach, party=role.party, purpose=purpose, reason=reason
        )

    def record(self, accessed: Accessed, kind: Kind = "read") -> None:
        """Record what the command is about to show. Raises `AuditUnavailable`, and `InvalidInput` without a folder."""
        audit = open_audit(self._settings)
        if audit is None:
            return
        try:
            audit.recorder.command(self.viewer, self._command, accessed, kind)
        finally:
            audit.close()

    def record_customers(self, ids: Iterable[str]) -> None:
        """Record the ids of the customers that the command is about to show."""
        self.record(Accessed(customers=dict.fromkeys(ids)))


def user() -> str:
    """Return the user of the machine as a caller."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may run as a user without a name.
        return "cli:unknown"
