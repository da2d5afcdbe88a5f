"""Persisted documents: trusted documents from manifests, and automatic persisted queries."""

import json
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.http.graphql_request import RequestParameters
from service.http.persisted_documents import MAX_REGISTERED, PersistedDocuments, digest, read_manifests

TEXT = "{ __typename }"
OTHER = "query Other { __typename }"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({digest(TEXT): TEXT}))
    return path


def code(documents: PersistedDocuments, parameters: RequestParameters) -> str:
    with pytest.raises(InvalidInput) as raised:
        documents.text(parameters)
    return raised.value.code


def by_hash(text: str | None, hash: str) -> RequestParameters:
    return RequestParameters(text, extensions={"persistedQuery": {"version": 1, "sha256Hash": hash}})


def test_trusted_documents_are_found_by_their_hash(manifest: Path) -> None:
    documents = PersistedDocuments(manifest)
    for id in (f"sha256:{digest(TEXT)}", digest(TEXT)):
        assert documents.text(RequestParameters(document_id=id)) == (TEXT, True)
    assert documents.text(by_hash(None, digest(TEXT))) == (TEXT, True)
    assert code(documents, RequestParameters(document_id="sha256:nope")) == "DOCUMENT_NOT_FOUND"
    assert documents.text(RequestParameters(OTHER)) == (OTHER, False)


def test_only_trusted_documents_are_run_if_configured(manifest: Path) -> None:
    documents = PersistedDocuments(manifest, trusted_documents_only=True)
    assert documents.text(RequestParameters(TEXT)) == (TEXT, False)
    assert code(documents, RequestParameters(OTHER)) == "UNTRUSTED_DOCUMENT"
    assert code(documents, by_hash(OTHER, digest(OTHER))) == "PERSISTED_QUERY_NOT_SUPPORTED"
    with pytest.raises(InvalidInput, match="KITH_TRUSTED_DOCUMENTS_ONLY"):
        PersistedDocuments(None, trusted_documents_only=True)


def test_clients_register_documents_by_their_hash() -> None:
    documents = PersistedDocuments()
    hash_only = by_hash(None, digest(TEXT))
    assert code(documents, hash_only) == "PERSISTED_QUERY_NOT_FOUND"
    assert code(documents, by_hash(TEXT, digest(OTHER))) == "PERSISTED_QUERY_HASH_MISMATCH"
    with_text = by_hash(TEXT, digest(TEXT))
    assert documents.text(with_text) == (TEXT, True)
    assert code(documents, hash_only) == "PERSISTED_QUERY_NOT_FOUND"
    documents.register(with_text, TEXT)
    assert documents.text(hash_only) == (TEXT, True)
    assert code(documents, by_hash(OTHER, digest(TEXT))) == "PERSISTED_QUERY_HASH_MISMATCH"
    for number in range(MAX_REGISTERED):
        text = f"query Q{number} {{ __typename }}"
        documents.register(by_hash(text, digest(text)), text)
    assert code(documents, hash_only) == "PERSISTED_QUERY_NOT_FOUND"
    assert code(PersistedDocuments(persisted_queries=False), with_text) == "PERSISTED_QUERY_NOT_SUPPORTED"


def test_a_folder_may_contain_several_manifests(manifest: Path) -> None:
    (manifest.parent / "other.json").write_text(json.dumps({f"sha256:{digest(OTHER)}": OTHER}))
    assert set(read_manifests(manifest.parent).values()) == {TEXT, OTHER}


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"a": 1}', '{"abc": "{ __typename }"}'])
def test_an_invalid_manifest_is_rejected_at_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "documents.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="KITH_DOCUMENTS"):
        read_manifests(path)
    with pytest.raises(InvalidInput, match="KITH_DOCUMENTS"):
        read_manifests(tmp_path / "missing")
