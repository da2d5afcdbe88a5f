"""The entries of the ledger of erasures, and places in it."""

import msgspec
from msgspec import Struct

from service.runtime.hash_chain import Line


class Intent(Struct, frozen=True, tag_field="kind", tag="intent"):
    """What is about to be stored at a time (microseconds): enough to erase the same again.

    `keys` has the check value of each version of the keys that there were; `content` is the graph's, as JSON.
    """

    time: int
    keys: dict[int, str]
    content: msgspec.Raw


class Header(Struct, frozen=True, tag_field="kind", tag="ledger"):
    """The first entry of a ledger, with an id that no other ledger has."""

    id: str
    time: int
    version: int = 1


class Completed(Struct, frozen=True, tag_field="kind", tag="completed"):
    """The receipt of the intent with a number."""

    intent: int
    receipt: str


class Refused(Struct, frozen=True, tag_field="kind", tag="refused"):
    """The intent with a number was not carried out: the store refused it."""

    intent: int


Entry = Header | Intent | Completed | Refused


class Position(Struct, frozen=True):
    """The intent up to which a store has carried out a ledger: its number, and its leaf in hexadecimal digits."""

    ledger: str
    number: int
    leaf: str


class Pending(Struct, frozen=True):
    """An intent that a store lacks, and the position of a store that has it."""

    position: Position
    intent: Intent


_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def parsed(line: Line | None) -> Entry | None:
    """Return the entry of a line; `None` if it is none that this version of Kith knows."""
    try:
        return None if line is None else _decoder.decode(line.e or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
