"""The spool: restrictions through merges, consents by customer, and a disk that is full."""

import json
import sqlite3
from collections.abc import Sequence

import pytest

from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.observations import Evidence, EvidenceTier, Observation
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.restrictions import Restriction
from graph.domain.model.stored_records import Record, StoredCustomer, StoredIdentifier, StoredObservation
from service.export.spool import Spool, space_for_files

ANN, BOB = "email=ann@example.com", "email=bob@example.com"


def customer(id: str, redirects_to: str | None = None) -> StoredCustomer:
    return StoredCustomer(id, 1, ("", 1), 1, {}, 0, 0, {}, None if redirects_to is None else 2, redirects_to, {}, 0)


def identifier(key: str, of: str) -> StoredIdentifier:
    return StoredIdentifier(key, of, Evidence(1, 1, ("crm",)), {}, False, False, 0, None, {}, {})


def consent(key: str, id: str, status: ObservationStatus = ObservationStatus.VALID) -> StoredObservation:
    facts = json.dumps(["newsletter", "", "given", "", {"method": "form"}])
    sent = Observation("shop", ((key.split("=")[0], key.split("=")[1]),), id, facts=facts, kind="consent").as_sent()
    holders = (key,) if status is ObservationStatus.VALID else ()
    return StoredObservation(
        *("shop", id, "digest", status, 7, 5, (key,), EvidenceTier.FIRST_PARTY, None, sent, "", 0, "consent", 0),
        fact_holders=holders,
    )


def spooled(records: Sequence[Record]) -> Spool:
    spool = Spool()
    spool.add(records)
    spool.complete()
    return spool


def test_who_leads_to_a_restricted_customer_is_restricted() -> None:
    # given: two ids in a row lead to Ann, whose restriction is in effect; that of Bob was lifted
    spool = spooled(
        [
            customer("cus_a"),
            identifier(ANN, "cus_a"),
            customer("cus_b"),
            identifier(BOB, "cus_b"),
            customer("cus_c", "cus_d"),
            customer("cus_d", "cus_a"),
            Restriction("rst_1", "cus_a", (ANN,), "sue", "", 1),
            Restriction("rst_2", "cus_b", (), "sue", "", 1, lifted_at=2),
        ]
    )
    # then
    assert [id for id in ("cus_a", "cus_b", "cus_c", "cus_d") if spool.is_restricted(id)] == ["cus_a", "cus_c", "cus_d"]
    assert (spool.names_restricted([BOB]), spool.names_restricted([BOB, ANN])) == (False, True)
    assert [record.key for record in spool.identifiers()] == [BOB]
    spool.close()


def test_consents_are_those_of_valid_observations() -> None:
    # given
    revoked = consent(ANN, "2", ObservationStatus.REVOKED)
    spool = spooled([customer("cus_a"), identifier(ANN, "cus_a"), consent(ANN, "1"), revoked])
    # then
    ((stated,), holder) = next(spool.consents())
    assert (stated.fact.key, stated.fact.id, stated.recorded_at, stated.method, holder) == (
        ANN,
        "1",
        7,
        "form",
        "cus_a",
    )
    assert spool.consents_of("cus_a") == (stated.fact,)
    assert spool.consents_of("cus_b") == ()
    spool.close()


def test_a_full_disk_is_a_message() -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"temporary files of the export in .* cannot be written: .*full"),
        space_for_files(),
    ):
        raise sqlite3.OperationalError("database or disk is full")
