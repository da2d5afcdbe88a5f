"""Persisted documents: trusted documents from manifests, and automatic persisted queries registered by clients."""

import hashlib
from collections import OrderedDict
from pathlib import Path

import orjson

from graph.domain.model.errors import InvalidInput
from service.http.graphql_request import RequestParameters

PREFIX = "sha256:"
MAX_REGISTERED = 1_000
"""Maximum number of registered documents; the least recently registered are dropped."""
MAX_REGISTERED_LENGTH = 20_000
"""Maximum number of characters of a registered document."""


class PersistedDocuments:
    """Documents that clients may request by id or hash instead of sending them."""

    def __init__(
        self, manifests: Path | None = None, trusted_documents_only: bool = False, persisted_queries: bool = True
    ) -> None:
        self._trusted = {} if manifests is None else read_manifests(manifests)
        if trusted_documents_only and not self._trusted:
            raise InvalidInput("INVALID_SETTING", "KITH_TRUSTED_DOCUMENTS_ONLY: KITH_DOCUMENTS contains no documents")
        self._trusted_documents_only = trusted_documents_only
        self._persisted_queries = persisted_queries and not trusted_documents_only
        self._registered: OrderedDict[str, str] = OrderedDict()

    @property
    def registered(self) -> int:
        """The number of documents that clients have registered."""
        return len(self._registered)

    def forget_registered(self) -> None:
        """Forget what clients have registered: literals may name somebody who was erased. They register it again."""
        self._registered.clear()

    def text(self, parameters: RequestParameters) -> tuple[str, bool]:
        """Return the requested document, and whether it was requested by id or hash.

        Raises `InvalidInput` if the document does not exist or is not trusted.
        """
        if parameters.document_id is not None:
            return self._by_id(parameters.document_id), True
        if parameters.hash is not None:
            return self._by_hash(parameters.hash, parameters.query), True
        text = parameters.query or ""
        if self._trusted_documents_only and self._trusted.get(digest(text)) != text:
            raise InvalidInput("UNTRUSTED_DOCUMENT", "only trusted documents are allowed: send a documentId")
        return text, False

    def _by_id(self, id: str) -> str:
        text = self._trusted.get(id.removeprefix(PREFIX))
        if text is None:
            raise InvalidInput("DOCUMENT_NOT_FOUND", f"documentId: document {id!r} does not exist", ("documentId",))
        return text

    def _by_hash(self, hash: str, query: str | None) -> str:
        document = self._trusted.get(hash) or (self._registered.get(hash) if self._persisted_queries else None)
        if document is not None and query in (None, "", document):
            return document
        if not self._persisted_queries:
            # Apollo's clients expect these codes and messages.
            raise InvalidInput("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        if not query:
            raise InvalidInput("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
        if digest(query) != hash:
            message = "extensions.persistedQuery.sha256Hash is not the hash of the document"
            raise InvalidInput("PERSISTED_QUERY_HASH_MISMATCH", message, ("extensions", "persistedQuery", "sha256Hash"))
        return query

    def register(self, parameters: RequestParameters, text: str) -> None:
        """Register an automatic persisted query that was executed."""
        if self._persisted_queries and parameters.hash is not None and len(text) <= MAX_REGISTERED_LENGTH:
            self._registered[parameters.hash] = text
            self._registered.move_to_end(parameters.hash)
            if len(self._registered) > MAX_REGISTERED:
                self._registered.popitem(last=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a document in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifests(path: Path) -> dict[str, str]:
    """Return the documents of a manifest, or of all manifests (`*.json`) in a folder, by their SHA-256.

    A manifest is a JSON object from hash to document, as written by GraphQL Code Generator's client preset. Raises
    `InvalidInput`.
    """
    if not path.exists():
        raise InvalidInput("INVALID_SETTING", f"KITH_DOCUMENTS: file or folder {str(path)!r} does not exist")
    documents: dict[str, str] = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        try:
            manifest = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError:
            manifest = None
        if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
            raise InvalidInput(
                "INVALID_SETTING", f"KITH_DOCUMENTS: {file.name} is not a JSON object from hash to document"
            )
        for hash, text in manifest.items():
            if digest(text) != hash.removeprefix(PREFIX):
                raise InvalidInput(
                    "INVALID_SETTING", f"KITH_DOCUMENTS: {file.name}: {hash[:80]!r} is not the hash of its document"
                )
            documents[digest(text)] = text
    return documents
