"""Documents by name: trusted ones from manifests, automatic ones by their hash."""

import json
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.http.graphql_request import Sent
from service.http.persisted_documents import KEPT, KnownDocuments, digest, read_manifests

TEXT = "{ __typename }"
OTHER = "query Other { __typename }"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({digest(TEXT): TEXT}))
    return path


def code(known: KnownDocuments, sent: Sent) -> str:
    with pytest.raises(InvalidInput) as raised:
        known.text(sent)
    return raised.value.code


def by_hash(text: str | None, hash: str) -> Sent:
    return Sent(text, extensions={"persistedQuery": {"version": 1, "sha256Hash": hash}})


def test_trusted_documents_are_found_by_their_hash(manifest: Path) -> None:
    known = KnownDocuments(manifest)
    for id in (f"sha256:{digest(TEXT)}", digest(TEXT)):
        assert known.text(Sent(document_id=id)) == (TEXT, True)
    assert known.text(by_hash(None, digest(TEXT))) == (TEXT, True)
    assert code(known, Sent(document_id="sha256:nope")) == "UNKNOWN_DOCUMENT"
    assert known.text(Sent(OTHER)) == (OTHER, False)


def test_only_trusted_ones_are_run_where_that_is_wanted(manifest: Path) -> None:
    known = KnownDocuments(manifest, only_trusted=True)
    assert known.text(Sent(TEXT)) == (TEXT, False)
    assert code(known, Sent(OTHER)) == "NOT_TRUSTED"
    assert code(known, by_hash(OTHER, digest(OTHER))) == "PERSISTED_QUERY_NOT_SUPPORTED"
    with pytest.raises(InvalidInput, match="KITH_ONLY_TRUSTED"):
        KnownDocuments(None, only_trusted=True)


def test_clients_register_documents_by_their_hash() -> None:
    known = KnownDocuments()
    named = by_hash(None, digest(TEXT))
    assert code(known, named) == "PERSISTED_QUERY_NOT_FOUND"
    assert code(known, by_hash(TEXT, digest(OTHER))) == "BAD_HASH"
    sent = by_hash(TEXT, digest(TEXT))
    assert known.text(sent) == (TEXT, True)
    assert code(known, named) == "PERSISTED_QUERY_NOT_FOUND"
    known.register(sent, TEXT)
    assert known.text(named) == (TEXT, True)
    assert code(known, by_hash(OTHER, digest(TEXT))) == "BAD_HASH"
    for number in range(KEPT):
        text = f"query Q{number} {{ __typename }}"
        known.register(by_hash(text, digest(text)), text)
    assert code(known, named) == "PERSISTED_QUERY_NOT_FOUND"
    assert code(KnownDocuments(automatic=False), sent) == "PERSISTED_QUERY_NOT_SUPPORTED"


def test_a_folder_holds_the_manifests_of_many_clients(manifest: Path) -> None:
    (manifest.parent / "other.json").write_text(json.dumps({f"sha256:{digest(OTHER)}": OTHER}))
    assert set(read_manifests(manifest.parent).values()) == {TEXT, OTHER}


@pytest.mark.parametrize("content", ["nonsense", "[]", '{"a": 1}', '{"abc": "{ __typename }"}'])
def test_a_manifest_that_is_none_is_refused_at_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "documents.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="KITH_DOCUMENTS"):
        read_manifests(path)
    with pytest.raises(InvalidInput, match="KITH_DOCUMENTS"):
        read_manifests(tmp_path / "missing")
