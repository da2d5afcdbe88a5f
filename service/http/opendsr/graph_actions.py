"""The same actions as in GraphQL, for a person who is named by identifiers."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from graph.commands.erase import ErasureRequest
from graph.domain.access.accessed import Accessed
from graph.domain.access.audit import AuditReader
from graph.domain.access.viewer import Viewer
from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from graph.domain.privacy.erasure_plan import OrderHold
from graph.domain.profile.pages import ById, ByKey, Selection
from graph.identity_graph import IdentityGraph
from graph.viewer_graph import ViewerGraph
from service.http.opendsr.requests import PORTABILITY

PLANS = 3
"""How often an erasure is planned again because the person has changed meanwhile."""


class GraphActions:
    """Actions on a graph. With `kept_days`, orders are kept without a person for so long, on the ground `ground`.

    `now` returns microseconds since 1970, `audit` reads the audit log.
    """

    def __init__(
        self, graph: IdentityGraph, audit: AuditReader, now: Callable[[], int], kept_days: int | None, ground: str
    ) -> None:
        self._graph, self._audit, self._now = graph, audit, now
        self._kept_days, self._ground = kept_days, ground

    async def customers(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of the customers that hold some identifiers, each once."""
        views = await self._graph.customers([ByKey(key) for key in keys], Selection())
        return tuple(dict.fromkeys(view.customer.id for view in views if view is not None))

    async def is_erased(self, request_id: str) -> bool:
        """Return whether an erasure for a request was carried out."""
        return await self._graph.erasures.get(request_id) is not None

    async def erase(self, keys: tuple[str, ...], request_id: str, caller: str) -> bool:
        """Erase a person with all identifiers that are only its own; return whether it was.

        It is not if the identifiers are of several customers: somebody has to decide who the person is. Identifiers of
        nobody are erased too, so that what arrives late is not stored.
        """
        views = await self._graph.customers([ByKey(key) for key in keys], Selection())
        ids = {view.customer.id for view in views if view is not None}
        if len(ids) > 1:
            return False
        unknown = tuple(key for key, view in zip(keys, views, strict=True) if view is None)
        hold = None
        if self._kept_days is not None:
            hold = OrderHold(self._now() + self._kept_days * DAY, self._ground)
        request = ErasureRequest(
            ById(ids.pop()) if ids else None, unknown, request_id=request_id, actor=caller, reason="OpenDSR", hold=hold
        )
        for attempt in range(PLANS):
            plan = await self._graph.plan_erasure(request)
            try:
                await self._graph.erasures.erase(replace(request, plan_hash=plan.hash))
            except InvalidInput as error:
                if error.code != "PLAN_CHANGED" or attempt == PLANS - 1:
                    raise
            else:
                break
        return True

    async def export(self, keys: tuple[str, ...], type: str, viewer: Viewer) -> tuple[bytes, Accessed]:
        """Return everything about the customers that hold some identifiers, and what was accessed.

        For access it is a JSON list of documents, for portability the lines that `kith import` reads.
        """
        graph = ViewerGraph(self._graph, viewer)
        documents, lines = [], []
        for id in await self.customers(keys):
            export = await graph.export_subject(ById(id), self._audit)
            if export is not None:
                document, records = await export.read()
                documents.append(document)
                lines += records
        accessed = graph.take_accessed()
        accessed.asked.update(dict.fromkeys(keys))
        if type == PORTABILITY:
            return msgspec.json.Encoder().encode_lines(lines), accessed
        return msgspec.json.encode(documents), accessed
