"""Builds the endpoints of OpenDSR from the settings of a service."""

from collections.abc import Callable

from starlette.routing import BaseRoute

from graph.domain.access.audit import NO_AUDIT
from service.access.authentication import Authenticator
from service.bootstrap import Wiring
from service.config import opendsr_file
from service.config.settings import Settings
from service.http.opendsr.answers import Answers
from service.http.opendsr.callbacks import Callbacks
from service.http.opendsr.endpoint import OpenDSREndpoint
from service.http.opendsr.graph_actions import GraphActions
from service.http.opendsr.processor import Processor
from service.http.opendsr.register import Register
from service.http.opendsr.requests import RequestReader
from service.http.opendsr.signing import Signer


class OpenDSR:
    """The endpoints of a service and what looks after their requests."""

    def __init__(self, routes: list[BaseRoute], processor: Processor) -> None:
        self.routes, self.processor = routes, processor

    async def run(self) -> None:
        """Look after the requests until it is canceled."""
        await self.processor.run()


def open_opendsr(
    settings: Settings, wiring: Wiring, authenticator: Authenticator, now: Callable[[], int]
) -> OpenDSR | None:
    """Return the endpoints that the settings turn on; `None` if they are off. Raises `InvalidInput`."""
    chosen = opendsr_file.read(settings.opendsr)
    if chosen is None:
        return None
    graph = wiring.graph
    signer = Signer(chosen.domain, chosen.certificate, chosen.private_key, now)
    register = Register(wiring.store, now)
    audit = NO_AUDIT if wiring.audit is None else wiring.audit
    actions = GraphActions(graph, audit, now, chosen.orders_kept_days, chosen.orders_kept_ground)
    processor = Processor(chosen, register, signer, Callbacks(register, Answers(chosen), signer, now), actions, now)
    endpoint = OpenDSREndpoint(
        chosen,
        authenticator,
        processor,
        RequestReader(chosen.domain, chosen.identities, chosen.callback_hosts, lambda *key: graph.rules.key(*key), now),
        signer,
        actions,
        lambda: graph.rules.names,
        None if wiring.audit is None else wiring.audit.recorder,
        settings.request_seconds,
    )
    return OpenDSR(endpoint.routes(), processor)
