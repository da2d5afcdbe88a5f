"""Who was erased does not come back through the ways in of other systems, and is in no refused record."""

from pathlib import Path
from typing import Any

from graph.domain.model.refused_records import RefusedFilter, RefusedRecord
from service.connectors.intake import Intake
from service.connectors.registry import Connectors
from service.connectors.retrying import retry
from tests.builders.clients import Client
from tests.builders.connectors import ORIGIN, connected, event, post
from tests.builders.erasing import by, erase
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import Fresh

NAMELESS = event("track", "m-2", event="!!", userId="victim-1", properties={"note": "write to V@Example.com"})
HERS = [
    event("identify", "m-1", userId="victim-1", anonymousId="cookie-9", traits={"email": "v@example.com"}),
    NAMELESS,
    event("track", "m-3", event="Order Completed", userId="victim-1",
          properties={"order_id": "1001", "total": "5.00", "currency": "EUR"}),
]  # fmt: skip
"""What a server sends of somebody; no rule takes the second one."""


def refused_records(client: Client, run: Run) -> list[RefusedRecord]:
    return list(run(client.graph.refused.page(RefusedFilter(), None, 100)).items)


def known(client: Client) -> list[str]:
    keys = ("login=victim-1", "cookie=cookie-9", "email=v@example.com", "order=1001")
    return [key for key in keys if client.customer(key, "id") is not None]


def test_who_was_erased_does_not_come_back(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    client = connected(fresh(), run, tmp_path, safeguards=ListSafeguards())
    assert post(client, "/in/backend", {"batch": HERS}).json()["accepted"] == 2
    (kept,) = refused_records(client, run)
    # when she is erased
    erase(client, by=by("login=victim-1"))
    # then nothing is left, and what is delivered again or by a browser is neither stored nor kept
    assert (known(client), refused_records(client, run)) == ([], [])
    again: list[dict[str, Any]] = [one | {"messageId": f"n-{one['messageId']}"} for one in HERS]
    post(client, "/in/backend", {"batch": [*HERS, *again]})
    post(client, "/v1/batch", {"batch": [*HERS, *again]}, key="wk_web", origin=ORIGIN)
    assert (known(client), refused_records(client, run)) == ([], [])

    # a record that another process keeps too late, and that a mended mapping would take
    def way_in(_: RefusedRecord) -> Intake:
        found = Connectors(client.graph, tmp_path / "connectors.toml").get("backend")
        assert found is not None
        return found

    run(client.graph.refused.keep([kept]))
    run(retry(client.graph, RefusedFilter(), way_in))
    assert (known(client), refused_records(client, run)) == ([], [])
