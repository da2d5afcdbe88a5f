"""The size that each store states."""

from graph.ports import Store
from tests.builders.clients import Client, seen
from tests.builders.runs import Run


def test_the_size_of_a_store_counts_all_identifiers(store: Store, run: Run) -> None:
    # given
    empty = run(store.size())
    client = Client(store, run)
    client.link(seen("crm_id=Ann", "email=ann@mail.example", id="1"), seen("crm_id=Ben"))
    # when: an identifier that no valid observation names is still there
    run(client.graph.revoke([("web", "1")]))
    # then
    size = run(store.size())
    assert (empty.identifiers, size.identifiers) == (0, 3)
    assert size.bytes is None or size.bytes > 4_096
