"""Viewers of every role, and a client that sends requests as one of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from graph.domain.access.roles import ROLES
from graph.domain.access.viewer import Viewer
from graph.ports import Store
from service.access.signed_in import SignedIn
from service.ingest.file_formats import open_file
from service.ingest.importer import ImportRun
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report
from tests.builders.clients import Client
from tests.builders.repository import ROOT
from tests.builders.runs import Run

SHOP = ROOT / "examples" / "shop"


def viewer(role: str, *more: str, **values: Any) -> Viewer:
    """A viewer of a role, with more scopes than the role has and other values."""
    of_role = ROLES[role]
    made = {"caller": role, "role": role, "scopes": of_role.scopes | set(more), "reach": of_role.reach}
    return Viewer(**{**made, "party": of_role.party, **values})


class ViewerClient(Client):
    """Sends requests as the viewer that is named in `as_`; without one, as a caller that may do everything."""

    def __init__(self, store: Store, run: Run, **settings: Any) -> None:
        super().__init__(store, run, **settings)
        self._viewers: dict[str, Viewer] = {}
        sign_in = self.endpoint.authenticator.sign_in

        async def sign_in_viewer(authorization: str, *arguments: Any, **named: Any) -> SignedIn | None:
            known = self._viewers.get(authorization)
            return await sign_in(authorization, *arguments, **named) if known is None else SignedIn(known)

        self.endpoint.authenticator.sign_in = sign_in_viewer  # type: ignore[method-assign]

    def key_of(self, viewer: Viewer) -> str:
        """The `Authorization` of a viewer."""
        authorization = f"Bearer viewer-{len(self._viewers)}"
        self._viewers[authorization] = viewer
        return authorization

    def as_(self, viewer: Viewer, query: str, variables: Mapping[str, Any] | None = None) -> httpx.Response:
        """The response to a request of a viewer."""
        return self.send(query, variables, authorization=self.key_of(viewer))

    def seen_by(self, viewer: Viewer, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data that a viewer gets; fails on any error."""
        body = self.as_(viewer, query, variables).json()
        assert "errors" not in body, body
        return body["data"]

    def import_files(self, folder: Path, *paths: Path) -> None:
        """Import files; `folder` takes the report."""

        async def run_all() -> None:
            report = Report(folder / "report.ndjson")
            run = ImportRun(self.graph, report, lambda read, counts: None)
            for path in paths:
                await run.run(path, open_file(path, self.graph.rules, ReadOptions()))
            report.close()

        self._run(run_all())


def shop(store: Store, run: Run, folder: Path, **settings: Any) -> ViewerClient:
    """A client of a service that has imported the example shop."""
    client = ViewerClient(store, run, **settings)
    client.import_files(folder, *sorted(SHOP.iterdir()))
    return client
