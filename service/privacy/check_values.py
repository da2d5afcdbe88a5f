"""Check values: what a store knows of the secrets that it was used with, without knowing them."""

from collections.abc import Mapping

import msgspec

from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store
from service.privacy.keys import SETTING, ErasureKeys, KeyVersion

DOCUMENT = "erasure_keys"
"""The name under which the store keeps the check value of each version that it was used with."""
MAX_TRIES = 100
"""Tries of a change while others change the document too."""
_Values = dict[int, str]


async def read(store: Store) -> _Values:
    """Return the check values of a store by version. Raises `StoreUnavailable`."""
    return _parsed(await store.get_value(DOCUMENT))


async def register(store: Store, key: KeyVersion) -> None:
    """Store the check value of a version, before it is used first. Raises `StoreUnavailable` if another is stored."""
    for _ in range(MAX_TRIES):
        text = await store.get_value(DOCUMENT)
        values = _parsed(text)
        if problem := difference({key.version: values.get(key.version, key.check_value)}, ErasureKeys((key,))):
            raise StoreUnavailable(f"{SETTING}: {problem}")
        if key.version in values:
            return
        added = msgspec.json.encode(values | {key.version: key.check_value}).decode()
        if await store.replace_value(DOCUMENT, added, text):
            return
    raise StoreUnavailable(f"{SETTING}: the check values in the store are changed too often by others: try again")


def difference(values: Mapping[int, str], keys: ErasureKeys | None) -> str:
    """Return why keys do not fit the check values of a store; empty if they do."""
    if values and keys is None:
        return "the file does not exist, and people were erased from the store: restore it"
    for version, value in values.items():
        key = keys and keys.find(version)
        if not key:
            return f"the file lacks version {version}, which the store was used with: restore the newest file"
        if key.check_value != value:
            return f"the file has another secret for version {version} than the store was used with: restore the file"
    return ""


def _parsed(text: str | None) -> _Values:
    if text is None:
        return {}
    try:
        return msgspec.json.decode(text, type=_Values)
    except msgspec.DecodeError:
        raise StoreUnavailable(f"{SETTING}: the check values in the store cannot be read: restore a backup") from None
