"""After an erasure no byte of the store, and no answer, holds anything that was sent about the person.

The statements are made from the schema, so a field that is added is covered from then on.
"""

from typing import Any

import pytest
from graphql import get_named_type, is_required_argument

from graph.domain.model.refused_records import RefusedRecord
from graph.ports import Store
from schema.root import schema
from service.bootstrap import SystemClock
from tests.builders.canary_places import places
from tests.builders.clients import Client
from tests.builders.erasing import by, erase
from tests.builders.personal_inputs import CANARY, DECISIONS, PERSON, STATEMENTS, PersonalInputs
from tests.builders.refused_records import refused
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

OTHER = "other@example.com"
NAMES_NOBODY = {
    "acknowledgeErasure",
    "applyRules",
    "cancelPreview",
    "createAudience",
    "createSegment",
    "deleteRefusedRecords",
    "deleteSegment",
    "endAudience",
    "eraseSubject",
    "ignoreDeadDeliveries",
    "liftRestriction",
    "liftSuppression",
    "pauseDestination",
    "planErasure",
    "previewRestoreSource",
    "previewRevokeSource",
    "previewRules",
    "recalculateRfm",
    "recordConsentTexts",
    "recordProducts",
    "removeOverride",
    "restoreSource",
    "resumeDestination",
    "resyncDestination",
    "retryDeadDeliveries",
    "revokeObservations",
    "revokeSource",
    "runRetention",
    "undoMerge",
    "updateSegment",
}
"""Mutations that store nothing of a person, or that name what others have stored."""


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    return client


def refused_records() -> list[RefusedRecord]:
    """Records that name the person and could not be taken, as systems send them."""
    contents = (f'{{"traits": {{"email": "{PERSON}", "name": "{CANARY}"}}}}', f"{CANARY};{PERSON};1", PERSON.upper())
    return [refused(content, message=f"{CANARY} is not a number", at=SystemClock().now()) for content in contents]


def send_everything(client: Client, run: Run) -> None:
    run(client.graph.refused.keep(refused_records()))
    inputs = PersonalInputs(schema._schema, OTHER)
    for name, document, variables in inputs.documents((*STATEMENTS, *DECISIONS)):
        payload = client.ask(document, variables)[name]
        assert payload["errors"] == [], name
        refused = [result for result in payload.get("results", ()) if result["__typename"] == "Rejected"]
        assert not refused, (name, refused)


def test_every_mutation_is_known_to_this_test() -> None:
    # given
    mutations = schema._schema.mutation_type.fields
    # then a new one is either about a person, or it is stated that it is not
    assert set(mutations) - NAMES_NOBODY == {*STATEMENTS, *DECISIONS}


def test_nothing_of_the_person_is_left(client: Client, store: Store, run: Run) -> None:
    # given
    send_everything(client, run)
    send_everything(client, run)
    assert run(places(store))
    # when
    erase(client, by=by(f"email={PERSON}"))
    # then
    assert run(places(store)) == {}
    # when all of it arrives again
    for _, document, variables in PersonalInputs(schema._schema, OTHER).documents(STATEMENTS):
        client.ask(document, variables)
    run(client.graph.refused.keep(refused_records()))
    # then
    assert run(places(store)) == {}
    assert client.customer(f"email={PERSON}") is None


def test_no_answer_names_the_person(client: Client, run: Run) -> None:
    # given
    send_everything(client, run)
    erase(client, by=by(f"email={PERSON}"))
    # then
    for name, field in schema._schema.query_type.fields.items():
        if not any(map(is_required_argument, field.args.values())):
            assert CANARY not in str(_whole(client, name, field)).lower(), name


def _whole(client: Client, name: str, field: Any) -> Any:
    """The answer of a query without required arguments, two levels deep."""
    selection = _selection(get_named_type(field.type), 3)
    return client.send(f"{{ {name}{selection} }}").json()


def _selection(kind: Any, depth: int) -> str:
    if not hasattr(kind, "fields"):
        return " { __typename }" if hasattr(kind, "types") else ""
    chosen = [
        f"{name}{_selection(get_named_type(field.type), depth - 1)}"
        for name, field in kind.fields.items()
        if not field.args
        and (depth or not hasattr(get_named_type(field.type), "fields"))
        and not hasattr(get_named_type(field.type), "types")
    ]
    return f" {{ {' '.join(chosen) or '__typename'} }}"
