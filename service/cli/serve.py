"""`kith serve`: the service in one process, or in several workers."""

import os
import sys
from typing import Annotated

import typer
from rich.markup import escape

from graph.domain.model.errors import InvalidInput
from service.bootstrap import open_audit, open_traces, wire
from service.cli import startup
from service.cli.shared import Rules, Store, console
from service.config import settings as settings_module
from service.config.settings import Settings
from service.http.app import create_app, create_endpoint
from service.http.server import Server, listen
from service.observability import logs
from service.runtime import interpreter
from service.runtime.supervisor import Supervisor, own_command
from service.runtime.worker import Worker

FILES_OF_THE_SERVICE = 200
"""Files and connections that a service opens, other than those of its clients: the store, logs, databases."""


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; without it, the setting KITH_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; without it, the setting KITH_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes that serve; without it, the setting KITH_WORKERS.")
    ] = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Serve GraphQL over HTTP and WebSocket."""
    worker = Worker.from_environment()
    settings = settings_module.load(host=host, port=port, workers=workers, store=store, rules=rules)
    logs.configure(settings.log_level, settings.log_format, 0 if worker is None else worker.number)
    if worker is None and settings.workers > 1:
        sys.exit(_supervise(settings))
    _serve(settings, worker)


def _supervise(settings: Settings) -> int:
    """Run the workers until a signal ends them; return the exit status."""
    if sys.platform == "win32":
        raise InvalidInput("INVALID_SETTING", "KITH_WORKERS: Windows runs one process; start others on other ports")
    listeners = listen(settings.host, settings.port)
    return Supervisor(own_command(), settings.workers, listeners, settings.shutdown_seconds).run()


def _serve(settings: Settings, worker: Worker | None) -> None:
    interpreter.allow_open_files(settings.max_sockets + FILES_OF_THE_SERVICE)
    sockets = listen(settings.host, settings.port) if worker is None else worker.listeners
    known = startup.known_keys(settings)
    settings = known.apply(settings)
    wiring = wire(settings)
    wiring.traces = open_traces(settings)
    wiring.audit = open_audit(settings)
    endpoint = create_endpoint(settings, wiring)
    # From here on digests suffice, and programs that this process starts need no keys.
    settings = settings.without_keys()
    os.environ.pop("KITH_API_KEYS", None)
    server = Server(create_app(settings, wiring, endpoint, worker), endpoint, wiring.graph, settings)
    if worker is None or worker.announces:
        for line in startup.lines(settings, known, wiring.access, sockets[0].getsockname()[1]):
            console.print(escape(line), soft_wrap=True)
    if worker is not None:
        server.report_to(worker, lambda: wiring.prepared)
    server.run(sockets)
