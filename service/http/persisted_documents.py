"""Documents by name: trusted ones from manifests, and automatic ones that clients register by their hash."""

import hashlib
from collections import OrderedDict
from pathlib import Path

import orjson

from graph.domain.model.errors import InvalidInput
from service.http.graphql_request import Sent

PREFIX = "sha256:"
KEPT = 1_000
"""Automatic documents that are kept."""
LONGEST_KEPT = 20_000


class KnownDocuments:
    """The documents that clients may name instead of sending them."""

    def __init__(self, manifests: Path | None = None, only_trusted: bool = False, automatic: bool = True) -> None:
        self._trusted = {} if manifests is None else read_manifests(manifests)
        if only_trusted and not self._trusted:
            raise InvalidInput("BAD_SETTING", "KITH_ONLY_TRUSTED: there are no documents in KITH_DOCUMENTS")
        self._only_trusted = only_trusted
        self._automatic = automatic and not only_trusted
        self._registered: OrderedDict[str, str] = OrderedDict()

    def text(self, sent: Sent) -> tuple[str, bool]:
        """The document that a request means, and whether it is a known one: named, or of a manifest.

        Raises `InvalidInput` where there is none of that name, or the document is not open.
        """
        if sent.document_id is not None:
            return self._named(sent.document_id), True
        if sent.hash is not None:
            return self._by_hash(sent.hash, sent.query), True
        text = sent.query or ""
        if self._only_trusted and self._trusted.get(digest(text)) != text:
            raise InvalidInput("NOT_TRUSTED", "only trusted documents are run here: send its documentId")
        return text, False

    def _named(self, id: str) -> str:
        text = self._trusted.get(id.removeprefix(PREFIX))
        if text is None:
            raise InvalidInput("UNKNOWN_DOCUMENT", f"documentId: there is no document {id!r}", ("documentId",))
        return text

    def _by_hash(self, hash: str, query: str | None) -> str:
        known = self._trusted.get(hash) or (self._registered.get(hash) if self._automatic else None)
        if known is not None and query in (None, "", known):
            return known
        if not self._automatic:
            # The names and messages are those that Apollo's clients know.
            raise InvalidInput("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        if not query:
            raise InvalidInput("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        if digest(query) != hash:
            message = "extensions.persistedQuery.sha256Hash is not the hash of the document"
            raise InvalidInput("BAD_HASH", message, ("extensions", "persistedQuery", "sha256Hash"))
        return query

    def register(self, sent: Sent, text: str) -> None:
        """Keep an automatic document that proved to be valid."""
        if self._automatic and sent.hash is not None and len(text) <= LONGEST_KEPT:
            self._registered[sent.hash] = text
            self._registered.move_to_end(sent.hash)
            if len(self._registered) > KEPT:
                self._registered.popitem(last=False)


def digest(text: str) -> str:
    """The SHA-256 of a document, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifests(path: Path) -> dict[str, str]:
    """The documents of a manifest by their SHA-256, or of all manifests (`*.json`) of a folder.

    A manifest is a JSON object from hash to document, as GraphQL Code Generator's client preset writes it.
    """
    if not path.exists():
        raise InvalidInput("BAD_SETTING", f"KITH_DOCUMENTS: there is no file or folder {str(path)!r}")
    found: dict[str, str] = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            manifest = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError:
            manifest = None
        if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
            raise InvalidInput("BAD_SETTING", f"KITH_DOCUMENTS: {file.name} is no JSON object from hash to document")
        for hash, text in manifest.items():
            if digest(text) != hash.removeprefix(PREFIX):
                raise InvalidInput(
                    "BAD_SETTING", f"KITH_DOCUMENTS: {file.name}: {hash[:80]!r} is not its document's hash"
                )
            found[digest(text)] = text
    return found
