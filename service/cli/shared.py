"""What several commands share: consoles, options, and running over a wiring."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from service.bootstrap import Wiring, wire
from service.config import settings as settings_module
from service.config.settings import Settings
from service.observability import logs

T = TypeVar("T")

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
"""Messages are not wrapped: a terminal does it itself, and a file gets one line."""

Store = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or neo4j://HOST:PORT; without it, the setting KITH_STORE.")
]
Rules = Annotated[
    Path | None, typer.Option(help="A rules file; without it, the setting KITH_RULES, then the default rules.")
]


def run_with_wiring(
    settings: Settings, run: Callable[[Wiring], Awaitable[T]], prepare: bool = True, read_only: bool = False
) -> T:
    """Run a coroutine function over a wiring, and close the store in any case. With `read_only` nothing is written."""
    logs.configure(settings.log_level, settings.log_format)

    async def run_and_close() -> T:
        wiring = wire(settings, read_only)
        try:
            if prepare:
                await (wiring.prepare_reading() if read_only else wiring.prepare())
            return await run(wiring)
        finally:
            await wiring.graph.close()

    return asyncio.run(run_and_close())


def run_with_stored_rules(store: str | None, run: Callable[[Wiring], Awaitable[T]], read_only: bool = False) -> T:
    """Run a coroutine function over a wiring with the rules of the store, not with those of the settings."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    return run_with_wiring(settings, run, read_only=read_only)
