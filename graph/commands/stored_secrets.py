"""Secrets that all processes of a store share: the first process that needs one makes it."""

from collections.abc import Callable

from graph.domain.model.errors import StoreUnavailable
from graph.ports import NamedValues


async def stored_secret(store: NamedValues, name: str, make: Callable[[], str]) -> str:
    """Return the secret that is stored under a name; without one, store what `make` returns.

    Of processes that make it at the same time, all return that of the first. Raises `StoreUnavailable` if it is removed
    meanwhile.
    """
    if (text := await store.get_value(name)) is not None:
        return text
    made = make()
    if await store.replace_value(name, made, None):
        return made
    if (text := await store.get_value(name)) is not None:
        return text
    raise StoreUnavailable(f"the secret {name} was removed while it was read")
